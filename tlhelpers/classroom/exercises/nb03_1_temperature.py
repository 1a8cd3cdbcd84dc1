"""Exercise 03.1: compute a softmax with a temperature."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, one_of


def _draw(generator: Generator) -> tuple[Tensor, float]:
    """Draw logits, at times so large that exp overflows, and a temperature other than 1."""
    rows, classes = torch.randint(2, 5, (2,), generator=generator).tolist()
    scale = one_of(generator, (1.0, 1.0, 500.0))
    logits = scale * torch.randn(rows, classes, generator=generator)
    return logits, one_of(generator, (0.25, 0.5, 2.0, 4.0))


def _softmax_less(subtracted: Tensor, logits: Tensor) -> Tensor:
    """Compute softmax by its formula, after a subtraction from the logits."""
    exponentials = (logits - subtracted).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


EXERCISE = Exercise(
    reference=lambda logits, temperature: F.softmax(logits / temperature, dim=-1),
    draw=_draw,
    mistakes={
        "Multiplied where it should be divided: a high temperature makes the logits smaller.": (
            lambda logits, temperature: F.softmax(logits * temperature, dim=-1)
        ),
        "The probabilities were divided, so they no longer sum to 1: divide the logits, before softmax.": (
            lambda logits, temperature: F.softmax(logits, dim=-1) / temperature
        ),
        "It overflows: for large logits exp is infinite; subtract the largest of each row first.": (
            lambda logits, temperature: _softmax_less(torch.tensor(0.0), logits / temperature)
        ),
        "The columns sum to 1 where the rows should: use the last dimension.": (
            lambda logits, temperature: F.softmax(logits / temperature, dim=0)
        ),
        "The temperature changes nothing: divide the logits by it.": (
            lambda logits, temperature: F.softmax(logits, dim=-1)
        ),
        "The whole table sums to 1 where each row should: keep the sums of the rows apart.": (
            lambda logits, temperature: F.softmax((logits / temperature).flatten(), dim=0).view_as(logits)
        ),
        "The largest of the whole table was subtracted: in a row far below it all exponentials are 0.": (
            lambda logits, temperature: _softmax_less((logits / temperature).max(), logits / temperature)
        ),
        "These are logarithms of probabilities: asked for are the probabilities.": (
            lambda logits, temperature: F.log_softmax(logits / temperature, dim=-1)
        ),
        "The exponential is missing: these are shares of the logits themselves.": (
            lambda logits, temperature: logits / logits.sum(dim=-1, keepdim=True)
        ),
        "The largest logit is taken off before the division by T: take the largest of logits / T.": (
            lambda logits, temperature: _softmax_less(logits.amax(dim=-1, keepdim=True), logits / temperature)
        ),
    },
)
