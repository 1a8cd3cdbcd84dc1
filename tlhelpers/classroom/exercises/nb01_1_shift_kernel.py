"""Exercise 01.1: write a kernel that moves a picture by one pixel."""

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _kernel_with_one(row: int, column: int) -> Tensor:
    """Return a 3 by 3 kernel that is 1 in one place and 0 elsewhere."""
    kernel = torch.zeros(3, 3)
    kernel[row, column] = 1
    return kernel


def _draw(generator: Generator) -> tuple[int, int]:
    return whole_number(generator, -1, 1), whole_number(generator, -1, 1)


EXERCISE = Exercise(
    reference=lambda down, right: _kernel_with_one(1 - down, 1 - right),
    draw=_draw,
    mistakes={
        "The picture moves the other way: an output takes the pixel under the one, so to go down, look up.": (
            lambda down, right: _kernel_with_one(1 + down, 1 + right)
        ),
        "Rows and columns are swapped: the first index of the kernel is the row, and moves up and down.": (
            lambda down, right: _kernel_with_one(1 - right, 1 - down)
        ),
        "Off by one: the middle of a 3x3 kernel, which moves nothing, is [1, 1] and not [0, 0].": (
            lambda down, right: _kernel_with_one(-down, -right)
        ),
        "Nothing moves: with the one always in the middle, every output is the pixel it stands on.": (
            lambda down, right: _kernel_with_one(1, 1)
        ),
        "Two slips: the middle of the kernel is [1, 1] and not [0, 0], and to go down an output looks up.": (
            lambda down, right: _kernel_with_one(down, right)
        ),
        "Up and down are right, left and right are not: an output takes the pixel under the one in both.": (
            lambda down, right: _kernel_with_one(1 - down, 1 + right)
        ),
        "Left and right are right, up and down are not: an output takes the pixel under the one in both.": (
            lambda down, right: _kernel_with_one(1 + down, 1 - right)
        ),
        "The picture stays as well as moves: one element of the kernel is to be 1, and no other.": (
            lambda down, right: _kernel_with_one(1 - down, 1 - right).maximum(_kernel_with_one(1, 1))
        ),
    },
)
