"""Exercises of notebook 03: a softmax with a temperature, and the gradient that belongs to it."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise


def _draw_softmax(generator: Generator) -> tuple[Tensor, float]:
    """Draw logits, in some trials so large that exp overflows, and a temperature that is not 1."""
    rows, classes = torch.randint(2, 5, (2,), generator=generator).tolist()
    scale = (1.0, 1.0, 500.0)[int(torch.randint(3, (), generator=generator))]
    return scale * torch.randn(rows, classes, generator=generator), _temperature(generator)


def _draw_gradient(generator: Generator) -> tuple[Tensor, Tensor, float]:
    rows, classes = torch.randint(2, 5, (2,), generator=generator).tolist()
    labels = torch.randint(classes, (rows,), generator=generator)
    return torch.randn(rows, classes, generator=generator), labels, _temperature(generator)


def _temperature(generator: Generator) -> float:
    return (0.25, 0.5, 2.0, 4.0)[int(torch.randint(4, (), generator=generator))]


def _gradient(logits: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Ask autograd, so that the reference shares no formula with an answer."""
    logits = logits.requires_grad_()
    return torch.autograd.grad(F.cross_entropy(logits / temperature, labels), logits)[0]


def _errors(logits: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return p - onehot, before any division."""
    return F.softmax(logits / temperature, dim=1) - F.one_hot(labels, logits.shape[1])


SOFTMAX_AT = Exercise(
    reference=lambda logits, temperature: F.softmax(logits / temperature, dim=-1),
    draw=_draw_softmax,
    mistakes={
        "Multiplied where it should be divided: a high temperature makes the logits smaller.": (
            lambda logits, temperature: F.softmax(logits * temperature, dim=-1)
        ),
        "The probabilities were divided, so they no longer sum to 1: divide the logits, before softmax.": (
            lambda logits, temperature: F.softmax(logits, dim=-1) / temperature
        ),
        "It overflows: for large logits exp is infinite; subtract the largest of each row first.": (
            lambda logits, temperature: (
                (logits / temperature).exp() / (logits / temperature).exp().sum(-1, keepdim=True)
            )
        ),
        "The columns sum to 1 where the rows should: use the last dimension.": (
            lambda logits, temperature: F.softmax(logits / temperature, dim=0)
        ),
        "The temperature changes nothing: divide the logits by it.": (
            lambda logits, temperature: F.softmax(logits, dim=-1)
        ),
        "These are logarithms of probabilities: asked for are the probabilities.": (
            lambda logits, temperature: F.log_softmax(logits / temperature, dim=-1)
        ),
    },
)

GRADIENT_AT = Exercise(
    reference=_gradient,
    draw=_draw_gradient,
    mistakes={
        "The chain rule has one more link: z / T changes by 1 / T when z changes by 1.": (
            lambda logits, labels, temperature: _errors(logits, labels, temperature) / len(labels)
        ),
        "The probabilities are those of temperature 1: take the softmax of z / T.": (
            lambda logits, labels, temperature: _errors(logits, labels, 1) / (len(labels) * temperature)
        ),
        "Not divided by N: the loss is a mean over the rows.": (
            lambda logits, labels, temperature: _errors(logits, labels, temperature) / temperature
        ),
        "The sign is turned round: the gradient points uphill, p - onehot; only the step goes against it.": (
            lambda logits, labels, temperature: -_gradient(logits, labels, temperature)
        ),
        "The labels are missing: subtract 1 where the right class is.": (
            lambda logits, labels, temperature: F.softmax(logits / temperature, dim=1) / (len(labels) * temperature)
        ),
        "Multiplied by T where it should be divided: a high temperature makes every slope gentler.": (
            lambda logits, labels, temperature: _errors(logits, labels, temperature) * temperature / len(labels)
        ),
    },
)

EXERCISES = {"03.1": SOFTMAX_AT, "03.2": GRADIENT_AT}
