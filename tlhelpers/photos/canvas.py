"""A transparent canvas to draw one thing on with PIL, turned in any direction, with light and shadow."""

from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SUPERSAMPLING = 2  # drawn this many times larger and then reduced, for smooth edges
ANGLES = np.linspace(0, 2 * pi, 48)  # of the corners of an ellipse, which is drawn as a polygon
Values = Sequence[float] | np.ndarray  # a color, or a point
Points = Sequence[Values] | np.ndarray  # (P, 2)


def jitter(rng: np.random.Generator, colors: np.ndarray) -> np.ndarray:
    """Return slightly changed colors; each channel is multiplied by the same factor in all of them."""
    return colors * rng.uniform(0.85, 1.15, 3)


def ink(color: Values) -> tuple[int, ...]:
    """Return a color as a tuple of integers, as PIL needs it."""
    return tuple(min(255, int(value)) for value in color)


def direction(angle: float) -> np.ndarray:
    """Return the vector of length 1 at an angle in radians."""
    return np.array([cos(angle), sin(angle)])


class Canvas:
    """A transparent square to draw one thing on, with axes of its own: x goes from the tail (-1) to the head (1).

    Parameters
    ----------
    size : float
        The length from tail to head in pixels of the scene.
    angle : float
        The direction of the x axis in radians.
    mirror : bool
        Whether to mirror the drawing.
    """

    def __init__(self, size: float, angle: float, *, mirror: bool = False) -> None:
        self.unit = size * SUPERSAMPLING / 2  # pixels
        self.image = Image.new("RGBA", (int(self.unit * 3.4),) * 2)
        self.draw = ImageDraw.Draw(self.image)
        flip = -1 if mirror else 1
        self.axes = self.unit * np.array([(flip * cos(angle), flip * sin(angle)), (sin(angle), -cos(angle))])

    def line(self, points: Points, width: float, color: Values) -> None:
        """Draw a line through points with round joints; it becomes thinner toward its end."""
        pixels = (np.asarray(points) @ self.axes + self.image.width / 2).tolist()
        for number, (start, end) in enumerate(pairwise(pixels)):
            radius = max(1, self.unit * width * 0.75**number / 2)
            self.draw.line([*start, *end], ink(color), int(2 * radius))
            if radius > 1:
                x, y = end
                self.draw.ellipse([x - radius, y - radius, x + radius, y + radius], ink(color))

    def oval(
        self,
        center: Values,
        length: float,
        width: float,
        color: Values,
        *,
        tilt: float = 0.0,
        part: tuple[float, float] = (-1.0, 1.0),
        rim: float = 0.55,
    ) -> None:
        """Draw an ellipse, which is brighter inside than at its rim.

        Parameters
        ----------
        center : sequence of float
        length, width : float
            The lengths of its two axes.
        color : sequence of float
        tilt : float
            The angle between its long axis and the x axis, in radians.
        part : tuple of float
            The ends of the part to draw, on the long axis from -1 to 1.
        rim : float
            The brightness of the rim; with 1 the whole ellipse has one color.
        """
        inwards = np.linspace(0, 0.85, 8)[:, None] if rim < 1 else np.zeros((1, 1))  # (S, 1): S smaller ones
        x = ((1 - inwards) * np.cos(ANGLES)).clip(*part)  # (S, 48)
        y = np.sqrt(((1 - inwards) ** 2 - x**2).clip(0)) * np.sign(np.sin(ANGLES))
        turn = np.stack([direction(tilt), direction(tilt + pi / 2)])
        outlines = np.stack([x * length / 2, y * width / 2], axis=2) @ turn + center  # (S, 48, 2)
        shift = self.unit * width * 0.13 * inwards[:, None]  # toward the light, which comes from the upper left
        corners = (outlines @ self.axes + self.image.width / 2 - shift).reshape(len(x), -1).tolist()
        for outline, brightness in zip(corners, rim + (1.15 - rim) * inwards, strict=True):
            self.draw.polygon(outline, ink([*np.multiply(color[:3], brightness), *color[3:]]))

    def empty_copy(self) -> "Canvas":
        """Return an empty canvas with the same axes, for transparent parts."""
        copied = copy(self)
        copied.image = Image.new("RGBA", self.image.size)
        copied.draw = ImageDraw.Draw(copied.image)
        return copied

    def paste(self, scene: Image.Image, center: np.ndarray, rng: np.random.Generator) -> None:
        """Paste the drawing and its shadow into a scene, with its center at a point (x, y)."""
        box = np.array(self.image.getbbox())
        height = max(2, int(self.unit / 25))  # above the ground, in pixels; also the margin that blurring needs
        box += SUPERSAMPLING * height * np.array([-1, -1, 1, 1])
        reduced = self.image.crop(box.tolist()).reduce(SUPERSAMPLING)
        drawing = reduced.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7)))
        left, top = (center + (box[:2] - self.image.width / 2) / SUPERSAMPLING).astype(int).tolist()
        shadow = drawing.getchannel("A").filter(ImageFilter.BoxBlur(height)).point(lambda alpha: alpha * 0.55)
        scene.paste((15, 12, 10), (left + height, top + height), shadow)
        scene.paste(drawing, (left, top), drawing)
