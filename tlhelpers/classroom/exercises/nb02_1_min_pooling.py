"""Exercise 02.1: return the smallest value of each pooling window."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, int]:
    kernel = whole_number(generator, 2, 3)
    height, width = whole_number(generator, kernel + 1, 7), whole_number(generator, kernel + 1, 7)
    return torch.randn(1, whole_number(generator, 1, 2), height, width, generator=generator), kernel


EXERCISE = Exercise(
    reference=lambda images, kernel: -F.max_pool2d(-images, kernel),
    draw=_draw,
    mistakes={
        "That is max pooling: something has to be done to the images before it, and undone after.": (
            lambda images, kernel: F.max_pool2d(images, kernel)
        ),
        "The sign is still turned round: what was done to the images before pooling is to be undone after.": (
            lambda images, kernel: F.max_pool2d(-images, kernel)
        ),
        "The sign was turned after pooling only: the largest had won by then; turn it before as well.": (
            lambda images, kernel: -F.max_pool2d(images, kernel)
        ),
        "The windows overlap: without a stride of its own, the window moves by its whole size.": (
            lambda images, kernel: -F.max_pool2d(-images, kernel, stride=1)
        ),
        "That is the smallest of the whole channel: each window is to give its own.": (
            lambda images, kernel: images.amin((2, 3))
        ),
        "That is mean pooling: asked for is the smallest value of each window.": (
            lambda images, kernel: F.avg_pool2d(images, kernel)
        ),
        "That is the reciprocal; a negative number has its place among the others only if its sign is turned.": (
            lambda images, kernel: 1 / F.max_pool2d(1 / images, kernel)
        ),
    },
)
