"""Exercise 05.3: count the multiply-adds of a convolution."""

import torch
import torch.nn.functional as F

from tlhelpers.classroom.exercises import Exercise

CHANNELS, KERNELS, SIZE = 2, 5, 8  # of the task


def _products(stride: int = 1, padding: int = 0) -> int:
    """Multiply the number of positions by the number of weights; torch computes the size of the output."""
    images, kernels = (
        torch.empty(shape, device="meta") for shape in ((1, CHANNELS, SIZE, SIZE), (KERNELS, CHANNELS, 3, 3))
    )
    return F.conv2d(images, kernels, stride=stride, padding=padding)[0, 0].numel() * kernels.numel()


EXERCISE = Exercise(
    reference=lambda: _products(stride=2, padding=1),
    mistakes={
        "The stride is ignored: the kernels move two pixels at a time, and visit fewer places.": (
            lambda: _products(padding=1)
        ),
        "The padding is ignored: with a border around it, the kernel visits more places.": lambda: _products(stride=2),
        "Those are the weights: each of them is used at every place that the kernels visit.": (
            lambda: KERNELS * CHANNELS * 9
        ),
        "Those are the numbers that come out: each is a sum of many products.": (
            lambda: _products(stride=2, padding=1) // (CHANNELS * 9)
        ),
        "The pixels of the kernel are forgotten: a 3x3 has nine weights for each map, and not one.": (
            lambda: _products(stride=2, padding=1) // 9
        ),
        "Three pixels of the kernel are counted, where it has three rows of three.": (
            lambda: _products(stride=2, padding=1) // 3
        ),
        "The maps that come in are forgotten: every output adds up products over all of them.": (
            lambda: _products(stride=2, padding=1) // CHANNELS
        ),
        "That is for one map that comes out: there are as many as kernels.": (
            lambda: _products(stride=2, padding=1) // KERNELS
        ),
        "A product and its sum are one multiply-add: you counted two.": lambda: 2 * _products(stride=2, padding=1),
        "One row of places is counted: the kernels move down as well.": (lambda: SIZE // 2 * KERNELS * CHANNELS * 9),
    },
)
