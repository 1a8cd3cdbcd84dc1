"""Exercise 01.2: convolve with a dilated kernel."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _convolve(image: Tensor, kernel: Tensor, **options: Any) -> Tensor:
    return F.conv2d(image[None, None], kernel[None, None], **options)[0, 0]


def _draw(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw an image, a kernel and a dilation; the image is large enough even for gaps that are one pixel wider."""
    dilation = whole_number(generator, 1, 3)
    kernel = torch.randn(whole_number(generator, 2, 3), whole_number(generator, 2, 3), generator=generator)
    room = (torch.tensor(kernel.shape) - 1) * (dilation + 1)
    rows, columns = (room + torch.randint(2, 5, (2,), generator=generator)).tolist()
    return torch.randn(rows, columns, generator=generator), kernel, dilation


def _with_filled_gaps(kernel: Tensor, dilation: int) -> Tensor:
    """Return a kernel whose gaps repeat the weight before them."""
    rows, columns = (dilation * (size - 1) + 1 for size in kernel.shape)
    return kernel.repeat_interleave(dilation, 0).repeat_interleave(dilation, 1)[:rows, :columns]


EXERCISE = Exercise(
    reference=lambda image, kernel, dilation: _convolve(image, kernel, dilation=dilation),
    draw=_draw,
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
        "The last windows are missing: a kernel with gaps spans d(K - 1) + 1 pixels, and not dK.": (
            lambda image, kernel, dilation: _convolve(
                image[: len(image) - dilation + 1, : image.shape[1] - dilation + 1], kernel, dilation=dilation
            )
        ),
        "Only the last product of each output is kept: add it to what is there, += in place of =.": (
            lambda image, kernel, dilation: _convolve(image, kernel[-1:, -1:])[
                dilation * (len(kernel) - 1) :, dilation * (kernel.shape[1] - 1) :
            ]
        ),
        "The numbers of the kernel are repeated in the gaps: what lies between them counts 0.": (
            lambda image, kernel, dilation: _convolve(image, _with_filled_gaps(kernel, dilation))
        ),
    },
)
