"""Exercise 10.2: quantize values without a sign to eight bits."""

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor]:
    rows, columns = (whole_number(generator, 2, 5) for _ in range(2))
    above = torch.randint(2, (), generator=generator)  # at times even the smallest value is above 0
    return (torch.randn(rows, columns, generator=generator, dtype=torch.float64).abs() + above,)


def _back(x: Tensor, step: Tensor) -> Tensor:
    return (x / step).round() * step


def _with_offset(x: Tensor) -> Tensor:
    step = (x.max() - x.min()) / 255
    return ((x - x.min()) / step).round() * step + x.min()


EXERCISE = Exercise(
    reference=lambda x: _back(x, x.max() / 255),
    draw=_draw,
    mistakes={
        "127 leaves room for a sign that nobody needs: up to 255.": lambda x: _back(x, x.max() / 127),
        "From 0 to 255 there are 255 steps, not 256: the largest would be 256.": lambda x: _back(x, x.max() / 256),
        "Cut off, not rounded: the nearest whole number may be the next one.": (
            lambda x: (x / (x.max() / 255)).floor() * (x.max() / 255)
        ),
        "Always rounded up: the nearest whole number may be the one below.": (
            lambda x: (x / (x.max() / 255)).ceil() * (x.max() / 255)
        ),
        "Those are the whole numbers: multiply them by the step, to have them back.": (
            lambda x: (x / (x.max() / 255)).round()
        ),
        "Nothing was rounded: that is x itself.": lambda x: x.clone(),
        "Divided by the step once more: on the way back it multiplies.": (
            lambda x: (x / (x.max() / 255)).round() / (x.max() / 255)
        ),
        "Whole numbers from the smallest value on need an offset to be kept as well: here 0 stays 0.": _with_offset,
        "The step goes by the largest value, not by largest minus smallest.": (
            lambda x: _back(x, (x.max() - x.min()) / 255)
        ),
        "One step for the whole tensor, not for each row.": lambda x: _back(x, x.amax(dim=1, keepdim=True) / 255),
        "One step for the whole tensor, not for each column.": lambda x: _back(x, x.amax(dim=0) / 255),
        "The largest value is missing from the step: steps of 1 / 255 suit numbers up to 1.": (
            lambda x: _back(x, torch.tensor(1 / 255))
        ),
        "Whole numbers of the values themselves: first divide by the step.": lambda x: x.round(),
    },
)
