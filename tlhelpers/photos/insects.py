"""Ants, bees and some plants, drawn with PIL in random pose on a transparent canvas."""

from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

BODY = np.array([(28, 22, 20), (62, 36, 22), (112, 56, 26), (150, 74, 34), (186, 120, 48), (214, 160, 62)])
PLANT = np.array([(70, 96, 44), (112, 128, 62), (134, 108, 70), (92, 70, 48), (168, 156, 120)])
PETAL = np.array([(236, 228, 214), (226, 186, 70), (208, 120, 150), (150, 116, 190), (228, 140, 84)])
FINE = 2  # drawn this many times larger and then made smaller, for smooth edges
ROUND = np.linspace(0, 2 * pi, 48)  # the corners of an ellipse, which is drawn as a polygon


def jitter(rng: np.random.Generator, colours: np.ndarray) -> np.ndarray:
    """Return colours a little off, all of them by the same factors."""
    return colours * rng.uniform(0.85, 1.15, 3)


def ink(colour: Sequence[float]) -> tuple[int, ...]:
    """Return a colour as PIL wants it."""
    return tuple(min(255, int(value)) for value in colour)


class Canvas:
    """A transparent square to draw one thing on: its own axes, x from tail (-1) to head (1), turned as one likes."""

    def __init__(self, size: float, angle: float, *, mirror: bool = False) -> None:
        self.unit = size * FINE / 2  # pixels
        self.image = Image.new("RGBA", (int(self.unit * 3.4),) * 2)
        self.draw = ImageDraw.Draw(self.image)
        flip = -1 if mirror else 1
        self.axes = self.unit * np.array([(flip * cos(angle), flip * sin(angle)), (sin(angle), -cos(angle))])

    def line(self, points: np.ndarray, width: float, colour: np.ndarray) -> None:
        """Draw a line through points (P, 2) with round joints, thinner towards its end."""
        places = (points @ self.axes + self.image.width / 2).tolist()
        for number, (start, end) in enumerate(pairwise(places)):
            radius = max(1, self.unit * width * 0.75**number / 2)
            self.draw.line([*start, *end], ink(colour), int(2 * radius))
            if radius > 1:
                x, y = end
                self.draw.ellipse([x - radius, y - radius, x + radius, y + radius], ink(colour))

    def oval(self, centre, length, width, colour, *, tilt=0.0, part=(-1.0, 1.0), rim=0.55) -> None:
        """Draw an ellipse, or the part of it between two places on its long axis, brighter inside than at its rim."""
        inwards = np.linspace(0, 0.85, 8)[:, None] if rim < 1 else np.zeros((1, 1))  # (S, 1): S ever smaller shades
        x = ((1 - inwards) * np.cos(ROUND)).clip(*part)  # (S, 48)
        y = np.sqrt(((1 - inwards) ** 2 - x**2).clip(0)) * np.sign(np.sin(ROUND))
        turn = np.stack([_way(tilt), _way(tilt + pi / 2)])
        outlines = np.stack([x * length / 2, y * width / 2], axis=2) @ turn + centre  # (S, 48, 2)
        lit = self.unit * width * 0.13 * inwards[:, None]  # moved towards the light, which comes from the upper left
        places = (outlines @ self.axes + self.image.width / 2 - lit).reshape(len(x), -1).tolist()
        for place, brightness in zip(places, rim + (1.15 - rim) * inwards, strict=True):
            self.draw.polygon(place, ink([*np.multiply(colour[:3], brightness), *colour[3:]]))

    def twin(self) -> "Canvas":
        """Return an empty canvas with the same axes, for what is seen through."""
        twin = copy(self)
        twin.image = Image.new("RGBA", self.image.size)
        twin.draw = ImageDraw.Draw(twin.image)
        return twin

    def paste(self, scene: Image.Image, middle: np.ndarray, rng: np.random.Generator) -> None:
        """Put the drawing with its middle at a place (x, y) of a scene, with its shadow."""
        box = np.array(self.image.getbbox())
        height = max(2, int(self.unit / 25))  # above the ground, in pixels; also the margin that blurring needs
        box += FINE * height * np.array([-1, -1, 1, 1])
        drawing = self.image.crop(box.tolist()).reduce(FINE).filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7)))
        left, top = (middle + (box[:2] - self.image.width / 2) / FINE).astype(int).tolist()
        shadow = drawing.getchannel("A").filter(ImageFilter.BoxBlur(height)).point(lambda alpha: alpha * 0.55)
        scene.paste((15, 12, 10), (left + height, top + height), shadow)
        scene.paste(drawing, (left, top), drawing)


def draw_ant(canvas: Canvas, rng: np.random.Generator, tints: np.ndarray, side: bool) -> None:
    """Draw a slim body of three parts with a thin waist, long legs and elbowed feelers."""
    head, chest, rear = tints[rng.integers(0, 2, 3)]
    _draw_legs(canvas, rng, tints[0] * 0.8, reach=1.0, width=0.065, side=side)
    tilt = rng.normal(0, 0.12)
    length, width = rng.uniform(0.72, 0.95), rng.uniform(0.42, 0.58)
    canvas.oval((-0.6, 0.05 * side), length, width, rear, tilt=-tilt)
    if rng.random() < 0.5:
        for start in np.linspace(-0.9, 0.6, rng.integers(2, 5)):
            canvas.oval((-0.6, 0.05 * side), length, width, tints[0], tilt=-tilt, part=(start, start + 0.2))
    canvas.oval((-0.13, 0), 0.13, 0.15, chest)
    canvas.oval((0.02, 0), 0.3, 0.17, chest)
    canvas.oval((0.25, 0.03 * side), 0.42, 0.22, chest, tilt=tilt)
    for y in (-1, 1):
        turn = rng.normal(0, 0.12)
        canvas.line([(0.75, y * 0.08), (0.95, y * (0.34 + turn)), (1.3 + turn, y * 0.4)], 0.05, tints[0] * 0.8)
        canvas.line([(0.8, y * 0.1), (0.98, y * 0.03)], 0.06, head * 0.7)
    canvas.oval((0.66, -0.04 * side), 0.42, 0.37, head, tilt=tilt)
    for y in (-1, 1):
        canvas.oval((0.68, y * 0.15 * (1 - side) + 0.04 * side), 0.1, 0.07, (20, 16, 16))


