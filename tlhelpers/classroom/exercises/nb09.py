"""Exercises of notebook 09: right by luck, LEEP's elder sister, what a choice costs, and how sure a lead is."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

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


def _each_pair_once(old: Tensor, new: Tensor) -> float:
    of_old, _, of_both = _shares(old, new)
    pairs = torch.stack([old, new]).unique(dim=1).T
    logs = (of_both / of_old).log()
    return torch.stack([logs[(old == z) & (new == y)][0] for z, y in pairs]).mean().item()


def _mutual_information(old: Tensor, new: Tensor) -> float:
    of_old, of_new, of_both = _shares(old, new)
    return (of_both / (of_old * of_new)).log().mean().item()


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
        "Each pair of classes counts once there: each photo should, so frequent pairs count more.": _each_pair_once,
        "Divided by P(y) as well: that is the mutual information, what the old answers add.": _mutual_information,
        "That is in bits: take the natural logarithm.": lambda old, new: _nce(old, new) / math.log(2),
        "That is the logarithm to base 10: take the natural one.": lambda old, new: _nce(old, new) / math.log(10),
    },
)

SCORES = {"A": -0.31, "B": -0.12, "C": -0.20, "D": -0.25, "E": -0.60}  # LogME
ACCURACIES = {"A": 91, "B": 88, "C": 95, "D": 93, "E": 74}  # of a probe, in percent
FAVOURITE = ACCURACIES[max(SCORES, key=SCORES.get)]

REGRET = Exercise(
    reference=lambda: max(ACCURACIES.values()) - FAVOURITE,
    draw=lambda generator: (),
    mistakes={
        "A score of -0.60 is not the highest: LogME may be negative, and a higher one is nearer to 0, or above.": (
            lambda: max(ACCURACIES.values()) - ACCURACIES[min(SCORES, key=SCORES.get)]
        ),
        "That would be the regret of who knows the accuracies; the choice follows the score.": (
            lambda: max(ACCURACIES.values()) - max(ACCURACIES.values())
        ),
        "That is the accuracy of the favourite; the regret is what it lacks.": lambda: FAVOURITE,
        "That is what was there for the taking; the regret is what the favourite lacks.": (
            lambda: max(ACCURACIES.values())
        ),
        "The sign: a regret is how much better the best would have been.": (
            lambda: FAVOURITE - max(ACCURACIES.values())
        ),
        "That is a fraction; it is asked for in percentage points.": (
            lambda: (max(ACCURACIES.values()) - FAVOURITE) / 100
        ),
        "That is a difference of scores; the regret is one of accuracies.": (
            lambda: max(SCORES.values()) - SCORES[max(ACCURACIES, key=ACCURACIES.get)]
        ),
        "Compared with the second best: nobody forbids the best.": (
            lambda: sorted(ACCURACIES.values())[-2] - FAVOURITE
        ),
        "Compared with the worst; the regret looks up to the best.": lambda: FAVOURITE - min(ACCURACIES.values()),
        "Compared with the mean of all; the regret looks up to the best.": (
            lambda: sum(ACCURACIES.values()) / len(ACCURACIES) - FAVOURITE
        ),
    },
)


def _draw_heads(generator: Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Draw what two old heads, of 3 and of 4 classes, say of the same photos, and labels that both know a little of."""
    n = int(torch.randint(17, 30, (), generator=generator))
    labels = torch.randint(2, (n,), generator=generator)
    labels[:10] = torch.arange(10) % 2
    shared = torch.randn(n, generator=generator, dtype=torch.float64)  # what makes a photo hard for both
    knows = (2 * labels - 1 + shared)[:, None]
    first, second = (torch.randn(n, z, generator=generator, dtype=torch.float64) for z in (3, 4))
    return *((head + knows * torch.arange(head.shape[1])).softmax(dim=1) for head in (first, second)), labels


def _logs(old: Tensor, labels: Tensor, counted: Tensor) -> Tensor:
    """Return the log-probability of each photo's label, with P(y | z) from the photos ``counted``: (N,)."""
    joint = F.one_hot(labels[counted], 2).to(old).T @ old[counted]
    return torch.einsum("nz,nz->n", (joint / joint.sum(dim=0))[labels], old).log()


