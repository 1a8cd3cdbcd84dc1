"""Exercise 08.2: choose a strategy by the one-standard-error rule."""

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor]:
    """Draw losses (S, F); a simpler strategy than the best is at times within one standard error, at times not."""
    strategies, folds = 6, whole_number(generator, 3, 6)
    noise = torch.randn(strategies, folds, generator=generator, dtype=torch.float64)
    noise = (noise - noise.mean(dim=1, keepdim=True)) / noise.std(dim=1, keepdim=True)  # mean 0, deviation 1
    widths = 0.02 + 0.3 * torch.rand(strategies, generator=generator, dtype=torch.float64)
    above = 0.4 * torch.rand(strategies, generator=generator, dtype=torch.float64)
    best = whole_number(generator, 2, strategies - 1)
    above[best] = 0.0
    if torch.rand((), generator=generator) < 0.4:  # the first is near enough by F - 1, too far by F
        above[0] = widths[best] / folds**0.5 * (1 + (1 - 1 / folds) ** 0.5) / 2
    return ((1 + above)[:, None] + widths[:, None] * noise,)


def _simplest(losses: Tensor, allowed: Tensor) -> int:
    """Return the first strategy whose mean loss is at most ``allowed`` above the lowest one."""
    means = losses.mean(dim=1)
    return int((means <= means.min() + allowed).nonzero()[0])


def _across_strategies(losses: Tensor) -> int:
    means = losses.mean(dim=0)
    return int((means <= means.min() + losses[:, means.argmin()].std() / losses.shape[1] ** 0.5).nonzero()[0])


def _one_standard_error(losses: Tensor) -> int:
    """Apply the rule to losses (S, F).

    Breiman, Friedman, Olshen and Stone, "Classification and regression trees" (1984), section 3.4.3.
    """
    best = losses[losses.mean(dim=1).argmin()]
    return _simplest(losses, best.std() / len(best) ** 0.5)


EXERCISE = Exercise(
    reference=_one_standard_error,
    draw=_draw,
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
        "That deviation divides by F: the losses are a sample of F folds, so divide by F - 1.": (
            lambda losses: _simplest(
                losses, losses[losses.mean(dim=1).argmin()].std(correction=0) / losses.shape[1] ** 0.5
            )
        ),
        "That allows 1.96 standard errors, as for an interval; the rule allows one.": (
            lambda losses: _simplest(losses, 1.96 * losses[losses.mean(dim=1).argmin()].std() / losses.shape[1] ** 0.5)
        ),
        "The mean runs across the strategies; a strategy is a row, and its folds lie beside each other.": (
            _across_strategies
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
