"""Exercises of notebook 05: the parameters of a bottleneck block, and how far one output sees."""

from collections.abc import Callable

import torch
from torch import Generator

from tlhelpers.classroom.exercises import Exercise


def _number(generator: Generator, low: int, high: int) -> int:
    """Draw a whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def _draw_block(generator: Generator) -> tuple[int, int]:
    """Draw channels in and channels of the 3x3; half of the blocks need no convolution in the shortcut."""
    channels = _number(generator, 2, 64)
    return (4 * channels if _number(generator, 0, 1) else _number(generator, 2, 256)), channels


def _weights(in_channels: int, channels: int) -> int:
    """Count the kernels of the branch: 1x1, 3x3, 1x1."""
    return channels * (in_channels + 9 * channels + 4 * channels)


def _norms(channels: int, per_channel: int = 2) -> int:
    """Count what follows the three convolutions of the branch."""
    return per_channel * (channels + channels + 4 * channels)


def _shortcut(in_channels: int, channels: int, per_channel: int = 2) -> int:
    """Count the convolution of the shortcut and what follows it, if there is one."""
    return (in_channels + per_channel) * 4 * channels if in_channels != 4 * channels else 0


def _block(in_channels: int, channels: int, per_channel: int = 2) -> int:
    return (
        _weights(in_channels, channels) + _norms(channels, per_channel) + _shortcut(in_channels, channels, per_channel)
    )


BLOCK_PARAMETERS = Exercise(
    reference=_block,
    draw=_draw_block,
    mistakes={
        "The convolutions have no bias: each is followed by a batch norm, which has one.": (
            lambda i, c: _block(i, c, per_channel=3)
        ),
        "Batch norm is missing: it has a weight and a bias for each channel of the convolution before it.": (
            lambda i, c: _block(i, c, per_channel=0)
        ),
        "Batch norm has two learned numbers a channel, a weight and a bias; you counted one.": (
            lambda i, c: _block(i, c, per_channel=1)
        ),
        "The running mean and variance are measured and not learned: they are buffers and no parameters.": (
            lambda i, c: _block(i, c, per_channel=4)
        ),
        "The shortcut is forgotten: where in_channels is not 4 * channels it has a 1x1 convolution and a batch norm.": (
            lambda i, c: _weights(i, c) + _norms(c)
        ),
        "Not every shortcut has a convolution: where in_channels is 4 * channels the input is added as it is.": (
            lambda i, c: _weights(i, c) + _norms(c) + (i + 2) * 4 * c
        ),
        "The convolution of the shortcut is followed by a batch norm too, over 4 * channels.": (
            lambda i, c: _weights(i, c) + _norms(c) + _shortcut(i, c, per_channel=0)
        ),
        "The middle kernel is 3x3: it has nine numbers for each pair of channels, and not one.": (
            lambda i, c: _block(i, c) - 8 * c * c
        ),
        "The middle kernel is 3x3: that makes nine numbers for each pair of channels, and not three.": (
            lambda i, c: _block(i, c) - 6 * c * c
        ),
        "The last convolution of the branch gives out 4 * channels, and not channels.": (
            lambda i, c: _block(i, c) - 3 * c * (c + 2)
        ),
    },
)


def _draw_layers(generator: Generator) -> tuple[list[tuple[int, int]]]:
    """Draw two to six layers, each a kernel and a stride; the first stride is above 1."""
    strides = [_number(generator, 2, 3), *(_number(generator, 1, 3) for _ in range(_number(generator, 1, 5)))]
    return ([(_number(generator, 2, 7), stride) for stride in strides],)


def _receptive_field(layers: list[tuple[int, int]]) -> int:
    """From the last layer back to the image: r outputs side by side need (r - 1) * stride + kernel inputs."""
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


def _with_steps(layers: list[tuple[int, int]], grow: Callable[[int, int], int], *, own: bool = False) -> int:
    """Add kernel - 1 steps for each layer; ``grow`` makes the next step from the last one and the stride."""
    field = step = 1
    for kernel, stride in layers:
        following = grow(step, stride)
        field += (kernel - 1) * (following if own else step)
        step = following
    return field


RECEPTIVE_FIELD = Exercise(
    reference=_receptive_field,
    draw=_draw_layers,
    mistakes={
        "The strides are ignored: after a layer of stride 2, neighbours are two pixels apart, and not one.": (
            lambda layers: _with_steps(layers, lambda step, stride: 1)
        ),
        "The stride of a layer counts for the layers after it, and not for its own kernel.": (
            lambda layers: _with_steps(layers, lambda step, stride: step * stride, own=True)
        ),
        "Strides multiply: after strides 2 and 2 neighbours are four pixels apart, not two.": (
            lambda layers: _with_steps(layers, lambda step, stride: stride)
        ),
        "Strides multiply and do not add up: after strides 3 and 3 neighbours are nine pixels apart, not five.": (
            lambda layers: _with_steps(layers, lambda step, stride: step + stride - 1)
        ),
        "Off by one in each layer: a kernel of 3 reaches only two steps further than its first pixel.": (
            lambda layers: 1 + sum(kernel * step for (kernel, _), step in zip(layers, _steps(layers), strict=True))
        ),
        "One too few: an output of no layer at all is a pixel and sees itself, so begin with 1.": (
            lambda layers: _receptive_field(layers) - 1
        ),
        "From the wrong end: the strides that matter for a layer are those before it, near the image.": (
            lambda layers: _receptive_field(layers[::-1])
        ),
    },
)


def _steps(layers: list[tuple[int, int]]) -> list[int]:
    """Return how many pixels apart neighbours are in front of each layer."""
    steps = [1]
    for _, stride in layers:
        steps.append(steps[-1] * stride)
    return steps[:-1]


EXERCISES = {"05.1": BLOCK_PARAMETERS, "05.2": RECEPTIVE_FIELD}
