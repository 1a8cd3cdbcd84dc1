"""Exercise 04.2: compute one step of Adam."""

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, int, float]:
    """Draw weights, gradients, running means of the gradients and of their squares, the step from 1, and the rate."""
    weights, gradients, means = (torch.randn(4, generator=generator) for _ in range(3))
    squares = means**2 + torch.rand(4, generator=generator)
    return weights, gradients, means, squares, whole_number(generator, 1, 9), 0.1 * whole_number(generator, 1, 9)


def _adam(
    weights: Tensor, gradients: Tensor, means: Tensor, squares: Tensor, step: int, rate: float,
    *, keep: tuple[float, float] = (0.9, 0.999), corrected: tuple[bool, bool] = (True, True), power: float = 0.5,
) -> Tensor:  # fmt: skip
    """Return the weights after one step of Adam, or of an Adam with a mistake.

    Kingma and Ba, "Adam: a method for stochastic optimization" (2015).
    """
    mean = keep[0] * means + (1 - keep[0]) * gradients
    square = keep[1] * squares + (1 - keep[1]) * gradients**2
    mean = mean / (1 - keep[0] ** step) if corrected[0] else mean
    square = square / (1 - keep[1] ** step) if corrected[1] else square
    return weights - rate * mean / (square**power + 1e-8)


EXERCISE = Exercise(
    reference=_adam,
    draw=_draw,
    mistakes={
        "Uphill: the step is subtracted from the weights.": lambda w, *rest: 2 * w - _adam(w, *rest),
        "That is the step alone: return the weights that it leads to.": lambda w, *rest: w - _adam(w, *rest),
        "Nothing is divided: the mean square has to take the size of the gradients out of the step.": (
            lambda *inputs: _adam(*inputs, power=0.0)
        ),
        "The squares took up the gradient as it is: square it first.": (
            lambda w, g, m, s, *rest: _adam(w, g, m, s + 0.001 * (g - g**2) / 0.999, *rest)
        ),
        "The step is counted once too often: `step` is already the number of this one, beginning with 1.": (
            lambda w, g, m, s, step, rate: _adam(w, g, m, s, step + 1, rate)
        ),
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
