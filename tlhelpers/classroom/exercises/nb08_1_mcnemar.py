"""Exercise 08.1: compute the p-value of McNemar's exact test."""

import math

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor]:
    """Draw which photos two classifiers get right; the first is clearly better, or at times they never disagree."""
    photos = whole_number(generator, 20, 59)
    first, second = torch.rand(2, photos, generator=generator)
    first, second = first < 0.9, second < 0.6
    first[:4], second[:4] = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    return first, second if torch.rand((), generator=generator) < 0.8 else first.clone()


def _one_sided(fewer: int, n: int) -> float:
    """Return the probability of at most ``fewer`` heads in n throws of a coin."""
    return sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n


def _two_sided(fewer: int, n: int) -> float:
    """Return twice the probability of one tail, at most 1."""
    return min(1.0, 2 * _one_sided(fewer, n))


def _counts(first: Tensor, second: Tensor) -> tuple[int, int]:
    """Count the photos that only the first gets right, and those that only the second does."""
    return int((first & ~second).sum()), int((second & ~first).sum())


def _mcnemar(first: Tensor, second: Tensor) -> float:
    """Compute the exact test, in which only the photos count on which the two classifiers disagree.

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages" (1947).
    """
    gained, lost = _counts(first, second)
    return _two_sided(min(gained, lost), gained + lost)


def _without_the_observed(first: Tensor, second: Tensor) -> float:
    gained, lost = _counts(first, second)
    return _two_sided(min(gained, lost) - 1, gained + lost)


def _twice_the_observed(first: Tensor, second: Tensor) -> float:
    gained, lost = _counts(first, second)
    return min(1.0, 2 * math.comb(gained + lost, gained) / 2 ** (gained + lost))


def _chi_square(first: Tensor, second: Tensor) -> float:
    gained, lost = _counts(first, second)
    return math.erfc(abs(gained - lost) / math.sqrt(2 * max(gained + lost, 1)))


def _chi_square_corrected(first: Tensor, second: Tensor) -> float:
    gained, lost = _counts(first, second)
    return math.erfc(max(abs(gained - lost) - 1, 0) / math.sqrt(2 * max(gained + lost, 1)))


EXERCISE = Exercise(
    reference=_mcnemar,
    draw=_draw,
    mistakes={
        "That is one tail: a difference in the other direction would have surprised as much, so double it.": (
            lambda first, second: _one_sided(min(_counts(first, second)), sum(_counts(first, second)))
        ),
        "The count that was seen belongs to the tail: sum up to it, and include it.": _without_the_observed,
        "That is the probability of just this count: add all that are as rare or rarer, on both sides.": (
            lambda first, second: (
                math.comb(sum(_counts(first, second)), min(_counts(first, second))) / 2 ** sum(_counts(first, second))
            )
        ),
        "Photos that both get right, or both wrong, tell nothing of the difference: throw for the others only.": (
            lambda first, second: _two_sided(min(_counts(first, second)), len(first))
        ),
        "That is the approximation by a normal distribution; for so few photos throw the coin exactly.": _chi_square,
        "That is the approximation with Edwards' correction; it comes near, but throw the coin exactly.": (
            _chi_square_corrected
        ),
        "Those are the photos that each gets right; many of them are the same, and tell nothing of the difference.": (
            lambda first, second: _two_sided(
                min(int(first.sum()), int(second.sum())), int(first.sum()) + int(second.sum())
            )
        ),
        "That is what is left to 1: a small answer means that luck alone is rarely as uneven.": (
            lambda first, second: 1 - _mcnemar(first, second)
        ),
        "Those are the errors of each; take the photos on which the two disagree.": (
            lambda first, second: _two_sided(
                min(int((~first).sum()), int((~second).sum())), int((~first).sum() + (~second).sum())
            )
        ),
        "That sums up to the larger count, which is nearly everything: sum up to the smaller one.": (
            lambda first, second: _two_sided(max(_counts(first, second)), sum(_counts(first, second)))
        ),
        "That is twice the probability of just this count: all that are rarer belong to the tails, too.": (
            _twice_the_observed
        ),
    },
)
