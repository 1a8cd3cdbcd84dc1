"""Exercise 02.2: leave the zero padding out of mean pooling."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, int, int, int]:
    """Draw images with many black pixels, so that an answer which leaves those out is wrong."""
    kernel, stride = whole_number(generator, 2, 4), whole_number(generator, 1, 3)
    height, width = whole_number(generator, 4, 6), whole_number(generator, 4, 6)
    images = torch.randn(1, whole_number(generator, 1, 2), height, width, generator=generator).clamp(min=0)
    return images, kernel, stride, whole_number(generator, 1, kernel // 2)


def _sums(images: Tensor, kernel: int, stride: int, padding: int) -> Tensor:
    return F.avg_pool2d(images, kernel, stride, padding, divisor_override=1)


EXERCISE = Exercise(
    reference=lambda images, kernel, stride, padding: F.avg_pool2d(
        images, kernel, stride, padding, count_include_pad=False
    ),
    draw=_draw,
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
        "Multiplied where it should be divided: the corners are too dark already.": (
            lambda images, kernel, stride, padding: (
                F.avg_pool2d(images, kernel, stride, padding)
                * F.avg_pool2d(torch.ones_like(images), kernel, stride, padding)
            )
        ),
        "The stride is missing: without one of its own, the window moves by its whole size.": (
            lambda images, kernel, stride, padding: F.avg_pool2d(
                images, kernel, padding=padding, count_include_pad=False
            )
        ),
        "The pixels at the edge were repeated into the border: leave the border out of the mean instead.": (
            lambda images, kernel, stride, padding: F.avg_pool2d(
                F.pad(images, (padding,) * 4, mode="replicate"), kernel, stride
            )
        ),
    },
)
