"""Draw a leaf, a twig or a flower."""

from collections.abc import Callable
from math import pi

import numpy as np

from tlhelpers.photos.canvas import Canvas, direction, jitter

PLANT_COLORS = np.array([(70, 96, 44), (112, 128, 62), (134, 108, 70), (92, 70, 48), (168, 156, 120)])
PETAL_COLORS = np.array([(236, 228, 214), (226, 186, 70), (208, 120, 150), (150, 116, 190), (228, 140, 84)])
Draw = Callable[[Canvas, np.random.Generator], None]


def draw_leaf(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a leaf with its stem."""
    color = jitter(rng, PLANT_COLORS[rng.integers(len(PLANT_COLORS))])
    canvas.oval((0, 0), 2, rng.uniform(0.3, 1), color, rim=0.75)
    canvas.line([(-1.2, 0), (0.9, 0)], 0.05, color * 0.8)


def draw_twig(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw one to four bent twigs."""
    color = jitter(rng, PLANT_COLORS[rng.integers(len(PLANT_COLORS))])
    for _ in range(rng.integers(1, 5)):
        start, step = rng.uniform(-0.5, 0.5, 2), rng.normal(0, 0.6, 2)
        canvas.line([start, start + step, start + step + rng.normal(0, 0.5, 2)], rng.uniform(0.02, 0.07), color)


def draw_flower(canvas: Canvas, rng: np.random.Generator) -> None:
    """Draw a flower with 5 to 13 petals."""
    color, center_color = jitter(rng, PETAL_COLORS[rng.permutation(len(PETAL_COLORS))[:2]])
    petals = rng.integers(5, 14)
    for angle in np.arange(petals) * 2 * pi / petals:
        canvas.oval(0.55 * direction(angle), 0.95, 4.2 / petals, color, tilt=angle, rim=0.8)
    canvas.oval((0, 0), 0.5, 0.5, center_color)