def draw_bee(canvas: Canvas, rng: np.random.Generator, tints: np.ndarray, side: bool) -> None:
    """Draw a stout striped body with a furry chest, two pairs of wings and short legs."""
    _draw_legs(canvas, rng, tints[0] * 0.8, reach=0.62, width=0.08, side=side)
    tilt, bands = rng.normal(0, 0.1), rng.integers(5, 8)
    edges = np.linspace(-1, 1, 2 * bands)
    for number, band in enumerate(pairwise(edges)):
        canvas.oval((-0.48, -0.05 * side), 0.95, 0.58, tints[number % 2], tilt=tilt, part=band)
    for y in (-1, 1):
        canvas.line([(0.62, y * 0.05), (0.76, y * 0.17), (0.95, y * rng.uniform(0.1, 0.3))], 0.045, tints[0] * 0.8)
    canvas.oval((0.55, -0.06 * side), 0.27, 0.42, tints[0])
    canvas.oval((0.16, 0.05 * side), 0.5, 0.5, tints[1])
    _draw_fur(canvas, rng, tints[1], (0.16, 0.05 * side))
    for y in (-1, 1) if not side else (0.3,):
        canvas.oval((0.57, y * 0.16), 0.19, 0.12, (24, 18, 18))
    _draw_wings(canvas, rng, side)


def _draw_fur(canvas: Canvas, rng: np.random.Generator, tint: np.ndarray, centre: tuple[float, float]) -> None:
    for angle, length in zip(rng.uniform(0, 2 * pi, 300), rng.uniform(0.1, 0.31, 300), strict=True):
        way = _way(angle)
        canvas.line([centre + (length - 0.1) * way, centre + length * way], 0.008, tint * rng.uniform(0.6, 1.3))


def _draw_wings(canvas: Canvas, rng: np.random.Generator, side: bool) -> None:
    glass, spread = canvas.twin(), rng.uniform(0.25, 0.8)
    for y in (1,) if side else (1, -1):
        root = np.array([0.2, y * (0.12 + 0.1 * side)])
        for length, extra in ((0.75, 0.3), (1.05, 0.0)):
            tilt = y * (pi - spread + extra - rng.normal(0, 0.05))
            middle = root + _way(tilt) * length / 2
            glass.oval(middle, length, 0.42 * length, (120, 110, 95, 150), tilt=tilt, rim=1)
            glass.oval(middle, length * 0.96, 0.39 * length, (222, 222, 216, 75), tilt=tilt, rim=1)
            for bend in (-0.2, 0.0, 0.2):
                glass.line([root, root + _way(tilt + bend) * length * 0.8], 0.01, (110, 100, 88, 160))
    canvas.image.alpha_composite(glass.image)


def _way(angle: float) -> np.ndarray:
    return np.array([cos(angle), sin(angle)])


def _draw_legs(
    canvas: Canvas, rng: np.random.Generator, tint: np.ndarray, *, reach: float, width: float, side: bool
) -> None:
    """Draw three pairs of legs of three parts each, bent as they come."""
    for y in (-1, 1):
        for base, ahead in ((0.36, 0.55), (0.2, -0.05), (0.04, -0.7)):
            forward = reach * (ahead + rng.normal(0, 0.12))
            x = base + forward * np.array([0, 0.4, 0.75, 1.1])
            height = np.array([-0.05, 0.12, -0.55, -0.75]) if side else y * np.array([0.05, 0.5, 0.85, 1])
            joints = np.stack([x, reach * rng.uniform(0.8, 1.05) * height], axis=1)  # (4, 2)
            canvas.line(joints, width, tint * (0.7 if side and y < 0 else 1))


def draw_leaf(canvas: Canvas, rng: np.random.Generator) -> None:
    tint = jitter(rng, PLANT[rng.integers(len(PLANT))])
    canvas.oval((0, 0), 2, rng.uniform(0.3, 1), tint, rim=0.75)
    canvas.line([(-1.2, 0), (0.9, 0)], 0.05, tint * 0.8)


def draw_twig(canvas: Canvas, rng: np.random.Generator) -> None:
    tint = jitter(rng, PLANT[rng.integers(len(PLANT))])
    for _ in range(rng.integers(1, 5)):
        start, way = rng.uniform(-0.5, 0.5, 2), rng.normal(0, 0.6, 2)
        canvas.line([start, start + way, start + way + rng.normal(0, 0.5, 2)], rng.uniform(0.02, 0.07), tint)


def draw_flower(canvas: Canvas, rng: np.random.Generator) -> None:
    tint, heart = jitter(rng, PETAL[rng.permutation(len(PETAL))[:2]])
    petals = rng.integers(5, 14)
    for angle in np.arange(petals) * 2 * pi / petals:
        canvas.oval(0.55 * _way(angle), 0.95, 4.2 / petals, tint, tilt=angle, rim=0.8)
    canvas.oval((0, 0), 0.5, 0.5, heart)
