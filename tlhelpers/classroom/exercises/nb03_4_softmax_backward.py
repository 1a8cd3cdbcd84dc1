"""Exercise 03.4: compute the backward pass of softmax alone."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor]:
    rows, classes = whole_number(generator, 2, 4), whole_number(generator, 3, 5)
    return torch.randn(rows, classes, generator=generator), 2 * torch.randn(rows, classes, generator=generator)


def _softmax_back(grad: Tensor, logits: Tensor) -> Tensor:
    """Let autograd do the backward pass, so that the reference does not use the formula of the answer."""
    logits = logits.detach().requires_grad_()
    return torch.autograd.grad(F.softmax(logits, dim=1), logits, grad)[0]


def _weighted(slopes: Tensor, subtracted: Tensor | float, logits: Tensor) -> Tensor:
    """Subtract something from the slopes, and multiply the rest by the probabilities."""
    return F.softmax(logits, dim=1) * (slopes - subtracted)


EXERCISE = Exercise(
    reference=_softmax_back,
    draw=_draw,
    mistakes={
        "Each score moves its own probability there, and no other: the rest must give what one class gains.": (
            lambda grad, logits: grad * F.softmax(logits, dim=1) * (1 - F.softmax(logits, dim=1))
        ),
        "Add 1 to all scores and nothing changes: so each row of the gradient must sum to 0, and yours do not.": (
            lambda grad, logits: grad * F.softmax(logits, dim=1)
        ),
        "The mean of the slopes counts all classes the same: a class counts as much as it is believed.": (
            lambda grad, logits: _weighted(grad, grad.mean(1, keepdim=True), logits)
        ),
        "The slopes were added up as they are: a class counts as much as it is believed.": (
            lambda grad, logits: _weighted(grad, grad.sum(1, keepdim=True), logits)
        ),
        "The sum runs over the images: each row is a softmax of its own.": (
            lambda grad, logits: _weighted(grad, (grad * F.softmax(logits, dim=1)).sum(0), logits)
        ),
        "The sum runs over the whole table: each row is a softmax of its own.": (
            lambda grad, logits: _weighted(grad, (grad * F.softmax(logits, dim=1)).sum(), logits)
        ),
        "One factor is missing: how much a class loses to the others depends on its own probability, too.": (
            lambda grad, logits: _weighted(grad, 0, logits) - _weighted(grad, 0, logits).sum(1, keepdim=True)
        ),
        "The sign is turned round: a class with a steeper slope than the others gains.": (
            lambda grad, logits: -_softmax_back(grad, logits)
        ),
        "That is softmax followed by cross-entropy: here any slopes may arrive, and no labels.": (
            lambda grad, logits: F.softmax(logits, dim=1) - grad
        ),
        "That is the backward pass through a logarithm as well: the slopes here are those of the probabilities.": (
            lambda grad, logits: grad - F.softmax(logits, dim=1) * grad.sum(1, keepdim=True)
        ),
        "Divided by N: no mean is taken here; where the loss took one, the slopes know it already.": (
            lambda grad, logits: _softmax_back(grad, logits) / len(logits)
        ),
        "Those are scores where probabilities belong: begin with the softmax.": (
            lambda grad, logits: logits * (grad - (grad * logits).sum(1, keepdim=True))
        ),
        "The mean of g times p is taken off: their sum is, which is a mean already, weighted with p.": (
            lambda grad, logits: logits.softmax(1) * (grad - (grad * logits.softmax(1)).mean(dim=1, keepdim=True))
        ),
    },
)
