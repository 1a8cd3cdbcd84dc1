"""Exercises of notebook 01: a kernel that moves a picture, and a kernel with gaps."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise


def _number(generator: Generator, low: int, high: int) -> int:
    """Draw a whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def _kernel_with_one(row: int, column: int) -> Tensor:
    kernel = torch.zeros(3, 3)
    kernel[row, column] = 1
    return kernel


def _draw_move(generator: Generator) -> tuple[int, int]:
    return _number(generator, -1, 1), _number(generator, -1, 1)


def _convolve(image: Tensor, kernel: Tensor, **options) -> Tensor:
    return F.conv2d(image[None, None], kernel[None, None], **options)[0, 0]


def _draw_dilated(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw an image, a kernel and a dilation; the image has room for gaps that are one pixel too wide."""
    dilation = _number(generator, 1, 3)
    kernel = torch.randn(_number(generator, 2, 3), _number(generator, 2, 3), generator=generator)
    room = (torch.tensor(kernel.shape) - 1) * (dilation + 1)
    rows, columns = (room + torch.randint(2, 5, (2,), generator=generator)).tolist()
    return torch.randn(rows, columns, generator=generator), kernel, dilation


SHIFT_KERNEL = Exercise(
    reference=lambda down, right: _kernel_with_one(1 - down, 1 - right),
    draw=_draw_move,
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
    },
)

DILATED = Exercise(
    reference=lambda image, kernel, dilation: _convolve(image, kernel, dilation=dilation),
    draw=_draw_dilated,
    mistakes={
        "The gaps are missing: this is the ordinary convolution, whatever the dilation.": (
            lambda image, kernel, dilation: _convolve(image, kernel)
        ),
        "That is a stride: it moves the whole kernel in larger steps; dilation moves its elements apart.": (
            lambda image, kernel, dilation: _convolve(image, kernel, stride=dilation)
        ),
        "The gaps are one too wide: with dilation 2 the kernel reads every second pixel and skips one.": (
            lambda image, kernel, dilation: _convolve(image, kernel, dilation=dilation + 1)
        ),
        "The kernel is flipped: its element [0, 0] belongs to the upper left pixel of the window.": (
            lambda image, kernel, dilation: _convolve(image, kernel.flip(0, 1), dilation=dilation)
        ),
        "That is the mean of the products: a convolution adds them up and does not divide.": (
            lambda image, kernel, dilation: _convolve(image, kernel, dilation=dilation) / kernel.numel()
        ),
        "Zeros were added around the image: here the kernel stays inside, so the output is smaller.": (
            lambda image, kernel, dilation: _convolve(image, kernel, dilation=dilation, padding=dilation)
        ),
    },
)

EXERCISES = {"01.1": SHIFT_KERNEL, "01.2": DILATED}
