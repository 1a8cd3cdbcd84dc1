"""Exercises of notebook 09: how often luck ranks candidates rightly, and LEEP's elder sister, which counts answers."""

import math

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise

BY_LUCK = Exercise(
    reference=lambda n: 1 / math.factorial(n),
    draw=lambda generator: (int(torch.randint(3, 9, (), generator=generator)),),
    mistakes={
        "That is the chance that the best one comes first: the others have to be in their places too.": (
            lambda n: 1 / n
        ),
        "That counts the reversed order as well: only one of the orders is asked for.": lambda n: 2 / math.factorial(n),
        "That leaves one candidate out: the first place can be taken by any of the n.": (
            lambda n: 1 / math.factorial(n - 1)
        ),
        "A place that is taken cannot be taken again: after n come n - 1, then n - 2, and so on.": lambda n: 1 / n**n,
        "Pairs are no coins of their own: if a beats b and b beats c, a beats c. Count the orders.": (
            lambda n: 0.5 ** (n * (n - 1) // 2)
        ),
        "That is a coin for each candidate: count in how many orders they can stand.": lambda n: 0.5**n,
        "That is a coin for each two neighbours: count in how many orders they can stand.": lambda n: 0.5 ** (n - 1),
        "That is one out of the number of pairs: count the orders.": lambda n: 2 / (n * (n - 1)),
        "That is the number of orders: the probability is one out of so many.": lambda n: math.factorial(n),
        "That is the chance that it does not happen.": lambda n: 1 - 1 / math.factorial(n),
    },
)


def _draw_answers(generator: Generator) -> tuple[Tensor, Tensor]:
    """Draw what an old head says of photos, with gaps among its classes, and new labels that go with it at times."""
    n = int(torch.randint(20, 40, (), generator=generator))
    old = torch.randint(4, (n,), generator=generator)
    noise, said = torch.randint(3, (n,), generator=generator), torch.rand(n, generator=generator) < 0.6
    return 7 * old + 2, torch.where(said, old % 3, noise)


def _shares(old: Tensor, new: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return of each photo how frequent are its old class, its new one, and both together: three of (N,)."""
    same_old, same_new = old[:, None] == old, new[:, None] == new
    return tuple(same.double().mean(dim=1) for same in (same_old, same_new, same_old & same_new))


def _nce(old: Tensor, new: Tensor) -> float:
    """Tran et al. (2019): the negative conditional entropy of the new labels, given the old ones."""
    of_old, _, of_both = _shares(old, new)
    return (of_both / of_old).log().mean().item()


def _equal_weights(old: Tensor, new: Tensor) -> float:
    of_old, _, of_both = _shares(old, new)
    logs = (of_both / of_old).log()
    return torch.stack([logs[old == kind].mean() for kind in old.unique()]).mean().item()


def _log_of_mean(old: Tensor, new: Tensor) -> float:
    of_old, _, of_both = _shares(old, new)
    return (of_both / of_old).mean().log().item()


def _joint(old: Tensor, new: Tensor) -> float:
    return _shares(old, new)[2].log().mean().item()


NCE = Exercise(
    reference=_nce,
    draw=_draw_answers,
    mistakes={
        "The sign: logarithms of probabilities are negative, and so is this score.": lambda old, new: -_nce(old, new),
        "The other way round: that is the old class given the new one, log P(z | y).": lambda old, new: _nce(new, old),
        "That is the logarithm of P(y, z), how often both occur together: divide by how often z occurs.": _joint,
        "The old answers are not used: that is log P(y), what you know without them.": (
            lambda old, new: _shares(old, new)[1].log().mean().item()
        ),
        "That is the sum over the photos: take the mean.": lambda old, new: _nce(old, new) * len(new),
        "That is the logarithm of the mean: take the logarithm for each photo, then the mean.": _log_of_mean,
        "The logarithm is missing: that is the mean of P(y | z).": lambda old, new: math.exp(_log_of_mean(old, new)),
        "Each old class counts the same there: each photo should.": _equal_weights,
        "That is in bits: take the natural logarithm.": lambda old, new: _nce(old, new) / math.log(2),
        "That is the logarithm to base 10: take the natural one.": lambda old, new: _nce(old, new) / math.log(10),
    },
)

EXERCISES = {"09.1": BY_LUCK, "09.2": NCE}