def _leep(old: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
    """Nguyen et al. (2020), of some of the photos: ``rows`` is a mask."""
    return _logs(old, labels, rows)[rows].mean()


def _fifths(labels: Tensor) -> list[Tensor]:
    """Return five masks: which photos belong to each fifth."""
    return [torch.arange(len(labels)) % 5 == k for k in range(5)]


def _blocks(labels: Tensor) -> list[Tensor]:
    """Return five masks of neighbours."""
    return [torch.arange(len(labels)) * 5 // len(labels) == k for k in range(5)]


def _lead(first: Tensor, second: Tensor, labels: Tensor, rows: Tensor | None = None) -> Tensor:
    rows = torch.ones_like(labels, dtype=torch.bool) if rows is None else rows
    return _leep(first, labels, rows) - _leep(second, labels, rows)


def _left_out(first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
    """Return the lead without each fifth: (5,)."""
    return torch.stack([_lead(first, second, labels, ~fifth) for fifth in _fifths(labels)])


def _spread(found: Tensor) -> Tensor:
    """Tukey's jackknife: four fifths of the sum of squares, as four times the plain variance of the five."""
    return (4 * found.var(correction=0)).sqrt()


def _in_spreads(first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
    return _lead(first, second, labels) / _spread(_left_out(first, second, labels))


def _apart(first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
    spreads = [
        _spread(torch.stack([_leep(old, labels, ~fifth) for fifth in _fifths(labels)])) for old in (first, second)
    ]
    return _lead(first, second, labels) / torch.stack(spreads).norm()


def _stale(first: Tensor, second: Tensor, labels: Tensor) -> Tensor:
    every = torch.ones_like(labels, dtype=torch.bool)
    logs = _logs(first, labels, every) - _logs(second, labels, every)
    return logs.mean() / _spread(torch.stack([logs[~fifth].mean() for fifth in _fifths(labels)]))


LEAD_IN_SPREADS = Exercise(
    reference=_in_spreads,
    draw=_draw_heads,
    mistakes={
        "The fifth was kept and the rest left out: a score without a fifth has four fifths of the photos.": (
            lambda *inputs: (
                _lead(*inputs) / _spread(torch.stack([_lead(*inputs, fifth) for fifth in _fifths(inputs[2])]))
            )
        ),
        "The fifths are blocks of neighbours: photo i belongs to the fifth i % 5.": (
            lambda *inputs: (
                _lead(*inputs) / _spread(torch.stack([_lead(*inputs, ~block) for block in _blocks(inputs[2])]))
            )
        ),
        "The factor 4/5 is missing under the root.": (
            lambda *inputs: _lead(*inputs) / (_left_out(*inputs) - _left_out(*inputs).mean()).norm()
        ),
        "That is the plain deviation of the five: they share most of their photos, so the jackknife stretches it.": (
            lambda *inputs: _lead(*inputs) / _left_out(*inputs).std(correction=0)
        ),
        "That is the deviation of a sample, with 4 below: the jackknife has another factor.": (
            lambda *inputs: _lead(*inputs) / _left_out(*inputs).std()
        ),
        "That is the standard error of a mean of five unrelated numbers; these share most of their photos.": (
            lambda *inputs: _lead(*inputs) / _left_out(*inputs).std() * 5**0.5
        ),
        "The root is missing: that is the square of the spread.": (
            lambda *inputs: _lead(*inputs) / _spread(_left_out(*inputs)) ** 2
        ),
        "The deviations are from the score of all photos; take them from the mean of the five.": (
            lambda *inputs: _lead(*inputs) / (0.8**0.5 * (_left_out(*inputs) - _lead(*inputs)).norm())
        ),
        "Two spreads were put together as if each head had its own photos: take the spread of the difference.": _apart,
        "That is the spread of the first head's LEEP; take the spread of the difference.": (
            lambda first, second, labels: (
                _lead(first, second, labels)
                / _spread(torch.stack([_leep(first, labels, ~fifth) for fifth in _fifths(labels)]))
            )
        ),
        "The photos left out still count: P(y | z) has to be counted anew without them.": _stale,
        "The mean of the five stands above: the lead is that with all photos.": (
            lambda *inputs: _left_out(*inputs).mean() / _spread(_left_out(*inputs))
        ),
        "The second's lead over the first: subtract the other way round.": lambda *inputs: -_in_spreads(*inputs),
        "The sign is lost: a head that is behind has a lead below 0.": lambda *inputs: _in_spreads(*inputs).abs(),
        "Upside down: the lead is divided by the spread.": lambda *inputs: 1 / _in_spreads(*inputs),
        "That is the spread; the lead, divided by it, is asked for.": lambda *inputs: _spread(_left_out(*inputs)),
        "That is the lead; divide it by its spread.": lambda *inputs: _lead(*inputs),
    },
)

EXERCISES = {"09.1": BY_LUCK, "09.2": NCE, "09.3": REGRET, "09.4": LEAD_IN_SPREADS}
