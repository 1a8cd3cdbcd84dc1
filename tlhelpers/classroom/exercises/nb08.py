"""Exercises of notebook 08: McNemar's test on the same photos, and the simplest strategy that is nearly as good."""

import math

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise


def _draw_answers(generator: Generator) -> tuple[Tensor, Tensor]:
    """Draw which photos each of two classifiers gets right: most, and not the same; one is clearly better."""
    photos = int(torch.randint(20, 60, (), generator=generator))
    first, second = torch.rand(2, photos, generator=generator)
    first, second = first < 0.9, second < 0.6
    first[:4], second[:4] = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    return first, second


def _two_sided(fewer: int, n: int) -> float:
    """Both tails of n throws of a coin, at most 1."""
    return min(1.0, 2 * sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n)


def _counts(first: Tensor, second: Tensor) -> tuple[int, int]:
    """Count the photos that only the one gets right, and only the other."""
    return int((first & ~second).sum()), int((second & ~first).sum())


def _mcnemar(first: Tensor, second: Tensor) -> float:
    """McNemar (1947), exact: only the photos count on which the two disagree."""
    gained, lost = _counts(first, second)
    return _two_sided(min(gained, lost), gained + lost)


def _without_the_observed(first: Tensor, second: Tensor) -> float:
    gained, lost = _counts(first, second)
    return _two_sided(min(gained, lost) - 1, gained + lost)


def _chi_square(first: Tensor, second: Tensor) -> float:
    gained, lost = _counts(first, second)
    return math.erfc(abs(gained - lost) / math.sqrt(2 * (gained + lost)))


MCNEMAR = Exercise(
    reference=_mcnemar,
    draw=_draw_answers,
    mistakes={
        "That is one tail: a difference in the other direction would have surprised as much, so double it.": (
            lambda first, second: _mcnemar(first, second) / 2
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
        "Those are the errors of each; take the photos on which the two disagree.": (
            lambda first, second: _two_sided(
                min(int((~first).sum()), int((~second).sum())), int((~first).sum() + (~second).sum())
            )
        ),
        "The larger count leaves almost all of the coin's throws: sum up to the smaller one.": (
            lambda first, second: _two_sided(max(_counts(first, second)), sum(_counts(first, second)))
        ),
    },
)


def _draw_losses(generator: Generator) -> tuple[Tensor]:
    """Draw (S, F) losses: the best strategy is not the first, and simpler ones lie within or beyond its error."""
    strategies, folds = 6, int(torch.randint(3, 7, (), generator=generator))
    noise = torch.randn(strategies, folds, generator=generator, dtype=torch.float64)
    noise = (noise - noise.mean(dim=1, keepdim=True)) / noise.std(dim=1, keepdim=True)  # mean 0, deviation 1
    widths = 0.02 + 0.3 * torch.rand(strategies, generator=generator, dtype=torch.float64)
    above = 0.25 * torch.rand(strategies, generator=generator, dtype=torch.float64)
    above[int(torch.randint(2, strategies, (), generator=generator))] = 0.0
    return ((1 + above)[:, None] + widths[:, None] * noise,)


def _simplest(losses: Tensor, allowed: Tensor) -> int:
    """Return the first strategy whose mean loss is at most the least one and so much more."""
    means = losses.mean(dim=1)
    return int((means <= means.min() + allowed).nonzero()[0])


def _one_standard_error(losses: Tensor) -> int:
    """Breiman and others, "Classification and regression trees" (1984), section 3.4.3."""
    best = losses[losses.mean(dim=1).argmin()]
    return _simplest(losses, best.std() / len(best) ** 0.5)


ONE_STANDARD_ERROR = Exercise(
    reference=_one_standard_error,
    draw=_draw_losses,
    mistakes={
        "That is the best one; asked for is the simplest, the first, that comes near it.": (
            lambda losses: int(losses.mean(dim=1).argmin())
        ),
        "That allows a whole standard deviation of the folds; the error of their mean is smaller, by the root of F.": (
            lambda losses: _simplest(losses, losses[losses.mean(dim=1).argmin()].std())
        ),
        "Divided by F: the error of a mean falls with the square root of F.": (
            lambda losses: _simplest(losses, losses[losses.mean(dim=1).argmin()].std() / losses.shape[1])
        ),
        "Each strategy was allowed its own error; the rule takes the error of the best one.": (
            lambda losses: int(
                (losses.mean(1) <= losses.mean(1).min() + losses.std(1) / losses.shape[1] ** 0.5).nonzero()[0]
            )
        ),
        "A loss shall be low: the best strategy has the lowest mean.": (
            lambda losses: int(losses.mean(dim=1).argmax())
        ),
        "The last that comes near is the most complicated one; take the first.": (
            lambda losses: int(
                (
                    losses.mean(1)
                    <= losses.mean(1).min() + losses[losses.mean(1).argmin()].std() / losses.shape[1] ** 0.5
                ).nonzero()[-1]
            )
        ),
    },
)

EXERCISES = {"08.1": MCNEMAR, "08.2": ONE_STANDARD_ERROR}
