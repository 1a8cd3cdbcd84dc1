"""Exercise 02.4: compute the backward pass of adaptive mean pooling."""

import math
from collections.abc import Callable
from itertools import product

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, int, int]:
    """Draw a gradient of means and the size of the images; at times there are more means than pixels."""
    height, width = whole_number(generator, 3, 8), whole_number(generator, 3, 8)
    rows, columns = whole_number(generator, 2, 5), whole_number(generator, 2, 5)
    return torch.randn(2, whole_number(generator, 1, 2), rows, columns, generator=generator), height, width


def _adaptive_back(grad: Tensor, height: int, width: int) -> Tensor:
    """Let autograd do the backward pass, so that the reference computes no windows of its own."""
    images = torch.zeros(*grad.shape[:2], height, width, dtype=grad.dtype, requires_grad=True)
    return torch.autograd.grad(F.adaptive_avg_pool2d(images, (grad.shape[2], grad.shape[3])), images, grad)[0]


def _windows(pixels: int, means: int, end: Callable = math.ceil) -> list[slice]:
    """Return the window of each mean along one axis."""
    return [slice(i * pixels // means, end((i + 1) * pixels / means)) for i in range(means)]


def _lengths(pixels: int, means: int) -> Tensor:
    return torch.tensor([window.stop - window.start for window in _windows(pixels, means)])


def _areas(grad: Tensor, height: int, width: int) -> Tensor:
    """Count the pixels of each window, (rows, columns)."""
    return _lengths(height, grad.shape[2])[:, None] * _lengths(width, grad.shape[3])


def _undivided(grad: Tensor, height: int, width: int) -> Tensor:
    return _adaptive_back(grad * _areas(grad, height, width), height, width)


def _overwritten(grad: Tensor, height: int, width: int, end: Callable = math.ceil) -> Tensor:
    """Let each window replace the gradient of earlier windows instead of adding to it."""
    images = torch.zeros(*grad.shape[:2], height, width, dtype=grad.dtype)
    rows, columns = _windows(height, grad.shape[2], end), _windows(width, grad.shape[3], end)
    for (i, r), (j, c) in product(enumerate(rows), enumerate(columns)):
        images[:, :, r, c] = grad[:, :, i, j, None, None] / ((r.stop - r.start) * (c.stop - c.start))
    return images


EXERCISE = Exercise(
    reference=_adaptive_back,
    draw=_draw,
    mistakes={
        "The last window won where windows overlap: a pixel collects from all that it is in.": _overwritten,
        "The windows do not overlap there: they end where the forward ones do, rounded up.": (
            lambda grad, height, width: _overwritten(grad, height, width, math.floor)
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
