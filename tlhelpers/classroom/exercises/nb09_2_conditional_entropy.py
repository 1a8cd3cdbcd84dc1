"""Exercise 09.2: compute the negative conditional entropy of new labels given old ones."""

import math

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor]:
    """Draw the old class of each photo, from numbers with gaps, and new labels that agree with it at times."""
    n = whole_number(generator, 20, 39)
    old = torch.randint(4, (n,), generator=generator)
    noise, said = torch.randint(3, (n,), generator=generator), torch.rand(n, generator=generator) < 0.6
    return 7 * old + 2, torch.where(said, old % 3, noise)


def _shares(old: Tensor, new: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each photo the share of its old class, of its new one, and of both together: three of (N,)."""
    same_old, same_new = old[:, None] == old, new[:, None] == new
    of_old, of_new, of_both = (same.double().mean(dim=1) for same in (same_old, same_new, same_old & same_new))
    return of_old, of_new, of_both


def _nce(old: Tensor, new: Tensor) -> float:
    """Return the negative conditional entropy of the new labels, given the old ones.

    Tran, Nguyen and Hassner, "Transferability and hardness of supervised classification tasks" (2019).
    """
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


def _each_pair_once(old: Tensor, new: Tensor) -> float:
    of_old, _, of_both = _shares(old, new)
    pairs = torch.stack([old, new]).unique(dim=1).T
    logs = (of_both / of_old).log()
    return torch.stack([logs[(old == z) & (new == y)][0] for z, y in pairs]).mean().item()


def _mutual_information(old: Tensor, new: Tensor) -> float:
    of_old, of_new, of_both = _shares(old, new)
    return (of_both / (of_old * of_new)).log().mean().item()


EXERCISE = Exercise(
    reference=_nce,
    draw=_draw,
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
        "Each pair of classes counts once there: each photo should, so frequent pairs count more.": _each_pair_once,
        "Divided by P(y) as well: that is the mutual information, what the old answers add.": _mutual_information,
        "That is in bits: take the natural logarithm.": lambda old, new: _nce(old, new) / math.log(2),
        "That is the logarithm to base 10: take the natural one.": lambda old, new: _nce(old, new) / math.log(10),
    },
)
