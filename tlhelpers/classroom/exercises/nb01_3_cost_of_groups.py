"""Exercise 01.3: count the multiply-adds of a grouped convolution."""

import torch
import torch.nn.functional as F
from torch import Tensor

from tlhelpers.classroom.exercises import Exercise


def _multiply_adds(size: int = 16, kernels: int = 48, channels: int = 4) -> int:
    """Count them for 3 by 3 kernels that see ``channels`` channels each and visit size by size positions."""
    return size * size * kernels * channels * 3 * 3


def _run_layer() -> tuple[Tensor, Tensor]:
    """Run the layer of the task with all pixels and weights 1; return its output and its weights."""
    image, weight = torch.ones(1, 24, 32, 32), torch.ones(48, 4, 3, 3)
    return F.conv2d(image, weight, stride=2, padding=1, groups=6), weight


EXERCISE = Exercise(
    reference=lambda: _run_layer()[0].numel() * _run_layer()[1][0].numel(),
    mistakes={
        "The groups save nothing there: does each kernel see all channels?": lambda: _multiply_adds(channels=24),
        "The groups were counted twice: they part the channels that a kernel sees, and leave all kernels.": (
            lambda: _multiply_adds(kernels=8)
        ),
        "The stride is missing: how many places are left on a side?": lambda: _multiply_adds(size=32),
        "The padding is missing: a frame of zeros makes room for more places.": lambda: _multiply_adds(size=15),
        "The places were rounded up: a convolution leaves out a window that would hang over.": (
            lambda: _multiply_adds(size=17)
        ),
        "That is one channel for each kernel, as in a depthwise layer: how many are in a group?": (
            lambda: _multiply_adds(channels=1)
        ),
        "That is the cost of one feature map: each kernel makes one of its own.": lambda: _multiply_adds(kernels=1),
        "Those are the outputs: each costs several multiply-adds.": lambda: _run_layer()[0].numel(),
        "Those are the weights: each is used again at every place.": lambda: _run_layer()[1].numel(),
        "Multiplications and additions were counted apart: a multiply-add is one of each.": (
            lambda: 2 * _multiply_adds()
        ),
        "Zeros of the frame are multiplied like pixels: all windows cost the same.": lambda: _run_layer()[0].sum(),
    },
)
