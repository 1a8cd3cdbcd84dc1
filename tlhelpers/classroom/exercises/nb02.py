"""Exercises of notebook 02: the smallest of windows, a mean without border, what is lost, adaptive and backwards."""

import math
from collections.abc import Callable
from itertools import product

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw_min(generator: Generator) -> tuple[Tensor, int]:
    kernel = whole_number(generator, 2, 3)
    height, width = whole_number(generator, kernel + 1, 7), whole_number(generator, kernel + 1, 7)
    return torch.randn(1, whole_number(generator, 1, 2), height, width, generator=generator), kernel


def _draw_mean(generator: Generator) -> tuple[Tensor, int, int, int]:
    """Draw images with many true zeros, so that counting what is not zero can be recognised."""
    kernel, stride = whole_number(generator, 2, 4), whole_number(generator, 1, 3)
    height, width = whole_number(generator, 4, 6), whole_number(generator, 4, 6)
    images = torch.randn(1, whole_number(generator, 1, 2), height, width, generator=generator).clamp(min=0)
    return images, kernel, stride, whole_number(generator, 1, kernel // 2)


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
        "That is the reciprocal; a negative number has its place among the others only if its sign is turned.": (
            lambda images, kernel: 1 / F.max_pool2d(1 / images, kernel)
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


def _winners(stride: int = 2, ceil_mode: bool = False) -> int:
    """Count the pixels that win a window of 2, in a picture of 4 by 7 different numbers, as torch points to them."""
    picture = torch.arange(1.0, 1 + 4 * 7).reshape(1, 4, 7)
    where = F.max_pool2d(picture, 2, stride, ceil_mode=ceil_mode, return_indices=True)[1]
    return len(where.unique())


FORGOTTEN = Exercise(
    reference=lambda: 4 * 7 - _winners(),
    draw=lambda generator: (),
    mistakes={
        "Those are the pixels that must stay: how many are left?": lambda: _winners(),
        "What of the pixels that no window reaches?": lambda: 4 * 6 - _winners(),
        "Those are the pixels that no window reaches; a window forgets pixels, too.": lambda: 4 * 7 - 4 * 6,
        "That share holds within the windows: do they reach every pixel?": lambda: 4 * 7 * 3 // 4,
        "Rounded down means that a window which hangs over is left out.": lambda: 4 * 7 - _winners(ceil_mode=True),
        "The windows overlap there: with stride 2 a window of 2 begins where the last one ended.": (
            lambda: 4 * 7 - _winners(stride=1)
        ),
        "Not only the largest of all must stay: each window shows a pixel of its own.": lambda: 4 * 7 - 1,
        "Were all of them black, the pooled picture would be so as well.": lambda: 4 * 7,
        "That is for one window: how many are there?": lambda: 2 * 2 - 1,
    },
)


def _draw_adaptive(generator: Generator) -> tuple[Tensor, int, int]:
    """Draw a gradient of means and a size; in some trials there are more means than pixels."""
    height, width = whole_number(generator, 3, 8), whole_number(generator, 3, 8)
    rows, columns = whole_number(generator, 2, 5), whole_number(generator, 2, 5)
    return torch.randn(2, whole_number(generator, 1, 2), rows, columns, generator=generator), height, width


def _adaptive_back(grad: Tensor, height: int, width: int) -> Tensor:
    """Ask autograd, so that the reference shares no window with an answer."""
    images = torch.zeros(*grad.shape[:2], height, width, dtype=grad.dtype, requires_grad=True)
    return torch.autograd.grad(F.adaptive_avg_pool2d(images, grad.shape[2:]), images, grad)[0]


def _windows(pixels: int, means: int, end: Callable = math.ceil) -> list[slice]:
    return [slice(i * pixels // means, end((i + 1) * pixels / means)) for i in range(means)]


def _lengths(pixels: int, means: int) -> Tensor:
    return torch.tensor([window.stop - window.start for window in _windows(pixels, means)])


def _areas(grad: Tensor, height: int, width: int) -> Tensor:
    """Count the pixels of each window, (rows, columns)."""
    return _lengths(height, grad.shape[2])[:, None] * _lengths(width, grad.shape[3])


def _undivided(grad: Tensor, height: int, width: int) -> Tensor:
    return _adaptive_back(grad * _areas(grad, height, width), height, width)


def _laid_over(grad: Tensor, height: int, width: int, end: Callable = math.ceil) -> Tensor:
    """Write what each window gives over what stands there already."""
    images = torch.zeros(*grad.shape[:2], height, width, dtype=grad.dtype)
    rows, columns = _windows(height, grad.shape[2], end), _windows(width, grad.shape[3], end)
    for (i, r), (j, c) in product(enumerate(rows), enumerate(columns)):
        images[:, :, r, c] = grad[:, :, i, j, None, None] / ((r.stop - r.start) * (c.stop - c.start))
    return images


ADAPTIVE_BACK = Exercise(
    reference=_adaptive_back,
    draw=_draw_adaptive,
    mistakes={
        "The last window won where windows overlap: a pixel collects from all that it is in.": _laid_over,
        "The windows do not overlap there: they end where the forward ones do, rounded up.": (
            lambda grad, height, width: _laid_over(grad, height, width, math.floor)
        ),
        "Every pixel got the whole gradient of its means: by how much does a mean move with one of its pixels?": (
            _undivided
        ),
        "Divided by all pixels of the picture: a mean shares among those of its own window.": (
            lambda grad, height, width: _undivided(grad, height, width) / (height * width)
        ),
        "Divided by the size of an average window: here windows differ in size.": (
            lambda grad, height, width: _undivided(grad, height, width) * grad[0, 0].numel() / (height * width)
        ),
        "Divided by the number of means: a mean shares among the pixels of its window.": (
            lambda grad, height, width: _undivided(grad, height, width) / grad[0, 0].numel()
        ),
        "A mean was taken where windows overlap: what a pixel collects adds up.": (
            lambda grad, height, width: (
                _adaptive_back(grad, height, width) / _undivided(torch.ones_like(grad), height, width)
            )
        ),
        "Divided by the rows of the window only: how many pixels has it?": (
            lambda grad, height, width: _adaptive_back(grad * _lengths(width, grad.shape[3]), height, width)
        ),
        "Divided by the columns of the window only: how many pixels has it?": (
            lambda grad, height, width: _adaptive_back(grad * _lengths(height, grad.shape[2])[:, None], height, width)
        ),
        "Multiplied by the pixels of the window: a part of the gradient belongs to each.": (
            lambda grad, height, width: _undivided(grad * _areas(grad, height, width), height, width)
        ),
    },
)

EXERCISES = {"02.1": MIN_POOL, "02.2": MEAN_OF_PIXELS, "02.3": FORGOTTEN, "02.4": ADAPTIVE_BACK}
