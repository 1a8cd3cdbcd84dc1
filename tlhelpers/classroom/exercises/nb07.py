"""Exercises of notebook 07: how often an optimizer steps, and what one step of SGD with momentum does."""

import math

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise


def _draw_run(generator: Generator) -> tuple[int, int, int]:
    """Draw photos, a batch size that leaves a smaller last batch, and two or more epochs."""
    batch_size = int(torch.randint(4, 65, (), generator=generator))
    full = int(torch.randint(2, 20, (), generator=generator))
    rest = int(torch.randint(1, batch_size, (), generator=generator))
    return full * batch_size + rest, batch_size, int(torch.randint(2, 12, (), generator=generator))


COUNT_STEPS = Exercise(
    reference=lambda photos, batch_size, epochs: -(-photos // batch_size) * epochs,
    draw=_draw_run,
    mistakes={
        "The last, smaller batch of each epoch is a step too: round up and not down.": (
            lambda photos, batch_size, epochs: photos // batch_size * epochs
        ),
        "Rounded to the nearest number, which loses every small last batch: round up.": (
            lambda photos, batch_size, epochs: round(photos / batch_size) * epochs
        ),
        "Steps come whole: a last batch that is half full is one step, so round up.": (
            lambda photos, batch_size, epochs: photos / batch_size * epochs
        ),
        "A batch does not reach into the next epoch: round up within each epoch, then multiply.": (
            lambda photos, batch_size, epochs: math.ceil(photos * epochs / batch_size)
        ),
        "That is one epoch: the optimizer goes through all of them.": (
            lambda photos, batch_size, epochs: math.ceil(photos / batch_size)
        ),
        "That is the number of photos seen: a step is taken once for each batch of them.": (
            lambda photos, batch_size, epochs: photos * epochs
        ),
        "One step too many in each epoch: rounding up has already counted the last batch.": (
            lambda photos, batch_size, epochs: (math.ceil(photos / batch_size) + 1) * epochs
        ),
    },
)


def _draw_step(generator: Generator) -> tuple[Tensor, Tensor, Tensor, float, float]:
    """Draw weight, gradient, velocity, a rate and a momentum."""
    weight, gradient, velocity = torch.randn(3, 2, 3, generator=generator, dtype=torch.float64)
    first, second = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    return weight, gradient, velocity, 0.1 + 0.5 * first, 0.3 + 0.6 * second


def _step(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    """Sutskever et al. (2013) as torch has it: the rate multiplies the velocity and is no part of it."""
    velocity = velocity.mul(momentum).add(gradient)
    return torch.stack([weight.sub(velocity, alpha=rate), velocity])


def _rate_inside(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    velocity = momentum * velocity + rate * gradient
    return torch.stack([weight - velocity, velocity])


def _nesterov(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    velocity = momentum * velocity + gradient
    return torch.stack([weight - rate * (gradient + momentum * velocity), velocity])


SGD_STEP = Exercise(
    reference=_step,
    draw=_draw_step,
    mistakes={
        "Uphill: the gradient points to where the loss grows, so subtract.": (
            lambda w, g, v, rate, momentum: torch.stack([w + rate * (momentum * v + g), momentum * v + g])
        ),
        "The velocity takes up the gradient with a plus; the minus comes once, when the weight moves.": (
            lambda w, g, v, rate, momentum: torch.stack([w + rate * (momentum * v - g), momentum * v - g])
        ),
        "The weight moved with the old velocity: make the new one first, then move.": (
            lambda w, g, v, rate, momentum: torch.stack([w - rate * v, momentum * v + g])
        ),
        "The weight moved along the gradient alone: it is the new velocity that moves it.": (
            lambda w, g, v, rate, momentum: torch.stack([w - rate * g, momentum * v + g])
        ),
        "The old velocity is forgotten: it stays in the new one, momentum times.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, rate, 0)
        ),
        "The old velocity is kept whole: it has to fade, momentum times.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, rate, 1)
        ),
        "The gradient is taken up whole in torch's SGD, and not 1 - momentum times.": (
            lambda w, g, v, rate, momentum: _step(w, (1 - momentum) * g, v, rate, momentum)
        ),
        "Momentum belongs to the old velocity only, not to the gradient as well.": (
            lambda w, g, v, rate, momentum: _step(w, momentum * g, v, rate, momentum)
        ),
        "The rate belongs to the move of the weight and is no part of the velocity in torch.": _rate_inside,
        "That is Nesterov's variant, which looks one step ahead; plain momentum is asked for.": _nesterov,
        "The rate is missing: the weight moves rate times the velocity.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, 1, momentum)
        ),
        "The other way round: stack the weight first and the velocity second.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, rate, momentum).flip(0)
        ),
    },
)

EXERCISES = {"07.1": COUNT_STEPS, "07.2": SGD_STEP}
