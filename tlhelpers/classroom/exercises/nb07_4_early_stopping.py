"""Exercise 07.4: stop a training early."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw losses that fall and then fluctuate, at times with ties, accuracies, and a patience of 2 to 4 epochs."""
    epochs, patience = whole_number(generator, 8, 14), whole_number(generator, 2, 4)
    noise = torch.randn(2, epochs, generator=generator, dtype=torch.float64)
    losses = 0.3 + 0.3 * torch.exp(-torch.arange(epochs) / 2) + 0.04 * noise[0]
    return losses.round(decimals=2), 0.9 + 0.02 * noise[1], patience


def _gains(losses: Tensor) -> Tensor:
    """Return for each epoch whether its loss is lower than all before: (E,) bool."""
    before = torch.cat([torch.tensor([math.inf]), losses.cummin(dim=0).values[:-1]])
    return losses < before


def _last(gains: Tensor, patience: int) -> int:
    """Return the index of the last epoch that is run; ``gains`` are the epochs with an improvement, (E,) bool."""
    epochs = torch.arange(len(gains))
    waited = epochs - torch.where(gains, epochs, 0).cummax(dim=0).values
    return int((waited >= patience).nonzero()[0]) if (waited >= patience).any() else len(gains) - 1


def _lowest(losses: Tensor) -> int:
    """Return the index of the first epoch with the lowest loss."""
    return losses.tolist().index(losses.min())


def _answer(losses: Tensor, accuracies: Tensor, last: int) -> Tensor:
    """Return the answer for a training whose last epoch has the index ``last``."""
    return torch.stack([torch.tensor(last + 1.0), accuracies[_lowest(losses[: last + 1])]])


def _stop_early(losses: Tensor, accuracies: Tensor, patience: int) -> Tensor:
    """Stop as ``tl.fit`` does.

    Prechelt, "Early stopping - but when?" (1998), criterion UP in its simplest form.
    """
    return _answer(losses, accuracies, _last(_gains(losses), patience))


def _instead(losses: Tensor, accuracies: Tensor, patience: int, choose: Callable[[int], Tensor]) -> Tensor:
    """Stop correctly, but report another accuracy: ``choose`` returns it, given the index of the last epoch."""
    last = _last(_gains(losses), patience)
    return torch.stack([torch.tensor(last + 1.0), choose(last)])


def _never_reset(losses: Tensor, accuracies: Tensor, patience: int) -> Tensor:
    enough = ((~_gains(losses)).cumsum(dim=0) >= patience).nonzero()
    return _answer(losses, accuracies, int(enough[0]) if len(enough) else len(losses) - 1)


def _ties_gain(losses: Tensor, accuracies: Tensor, patience: int) -> Tensor:
    gains = losses <= losses.cummin(dim=0).values
    last = _last(gains, patience)
    return torch.stack([torch.tensor(last + 1.0), accuracies[int(gains[: last + 1].nonzero()[-1])]])


EXERCISE = Exercise(
    reference=_stop_early,
    draw=_draw,
    mistakes={
        "The best of the test photos was picked: they must not choose anything, so ask the held-out losses.": (
            lambda losses, accuracies, patience: _instead(
                losses, accuracies, patience, lambda last: accuracies[: last + 1].max()
            )
        ),
        "That is the accuracy after the last epoch; the patience was in vain there, so go back to a better network.": (
            lambda losses, accuracies, patience: _instead(losses, accuracies, patience, lambda last: accuracies[last])
        ),
        "It looked at epochs that were never run: only those up to the stop have left a network.": (
            lambda losses, accuracies, patience: _instead(
                losses, accuracies, patience, lambda last: accuracies[_lowest(losses)]
            )
        ),
        "The second number is a loss: the held-out photos choose the epoch, and its test accuracy is asked for.": (
            lambda losses, accuracies, patience: _instead(
                losses, accuracies, patience, lambda last: losses[: last + 1].min()
            )
        ),
        "The test photos decided when to stop: that is for the held-out losses.": (
            lambda losses, accuracies, patience: _answer(losses, accuracies, _last(_gains(-accuracies), patience))
        ),
        "Compared with the epoch before: a gain is a loss lower than all before.": (
            lambda losses, accuracies, patience: _answer(
                losses, accuracies, _last(losses.diff(prepend=torch.tensor([math.inf])) < 0, patience)
            )
        ),
        "The waiting is never set back: after a gain it begins anew.": _never_reset,
        "As low as the lowest is no gain: the loss has to be lower.": _ties_gain,
        "One epoch too late: after so many without a gain, no other is run.": (
            lambda losses, accuracies, patience: _stop_early(losses, accuracies, patience + 1)
        ),
        "One epoch too early: so many in a row have to be without a gain.": (
            lambda losses, accuracies, patience: _stop_early(losses, accuracies, patience - 1)
        ),
        "The epochs are counted from 0; how many were run is one more than the index of the last.": (
            lambda losses, accuracies, patience: (
                _stop_early(losses, accuracies, patience) - torch.tensor([1, 0], dtype=torch.float64)
            )
        ),
        "That is the epoch of the lowest loss; how many were run counts those that waited in vain, too.": (
            lambda losses, accuracies, patience: _answer(
                losses, accuracies, _lowest(losses[: _last(_gains(losses), patience) + 1])
            )
        ),
        "It never stops: patience ends the training before all epochs are run.": (
            lambda losses, accuracies, patience: _answer(losses, accuracies, len(losses) - 1)
        ),
    },
)
