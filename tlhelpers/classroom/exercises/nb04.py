"""Exercises of notebook 04: the spread of first weights, and one step of Adam."""

import math

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise


def _number(generator: Generator, low: int, high: int) -> int:
    """Draw a whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (), generator=generator))


def _draw_shape(generator: Generator) -> tuple[tuple[int, ...]]:
    """Draw the shape of a linear layer's weight, or of a convolution's, with other numbers of inputs and outputs."""
    inputs = _number(generator, 3, 20)
    kernel = [(), (3, 3), (5, 5), (1, 7)][_number(generator, 0, 3)]
    return ((inputs + _number(generator, 1, 9), inputs, *kernel),)


def _draw_step(generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, int, float]:
    """Draw weights, gradients, running means of gradients and of squares, the number of the step, the rate."""
    weights, gradients, means = (torch.randn(4, generator=generator) for _ in range(3))
    squares = means**2 + torch.rand(4, generator=generator)
    return weights, gradients, means, squares, _number(generator, 1, 9), 0.1 * _number(generator, 1, 9)


def _adam(
    weights: Tensor, gradients: Tensor, means: Tensor, squares: Tensor, step: int, rate: float,
    *, keep: tuple[float, float] = (0.9, 0.999), corrected: tuple[bool, bool] = (True, True), power: float = 0.5,
) -> Tensor:  # fmt: skip
    """Return the weights after one step of Adam, or of what it is taken for."""
    mean = keep[0] * means + (1 - keep[0]) * gradients
    square = keep[1] * squares + (1 - keep[1]) * gradients**2
    mean = mean / (1 - keep[0] ** step) if corrected[0] else mean
    square = square / (1 - keep[1] ** step) if corrected[1] else square
    return weights - rate * mean / (square**power + 1e-8)


KAIMING_STD = Exercise(
    reference=lambda shape: math.sqrt(2 / math.prod(shape[1:])),
    draw=_draw_shape,
    mistakes={
        "That is the variance: the standard deviation is its square root.": lambda shape: 2 / math.prod(shape[1:]),
        "The 2 is missing: ReLU halves the mean square, and the weights have to make up for it.": (
            lambda shape: math.sqrt(1 / math.prod(shape[1:]))
        ),
        "The pixels of the kernel are forgotten: every output is a sum over channels and over pixels.": (
            lambda shape: math.sqrt(2 / shape[1])
        ),
        "Counted are the products of an input's way out: an output is a sum over shape[1:], not over the outputs.": (
            lambda shape: math.sqrt(2 / (shape[0] * math.prod(shape[2:])))
        ),
        "Every weight of the layer is counted: one output is a sum over its own row only, without shape[0].": (
            lambda shape: math.sqrt(2 / math.prod(shape))
        ),
        "That is Xavier's, halfway between inputs and outputs: Kaiming's divides by the inputs alone.": (
            lambda shape: math.sqrt(2 / ((shape[0] + shape[1]) * math.prod(shape[2:])))
        ),
    },
)

ADAM_STEP = Exercise(
    reference=_adam,
    draw=_draw_step,
    mistakes={
        "Uphill: the step is subtracted from the weights.": lambda w, *rest: 2 * w - _adam(w, *rest),
        "The two means are not corrected: both began at zero, so divide each by 1 minus its share to the power step.": (
            lambda *inputs: _adam(*inputs, corrected=(False, False))
        ),
        "The mean of the squares is not corrected: divide it by 1 - 0.999 ** step before the root is taken.": (
            lambda *inputs: _adam(*inputs, corrected=(True, False))
        ),
        "The mean of the gradients is not corrected: divide it by 1 - 0.9 ** step.": (
            lambda *inputs: _adam(*inputs, corrected=(False, True))
        ),
        "The root is missing: divide by the square root of the mean square, so that the size of gradients cancels.": (
            lambda *inputs: _adam(*inputs, power=1.0)
        ),
        "The shares are turned round: 0.9 and 0.999 of the old means are kept, the small rest is new.": (
            lambda *inputs: _adam(*inputs, keep=(0.1, 0.001))
        ),
        "The new gradient is in neither mean: update both first, and step with the updated ones.": (
            lambda w, g, m, s, step, rate: w - rate * m / (1 - 0.9**step) / ((s / (1 - 0.999**step)) ** 0.5 + 1e-8)
        ),
        "Both means are corrected by the step times the share: it is the share to the power of the step, **.": (
            lambda w, g, m, s, step, rate: (
                w
                - rate
                * ((0.9 * m + 0.1 * g) / (1 - 0.9 * step))
                / (((0.999 * s + 0.001 * g**2) / (1 - 0.999 * step)) ** 0.5 + 1e-8)
            )
        ),
    },
)

EXERCISES = {"04.1": KAIMING_STD, "04.2": ADAM_STEP}
