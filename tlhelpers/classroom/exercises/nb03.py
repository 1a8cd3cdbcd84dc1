"""Exercises of notebook 03: a softmax with a temperature, its gradient, label smoothing, softmax alone backwards."""

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


def _softmax_below(top: Tensor, logits: Tensor) -> Tensor:
    """Subtract a given number, and then do as the formula says."""
    exponentials = (logits - top).exp()
    return exponentials / exponentials.sum(-1, keepdim=True)


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
            lambda logits, temperature: _softmax_below(torch.tensor(0.0), logits / temperature)
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
            lambda logits, temperature: _softmax_below((logits / temperature).max(), logits / temperature)
        ),
        "These are logarithms of probabilities: asked for are the probabilities.": (
            lambda logits, temperature: F.log_softmax(logits / temperature, dim=-1)
        ),
        "The exponential is missing: these are shares of the logits themselves.": (
            lambda logits, temperature: logits / logits.sum(dim=-1, keepdim=True)
        ),
        "The largest logit is taken off before the division by T: take the largest of logits / T.": (
            lambda logits, temperature: _softmax_below(logits.amax(dim=-1, keepdim=True), logits / temperature)
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


def _best_probability() -> float:
    """Ask autograd at equal scores: each of 10 classes has 0.1 there, and the gradient says what is too much of it."""
    scores = torch.zeros(1, 10, dtype=torch.float64, requires_grad=True)
    F.cross_entropy(scores, torch.tensor([0]), label_smoothing=0.2).backward()
    return 0.1 - float(scores.grad[0, 0])


SURE_ENOUGH = Exercise(
    reference=_best_probability,
    draw=lambda generator: (),
    mistakes={
        "The part is spread over all classes: is the right one among them?": lambda: 1 - 0.2,
        "Without smoothing, yes: with it, being too sure costs.": lambda: 1.0,
        "That is for one of the wrong classes.": lambda: 0.2 / 10,
        "That is for all of the wrong classes together.": lambda: 9 * 0.2 / 10,
        "Only the share of one class was taken from the right one: how much is spread?": lambda: 1 - 0.2 / 10,
        "A share was taken away that the right class should get: the ten targets are to sum to 1.": (
            lambda: 1 - 0.2 - 0.2 / 10
        ),
        "That is what a model says that knows nothing: the smoothing is not so strong.": lambda: 1 / 10,
        "That is the part which is spread: where does the rest stay?": lambda: 0.2,
        "A probability was asked for, from 0 to 1, and not percent.": lambda: 100 * _best_probability(),
    },
)


def _draw_slopes(generator: Generator) -> tuple[Tensor, Tensor]:
    rows, classes = int(torch.randint(2, 5, (), generator=generator)), int(torch.randint(3, 6, (), generator=generator))
    return torch.randn(rows, classes, generator=generator), 2 * torch.randn(rows, classes, generator=generator)


def _softmax_back(grad: Tensor, logits: Tensor) -> Tensor:
    logits = logits.requires_grad_()
    return torch.autograd.grad(F.softmax(logits, dim=1), logits, grad)[0]


def _less(slopes: Tensor, taken: Tensor, logits: Tensor) -> Tensor:
    """Take something from all slopes, and weigh what is left with the probabilities."""
    return F.softmax(logits, dim=1) * (slopes - taken)


SOFTMAX_BACK = Exercise(
    reference=_softmax_back,
    draw=_draw_slopes,
    mistakes={
        "Each score moves its own probability there, and no other: the rest must give what one class gains.": (
            lambda grad, logits: grad * F.softmax(logits, dim=1) * (1 - F.softmax(logits, dim=1))
        ),
        "Add 1 to all scores and nothing changes: so each row of the gradient must sum to 0, and yours do not.": (
            lambda grad, logits: grad * F.softmax(logits, dim=1)
        ),
        "The mean of the slopes counts all classes the same: a class counts as much as it is believed.": (
            lambda grad, logits: _less(grad, grad.mean(1, keepdim=True), logits)
        ),
        "The slopes were added up as they are: a class counts as much as it is believed.": (
            lambda grad, logits: _less(grad, grad.sum(1, keepdim=True), logits)
        ),
        "The sum runs over the images: each row is a softmax of its own.": (
            lambda grad, logits: _less(grad, (grad * F.softmax(logits, dim=1)).sum(0), logits)
        ),
        "The sum runs over the whole table: each row is a softmax of its own.": (
            lambda grad, logits: _less(grad, (grad * F.softmax(logits, dim=1)).sum(), logits)
        ),
        "One factor is missing: how much a class loses to the others depends on its own probability, too.": (
            lambda grad, logits: _less(grad, 0, logits) - _less(grad, 0, logits).sum(1, keepdim=True)
        ),
        "The sign is turned round: a class with a steeper slope than the others gains.": (
            lambda grad, logits: -_softmax_back(grad, logits)
        ),
        "That is softmax followed by cross-entropy: here any slopes may arrive, and no labels.": (
            lambda grad, logits: F.softmax(logits, dim=1) - grad
        ),
        "That is the way back through the logarithm as well: the slopes here are those of the probabilities.": (
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

EXERCISES = {"03.1": SOFTMAX_AT, "03.2": GRADIENT_AT, "03.3": SURE_ENOUGH, "03.4": SOFTMAX_BACK}
