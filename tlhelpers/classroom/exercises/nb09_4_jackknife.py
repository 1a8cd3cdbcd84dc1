"""Exercise 09.4: divide a difference of LEEP scores by its jackknife standard error."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw probabilities of two old heads, (N, 3) and (N, 4), and labels on which both depend a little."""
    n = whole_number(generator, 17, 29)
    labels = torch.randint(2, (n,), generator=generator)
    labels[:10] = torch.arange(10) % 2
    shared = torch.randn(n, generator=generator, dtype=torch.float64)  # makes a photo hard for both heads
    knows = (2 * labels - 1 + shared)[:, None]
    first, second = (torch.randn(n, z, generator=generator, dtype=torch.float64) for z in (3, 4))
    first, second = ((head + knows * torch.arange(head.shape[1])).softmax(dim=1) for head in (first, second))
    return first, second, labels


def _log_likelihoods(old: Tensor, labels: Tensor, counted: Tensor) -> Tensor:
    """Return the log-probability of each photo's label, once for each of several masks: (G, N).

    ``counted``, (G, N) bool, are the photos from which P(y | z) is estimated.
    """
    joint = (counted[:, None] * F.one_hot(labels, 2).T).to(old) @ old  # (G, 2, Z)
    given = joint / joint.sum(dim=1, keepdim=True)
    return (given[:, labels] * old).sum(dim=-1).log()


def _leep(old: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
    """Compute LEEP on the photos of each of the masks ``rows``, (G, N) bool: (G,).

    Nguyen, Hassner, Seeger and Archambeau, "LEEP: a new measure to evaluate transferability of learned representations"
    (2020).
    """
    return _log_likelihoods(old, labels, rows).where(rows, 0.0).sum(dim=1) / rows.sum(dim=1)


def _fifths(labels: Tensor) -> Tensor:
    """Return five masks, (5, N); photo i belongs to the fifth i % 5."""
    return torch.arange(len(labels)) % 5 == torch.arange(5)[:, None]


def _blocks(labels: Tensor) -> Tensor:
    """Return five masks of adjacent photos: (5, N)."""
    return torch.arange(len(labels)) * 5 // len(labels) == torch.arange(5)[:, None]


def _with_all(rows: Tensor) -> Tensor:
    """Put a mask of all photos before the masks ``rows``."""
    return torch.cat([torch.ones_like(rows[:1]), rows])


def _leads(first: Tensor, second: Tensor, labels: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the lead on all photos, and the lead on the photos of each mask: two tensors, () and (G,)."""
    leads = _leep(first, labels, _with_all(rows)) - _leep(second, labels, _with_all(rows))
    return leads[0], leads[1:]


def _spread(leads: Tensor) -> Tensor:
    """Compute the jackknife's standard error: the root of four fifths of the sum of squared deviations.

    Tukey, "Bias and confidence in not-quite large samples" (1958).
    """
    return (4 * leads.var(correction=0)).sqrt()


def _over_spread(rows_of: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return the answer that computes the spread from the masks ``rows_of(labels)``."""

    def answer(first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
        lead, leads = _leads(first, second, labels, rows_of(labels))
        return lead / _spread(leads)

    return answer


def _combined(combine: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return the answer that computes something else from the lead and the five leads without a fifth."""
    return lambda first, second, labels: combine(*_leads(first, second, labels, ~_fifths(labels)))


def _over_both_spreads(first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
    spreads = [_spread(_leep(old, labels, ~_fifths(labels))) for old in (first, second)]
    return _leads(first, second, labels, _fifths(labels))[0] / torch.stack(spreads).norm()


def _over_first_spread(first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
    return _leads(first, second, labels, _fifths(labels))[0] / _spread(_leep(first, labels, ~_fifths(labels)))


def _estimated_once(first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
    """Estimate P(y | z) from all photos, also where a fifth is left out."""
    every = torch.ones(1, len(labels), dtype=torch.bool)
    (logs,) = _log_likelihoods(first, labels, every) - _log_likelihoods(second, labels, every)
    return logs.mean() / _spread(torch.stack([logs[~fifth].mean() for fifth in _fifths(labels)]))


_in_spreads = _over_spread(lambda labels: ~_fifths(labels))


EXERCISE = Exercise(
    reference=_in_spreads,
    draw=_draw,
    mistakes={
        "The fifth was kept and the rest left out: a score without a fifth has four fifths of the photos.": (
            _over_spread(_fifths)
        ),
        "The fifths are blocks of neighbors: photo i belongs to the fifth i % 5.": (
            _over_spread(lambda labels: ~_blocks(labels))
        ),
        "The factor 4/5 is missing under the root.": (
            _combined(lambda lead, leads: lead / (leads - leads.mean()).norm())
        ),
        "That is the plain deviation of the five: they share most of their photos, so the jackknife stretches it.": (
            _combined(lambda lead, leads: lead / leads.std(correction=0))
        ),
        "That is the deviation of a sample, with 4 below: the jackknife has another factor.": (
            _combined(lambda lead, leads: lead / leads.std())
        ),
        "That is the standard error of a mean of five unrelated numbers; these share most of their photos.": (
            _combined(lambda lead, leads: lead / leads.std() * 5**0.5)
        ),
        "The root is missing: that is the square of the spread.": (
            _combined(lambda lead, leads: lead / _spread(leads) ** 2)
        ),
        "The deviations are from the score of all photos; take them from the mean of the five.": (
            _combined(lambda lead, leads: lead / (0.8**0.5 * (leads - lead).norm()))
        ),
        "Two spreads were put together as if each head had its own photos: take the spread of the difference.": (
            _over_both_spreads
        ),
        "That is the spread of the first head's LEEP; take the spread of the difference.": _over_first_spread,
        "The photos left out still count: P(y | z) has to be counted anew without them.": _estimated_once,
        "The mean of the five stands above: the lead is that with all photos.": (
            _combined(lambda lead, leads: leads.mean() / _spread(leads))
        ),
        "The second's lead over the first: subtract the other way round.": lambda *inputs: -_in_spreads(*inputs),
        "The sign is lost: a head that is behind has a lead below 0.": lambda *inputs: _in_spreads(*inputs).abs(),
        "Upside down: the lead is divided by the spread.": lambda *inputs: 1 / _in_spreads(*inputs),
        "That is the spread; the lead, divided by it, is asked for.": _combined(lambda lead, leads: _spread(leads)),
        "That is the lead; divide it by its spread.": _combined(lambda lead, leads: lead),
    },
)
