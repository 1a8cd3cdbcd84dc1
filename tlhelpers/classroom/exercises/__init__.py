"""The exercises of all notebooks: a module for each, such as nb01_2_dilation.py for exercise 01.2.

A module defines ``EXERCISE``: the correct answer, how inputs are drawn at random, and the usual mistakes. Each mistake
is a function that makes it, and its key is the hint that a learner gets who makes the same mistake.

To add exercise 3 of notebook 11, touch these four files:

1. ``nb11_3_SUBJECT.py`` in this folder, with an ``EXERCISE``. ``all_exercises`` finds the file by its name.
2. ``notebooks/11_….ipynb``: the task, the stub, the check and the hidden solution.
3. ``tests/classroom/wrong_nb11.py``: five or more wrong answers, written from the task alone.
4. ``tests/classroom/test_exercises_nb11.py``: a solution that does not use the code of this folder, and typical wrong
   answers, each with the beginning of its hint.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar

import torch

Value = TypeVar("Value")


def _draw_nothing(generator: torch.Generator) -> tuple[()]:
    return ()


@dataclass(frozen=True, eq=False)
class Exercise:
    """An exercise: its correct answer, its usual mistakes, and how its inputs are drawn.

    Parameters
    ----------
    reference : callable
        Computes the correct answer. Its parameters have the names that the task gives them.
    mistakes : dict of str to callable
        By its hint, a function that makes a mistake. It takes the same arguments as ``reference``. No function may
        change its arguments.
    draw : callable, optional
        Takes a random number generator and returns the arguments of ``reference``. Without it there are none: the
        answer is a single value and not a function.
    """

    reference: Callable
    mistakes: dict[str, Callable]
    draw: Callable[[torch.Generator], tuple] = _draw_nothing


def whole_number(generator: torch.Generator, low: int, high: int) -> int:
    """Draw a whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def one_of(generator: torch.Generator, values: Sequence[Value]) -> Value:
    """Draw one of some values, all with the same probability."""
    return values[whole_number(generator, 0, len(values) - 1)]


def find_exercise(exercise_id: str) -> Exercise:
    """Return the exercise with this number, such as "01.2".

    Raises
    ------
    ValueError
        If there is none.
    """
    known = all_exercises()
    if exercise_id not in known:
        raise ValueError(f"exercise_id is {exercise_id!r}; it must be one of {', '.join(sorted(known))}")
    return known[exercise_id]


def all_exercises() -> dict[str, Exercise]:
    """Return every exercise by its number: "01.2" is in the module whose name begins with nb01_2."""
    found = {}
    for module in iter_modules(__path__):
        notebook, count, _ = module.name.removeprefix("nb").split("_", maxsplit=2)
        found[f"{notebook}.{count}"] = import_module(f"{__name__}.{module.name}").EXERCISE
    return found
