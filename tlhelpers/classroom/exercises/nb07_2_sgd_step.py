"""Exercise 07.2: compute one step of SGD with momentum."""

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise


def _draw(generator: Generator) -> tuple[Tensor, Tensor, Tensor, float, float]:
    """Draw a weight, its gradient and velocity, (2, 3) each, a learning rate and a momentum."""
    weight, gradient, velocity = torch.randn(3, 2, 3, generator=generator, dtype=torch.float64)
    first, second = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    return weight, gradient, velocity, 0.1 + 0.5 * first, 0.3 + 0.6 * second


def _step(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    """Do the step as torch does it: the rate multiplies the velocity and is not part of it."""
    velocity = velocity.mul(momentum).add(gradient)
    return torch.stack([weight.sub(velocity, alpha=rate), velocity])


def _rate_inside(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    velocity = momentum * velocity + rate * gradient
    return torch.stack([weight - velocity, velocity])


def _minus_inside(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    velocity = momentum * velocity - rate * gradient
    return torch.stack([weight + velocity, velocity])


def _nesterov(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    velocity = momentum * velocity + gradient
    return torch.stack([weight - rate * (gradient + momentum * velocity), velocity])


EXERCISE = Exercise(
    reference=_step,
    draw=_draw,
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
        "That velocity holds the rate and the minus; here it takes up the gradient as it is.": _minus_inside,
        "That is Nesterov's variant, which looks one step ahead; plain momentum is asked for.": _nesterov,
        "The rate is missing: the weight moves rate times the velocity.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, 1, momentum)
        ),
        "The other way round: stack the weight first and the velocity second.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, rate, momentum).flip(0)
        ),
        "That is the new weight alone; the next step will need the velocity as well.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, rate, momentum)[0]
        ),
        "Joined end to end: stack the two, so that there is one more axis.": (
            lambda w, g, v, rate, momentum: torch.cat(tuple(_step(w, g, v, rate, momentum)))
        ),
    },
)
