"""Draw an ant or a bee in a random pose."""

from itertools import pairwise
from math import pi

import numpy as np

from tlhelpers.photos.canvas import Canvas, direction

BODY_COLORS = np.array([(28, 22, 20), (62, 36, 22), (112, 56, 26), (150, 74, 34), (186, 120, 48), (214, 160, 62)])


def draw_ant(canvas: Canvas, rng: np.random.Generator, colors: np.ndarray, side: bool) -> None:
    """Draw an ant: a slim body of three parts with a thin waist, long legs and bent antennae.

    Parameters
    ----------
    canvas : Canvas
    rng : np.random.Generator
    colors : array of shape (2, 3)
        Two colors of the body.
    side : bool
        Whether the insect is seen from the side, and not from above.
    """
    head, chest, rear = colors[rng.integers(0, 2, 3)]
    _draw_legs(canvas, rng, colors[0] * 0.8, reach=1.0, width=0.065, side=side)
    tilt = rng.normal(0, 0.12)
    length, width = rng.uniform(0.72, 0.95), rng.uniform(0.42, 0.58)
    canvas.oval((-0.6, 0.05 * side), length, width, rear, tilt=-tilt)
    if rng.random() < 0.5:
        for start in np.linspace(-0.9, 0.6, rng.integers(2, 5)):
            canvas.oval((-0.6, 0.05 * side), length, width, colors[0], tilt=-tilt, part=(start, start + 0.2))
    canvas.oval((-0.13, 0), 0.13, 0.15, chest)
    canvas.oval((0.02, 0), 0.3, 0.17, chest)
    canvas.oval((0.25, 0.03 * side), 0.42, 0.22, chest, tilt=tilt)
    for y in (-1, 1):
        turn = rng.normal(0, 0.12)
        canvas.line([(0.75, y * 0.08), (0.95, y * (0.34 + turn)), (1.3 + turn, y * 0.4)], 0.05, colors[0] * 0.8)
        canvas.line([(0.8, y * 0.1), (0.98, y * 0.03)], 0.06, head * 0.7)
    canvas.oval((0.66, -0.04 * side), 0.42, 0.37, head, tilt=tilt)
    for y in (-1, 1):
        canvas.oval((0.68, y * 0.15 * (1 - side) + 0.04 * side), 0.1, 0.07, (20, 16, 16))


def draw_bee(canvas: Canvas, rng: np.random.Generator, colors: np.ndarray, side: bool) -> None:
    """Draw a bee: a thick striped body with a furry chest, two pairs of wings and short legs.

    The parameters are those of ``draw_ant``.
    """
    _draw_legs(canvas, rng, colors[0] * 0.8, reach=0.62, width=0.08, side=side)
    tilt, bands = rng.normal(0, 0.1), rng.integers(5, 8)
    edges = np.linspace(-1, 1, 2 * bands)
    for number, band in enumerate(pairwise(edges)):
        canvas.oval((-0.48, -0.05 * side), 0.95, 0.58, colors[number % 2], tilt=tilt, part=band)
    for y in (-1, 1):
        canvas.line([(0.62, y * 0.05), (0.76, y * 0.17), (0.95, y * rng.uniform(0.1, 0.3))], 0.045, colors[0] * 0.8)
    canvas.oval((0.55, -0.06 * side), 0.27, 0.42, colors[0])
    canvas.oval((0.16, 0.05 * side), 0.5, 0.5, colors[1])
    _draw_fur(canvas, rng, colors[1], (0.16, 0.05 * side))
    for eye in (-1.0, 1.0) if not side else (0.3,):
        canvas.oval((0.57, eye * 0.16), 0.19, 0.12, (24, 18, 18))
    _draw_wings(canvas, rng, side)


def _draw_fur(canvas: Canvas, rng: np.random.Generator, color: np.ndarray, center: tuple[float, float]) -> None:
    for angle, length in zip(rng.uniform(0, 2 * pi, 300), rng.uniform(0.1, 0.31, 300), strict=True):
        outwards = direction(angle)
        hair = [center + (length - 0.1) * outwards, center + length * outwards]
        canvas.line(hair, 0.008, color * rng.uniform(0.6, 1.3))


def _draw_wings(canvas: Canvas, rng: np.random.Generator, side: bool) -> None:
    wings, spread = canvas.empty_copy(), rng.uniform(0.25, 0.8)
    for y in (1,) if side else (1, -1):
        root = np.array([0.2, y * (0.12 + 0.1 * side)])
        for length, extra in ((0.75, 0.3), (1.05, 0.0)):
            tilt = y * (pi - spread + extra - rng.normal(0, 0.05))
            center = root + direction(tilt) * length / 2
            wings.oval(center, length, 0.42 * length, (120, 110, 95, 150), tilt=tilt, rim=1)
            wings.oval(center, length * 0.96, 0.39 * length, (222, 222, 216, 75), tilt=tilt, rim=1)
            for bend in (-0.2, 0.0, 0.2):
                wings.line([root, root + direction(tilt + bend) * length * 0.8], 0.01, (110, 100, 88, 160))
    canvas.image.alpha_composite(wings.image)


def _draw_legs(
    canvas: Canvas, rng: np.random.Generator, color: np.ndarray, *, reach: float, width: float, side: bool
) -> None:
    """Draw three pairs of legs, each a line of three parts."""
    for y in (-1, 1):
        for base, ahead in ((0.36, 0.55), (0.2, -0.05), (0.04, -0.7)):
            forward = reach * (ahead + rng.normal(0, 0.12))
            x = base + forward * np.array([0, 0.4, 0.75, 1.1])
            height = np.array([-0.05, 0.12, -0.55, -0.75]) if side else y * np.array([0.05, 0.5, 0.85, 1])
            joints = np.stack([x, reach * rng.uniform(0.8, 1.05) * height], axis=1)  # (4, 2)
            canvas.line(joints, width, color * (0.7 if side and y < 0 else 1))
