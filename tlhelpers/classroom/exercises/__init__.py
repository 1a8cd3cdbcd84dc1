"""Exercises that answer: what is wrong, where it first shows, and which mistake it looks like.

An exercise is a right answer, a way to draw inputs, and the mistakes that people make, each written out
as the function that makes it. An answer is run on drawn inputs beside all of them; if it is wrong in just
the way one of the mistakes is, the learner gets that mistake's hint.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules

import torch


@dataclass(frozen=True)
class Exercise:
    """One exercise: the right answer, how to draw its inputs, the usual mistakes.

    ``reference`` and every value of ``mistakes`` take what ``draw`` returns. For a question whose answer is
    a value, ``draw`` returns an empty tuple and the functions take nothing.
    """

    reference: Callable
    draw: Callable[[torch.Generator], tuple]
    mistakes: dict[str, Callable]


def whole_number(generator: torch.Generator, low: int, high: int) -> int:
    """Draw a whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def find_exercise(exercise_id: str) -> Exercise:
    """Return the exercise of that name, such as "01.2"."""
    known = all_exercises()
    if exercise_id not in known:
        raise ValueError(f"no exercise {exercise_id!r}; there are: {', '.join(sorted(known))}")
    return known[exercise_id]


def all_exercises() -> dict[str, Exercise]:
    """Return every exercise by its name."""
    found = {}
    for module in iter_modules(__path__, f"{__name__}."):
        found |= import_module(module.name).EXERCISES
    return found
