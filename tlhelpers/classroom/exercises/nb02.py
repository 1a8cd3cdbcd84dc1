"""Exercises of notebook 02: the smallest of every window, and a mean that does not count the border."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise


def _number(generator: Generator, low: int, high: int) -> int:
    """Draw a whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def _draw_min(generator: Generator) -> tuple[Tensor, int]:
    kernel = _number(generator, 2, 3)
    height, width = _number(generator, kernel + 1, 7), _number(generator, kernel + 1, 7)
    return torch.randn(1, _number(generator, 1, 2), height, width, generator=generator), kernel


def _draw_mean(generator: Generator) -> tuple[Tensor, int, int, int]:
    """Draw images with many true zeros, so that counting what is not zero can be recognised."""
    kernel, stride = _number(generator, 2, 4), _number(generator, 1, 3)
    height, width = _number(generator, 4, 6), _number(generator, 4, 6)
    images = torch.randn(1, _number(generator, 1, 2), height, width, generator=generator).clamp(min=0)
    return images, kernel, stride, _number(generator, 1, kernel // 2)


def _sums(images: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    return F.avg_pool2d(images, kernel, stride, padding, divisor_override=1)


MIN_POOL = Exercise(
    reference=lambda images, kernel: -F.max_pool2d(-images, kernel),
    draw=_draw_min,
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
    },
)

MEAN_OF_PIXELS = Exercise(
    reference=lambda images, kernel, stride, padding: F.avg_pool2d(
        images, kernel, stride, padding, count_include_pad=False
    ),
    draw=_draw_mean,
    mistakes={
        "The zeros of the border are still counted: divide by the number of true pixels in each window.": (
            lambda images, kernel, stride, padding: F.avg_pool2d(images, kernel, stride, padding)
        ),
        "Black pixels of the image are left out too: count where a pixel is, not where it is not zero.": (
            lambda images, kernel, stride, padding: (
                _sums(images, kernel, stride, padding) / _sums((images != 0).float(), kernel, stride, padding)
            )
        ),
        "That is the sum of each window: divide it by the number of true pixels in there.": _sums,
        "It is divided twice: mean pooling has divided by the kernel already, so divide by a share, not a count.": (
            lambda images, kernel, stride, padding: (
                F.avg_pool2d(images, kernel, stride, padding) / _sums(torch.ones_like(images), kernel, stride, padding)
            )
        ),
        "There is no border at all: the windows are to begin in the padding.": (
            lambda images, kernel, stride, padding: F.avg_pool2d(images, kernel, stride)
        ),
    },
)

EXERCISES = {"02.1": MIN_POOL, "02.2": MEAN_OF_PIXELS}
