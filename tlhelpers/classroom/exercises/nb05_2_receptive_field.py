"""Exercise 05.2: compute the receptive field of a stack of layers."""

import math
from collections.abc import Callable

from torch import Generator

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[list[tuple[int, int]]]:
    """Draw two to six layers, each a kernel size and a stride; the first stride is above 1."""
    strides = [
        whole_number(generator, 2, 3),
        *(whole_number(generator, 1, 3) for _ in range(whole_number(generator, 1, 5))),
    ]
    return ([(whole_number(generator, 2, 7), stride) for stride in strides],)


def _receptive_field(layers: list[tuple[int, int]]) -> int:
    """Go from the last layer back to the image: r adjacent outputs depend on (r - 1) * stride + kernel inputs."""
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


def _with_steps(layers: list[tuple[int, int]], grow: Callable[[int, int], int], *, own: bool = False) -> int:
    """Add kernel - 1 steps for each layer; ``grow`` returns the next step, given this one and the stride."""
    field = step = 1
    for kernel, stride in layers:
        following = grow(step, stride)
        field += (kernel - 1) * (following if own else step)
        step = following
    return field


EXERCISE = Exercise(
    reference=_receptive_field,
    draw=_draw,
    mistakes={
        "The strides are ignored: after a layer of stride 2, neighbors are two pixels apart, and not one.": (
            lambda layers: _with_steps(layers, lambda step, stride: 1)
        ),
        "The stride of a layer counts for the layers after it, and not for its own kernel.": (
            lambda layers: _with_steps(layers, lambda step, stride: step * stride, own=True)
        ),
        "Strides multiply: after strides 2 and 2 neighbors are four pixels apart, not two.": (
            lambda layers: _with_steps(layers, lambda step, stride: stride)
        ),
        "Strides multiply and do not add up: after strides 3 and 3 neighbors are nine pixels apart, not five.": (
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
        "That is how far apart two neighbors are in the end: how many pixels does one of them see?": (
            lambda layers: math.prod(stride for _, stride in layers)
        ),
        "Kernels do not multiply: a 3x3 behind a 3x3 sees 5 pixels, for its windows overlap.": (
            lambda layers: math.prod(kernel for kernel, _ in layers)
        ),
        "That is the sum of the kernels: windows side by side overlap, and after a stride they lie apart.": (
            lambda layers: sum(kernel for kernel, _ in layers)
        ),
    },
)


def _steps(layers: list[tuple[int, int]]) -> list[int]:
    """Return how many pixels apart two neighbors are in the input of each layer."""
    steps = [1]
    for _, stride in layers:
        steps.append(steps[-1] * stride)
    return steps[:-1]
