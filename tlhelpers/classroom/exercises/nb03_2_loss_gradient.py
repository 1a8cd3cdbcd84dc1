"""Exercise 03.2: compute the gradient of the cross-entropy with a temperature."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, one_of


def _draw(generator: Generator) -> tuple[Tensor, Tensor, float]:
    rows, classes = torch.randint(2, 5, (2,), generator=generator).tolist()
    labels = torch.randint(classes, (rows,), generator=generator)
    logits = torch.randn(rows, classes, generator=generator)
    return logits, labels, one_of(generator, (0.25, 0.5, 2.0, 4.0))


def _gradient(logits: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Let autograd compute the gradient, so that the reference does not use the formula of the answer."""
    logits = logits.detach().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(logits / temperature, labels), logits)[0]


def _errors(logits: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return p - onehot, without any division."""
    return F.softmax(logits / temperature, dim=1) - F.one_hot(labels, logits.shape[1])


EXERCISE = Exercise(
    reference=_gradient,
    draw=_draw,
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
        "Divided by T twice: the chain rule has one more link, not two.": (
            lambda logits, labels, temperature: _gradient(logits, labels, temperature) / temperature
        ),
        "Divided by N and by C: the loss is a mean over the images, and a sum over the classes.": (
            lambda logits, labels, temperature: _gradient(logits, labels, temperature) / logits.shape[1]
        ),
        "The number of the class is subtracted: subtract 1, at the place of the right class.": (
            lambda logits, labels, temperature: (
                (F.softmax(logits / temperature, dim=1) - labels[:, None]) / temperature / len(logits)
            )
        ),
        "1 is subtracted from all classes: subtract it at the place of the right one alone.": (
            lambda logits, labels, temperature: (F.softmax(logits / temperature, dim=1) - 1) / temperature / len(logits)
        ),
        "Both divisions are missing: one by N, for the mean, and one by T, for the chain rule.": (
            lambda logits, labels, temperature: (
                F.softmax(logits / temperature, dim=1) - F.one_hot(labels, logits.shape[1])
            )
        ),
        "The temperature is nowhere: it divides the logits, and by the chain rule the slopes.": (
            lambda logits, labels, temperature: (
                (F.softmax(logits, dim=1) - F.one_hot(labels, logits.shape[1])) / len(logits)
            )
        ),
    },
)
