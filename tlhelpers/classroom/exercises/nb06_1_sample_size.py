"""Exercise 06.1: compute how many photos a given standard error needs."""

import math

import torch
from torch import Generator

from tlhelpers.classroom.exercises import Exercise


def _draw(generator: Generator) -> tuple[float, float]:
    """Draw an accuracy and a standard error; they need 4 to 2,500 photos."""
    first, second = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    return 0.55 + 0.44 * first, 0.01 + 0.04 * second


EXERCISE = Exercise(
    reference=lambda accuracy, error: math.ceil(round(accuracy * (1 - accuracy) / error**2, 6)),
    draw=_draw,
    mistakes={
        "The root is forgotten: the error is the root of p(1 - p)/n, so square it before you solve for n.": (
            lambda accuracy, error: math.ceil(accuracy * (1 - accuracy) / error)
        ),
        "Rounded down: with one photo too few the error is a little too large, so round up.": (
            lambda accuracy, error: math.floor(accuracy * (1 - accuracy) / error**2)
        ),
        "Rounded to the nearest number, which half of the time is one photo too few: round up.": (
            lambda accuracy, error: round(accuracy * (1 - accuracy) / error**2)
        ),
        "Photos come whole: round up.": (lambda accuracy, error: accuracy * (1 - accuracy) / error**2),
        "One too many: the formula divides by n and not by n - 1.": (
            lambda accuracy, error: math.ceil(accuracy * (1 - accuracy) / error**2) + 1
        ),
        "The factor 1 - p is missing: an accuracy near 1 varies little and needs few photos.": (
            lambda accuracy, error: math.ceil(accuracy / error**2)
        ),
        "The factor p is missing: both the right and the wrong photos count, as p times 1 - p.": (
            lambda accuracy, error: math.ceil((1 - accuracy) / error**2)
        ),
        "That is the number for an accuracy of one half, which needs the most: use the accuracy given.": (
            lambda accuracy, error: math.ceil(0.25 / error**2)
        ),
        "That is enough for two standard errors, which is four times as many: one is asked for.": (
            lambda accuracy, error: math.ceil(4 * accuracy * (1 - accuracy) / error**2)
        ),
        "The root is still there: solve for n, and everything under it is squared.": (
            lambda accuracy, error: math.ceil(math.sqrt(accuracy * (1 - accuracy)) / error)
        ),
        "That is enough for 1.96 standard errors, as in an interval: one is asked for.": (
            lambda accuracy, error: math.ceil(1.96**2 * accuracy * (1 - accuracy) / error**2)
        ),
    },
)
