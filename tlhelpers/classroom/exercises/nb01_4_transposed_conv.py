"""Exercise 01.4: enlarge a picture with a transposed convolution."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw a small picture, a kernel and a stride: the windows overlap, touch or have gaps between them."""
    small = torch.randn(whole_number(generator, 3, 5), whole_number(generator, 3, 5), generator=generator)
    kernel = torch.randn(whole_number(generator, 2, 3), whole_number(generator, 2, 3), generator=generator)
    return small, kernel, whole_number(generator, 1, 3)


def _transpose(small: Tensor, kernel: Tensor, stride: int) -> Tensor:
    return F.conv_transpose2d(small[None, None], kernel[None, None], stride=stride)[0, 0]


def _overwritten(small: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Let each window replace the values of earlier windows instead of adding to them."""
    large = torch.zeros_like(_transpose(small, kernel, stride))
    for i, j in torch.cartesian_prod(torch.arange(small.shape[0]), torch.arange(small.shape[1])).tolist():
        window = large[stride * i : stride * i + kernel.shape[0], stride * j : stride * j + kernel.shape[1]]
        window.copy_(small[i, j] * kernel)
    return large


def _insert_zeros(small: Tensor, distance: int) -> Tensor:
    """Place the pixels ``distance`` apart, with zeros between them."""
    return _transpose(small, torch.ones(1, 1, dtype=small.dtype), distance)


def _without_padding(image: Tensor, kernel: Tensor) -> Tensor:
    return F.conv2d(image[None, None], kernel.flip(0, 1)[None, None])[0, 0]


def _repeated(small: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Repeat each pixel as a square of equal pixels, and convolve that."""
    squares = small.repeat_interleave(stride, 0).repeat_interleave(stride, 1)
    return _transpose(squares, kernel, 1)


EXERCISE = Exercise(
    reference=_transpose,
    draw=_draw,
    mistakes={
        "The last window won where windows overlap: a pixel collects from all that it is in.": _overwritten,
        "A mean was taken where windows overlap: a product with a matrix adds up, and does not divide.": (
            lambda small, kernel, stride: (
                _transpose(small, kernel, stride)
                / _transpose(torch.ones_like(small), torch.ones_like(kernel), stride).clamp(min=1)
            )
        ),
        "The kernel is turned round: its element [0, 0] came from the upper left of a window, and goes back there.": (
            lambda small, kernel, stride: _transpose(small, kernel.flip(0, 1), stride)
        ),
        "The stride is missing: how far apart do neighbors of the small picture begin in the large one?": (
            lambda small, kernel, stride: _transpose(small, kernel, 1)
        ),
        "The windows lie one pixel too far apart: with stride 1 nothing is between neighbors.": (
            lambda small, kernel, stride: _transpose(small, kernel, stride + 1)
        ),
        "The numbers are apart, but a frame of zeros is missing: at the corner only one number of the kernel counts.": (
            lambda small, kernel, stride: _without_padding(_insert_zeros(small, stride), kernel)
        ),
        "Each number became a square of equal ones before the kernel came: the places between are to be 0.": _repeated,
        "The large picture ends at the wrong place: where does the last window begin, and how long is it?": (
            lambda small, kernel, stride: F.pad(
                _transpose(small, kernel, stride), (0, stride - kernel.shape[1], 0, stride - kernel.shape[0])
            )
        ),
        "That is the kernel's own transpose: rows and columns of M are meant, not those of the kernel.": (
            lambda small, kernel, stride: _transpose(small, kernel.T, stride)
        ),
        "The windows lie a kernel apart, whatever the stride, so that none overlap.": (
            lambda small, kernel, stride: torch.kron(small, kernel)
        ),
    },
)
