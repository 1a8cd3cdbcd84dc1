"""Exercises of notebook 08: what luck does to a comparison, the simplest strategy, and losses on the way to WiSE-FT."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from tlhelpers.classroom.exercises import Exercise


def _draw_answers(generator: Generator) -> tuple[Tensor, Tensor]:
    """Draw which photos each of two classifiers gets right: most, one clearly more; at times they never disagree."""
    photos = int(torch.randint(20, 60, (), generator=generator))
    first, second = torch.rand(2, photos, generator=generator)
    first, second = first < 0.9, second < 0.6
    first[:4], second[:4] = torch.tensor([True, True, False, False]), torch.tensor([True, False, True, False])
    return first, second if torch.rand((), generator=generator) < 0.8 else first.clone()


def _one_sided(fewer: int, n: int) -> float:
    """One tail of n throws of a coin."""
    return sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n


def _two_sided(fewer: int, n: int) -> float:
    """Both tails of n throws of a coin, at most 1."""
    return min(1.0, 2 * _one_sided(fewer, n))


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


def _twice_the_observed(first: Tensor, second: Tensor) -> float:
    gained, lost = _counts(first, second)
    return min(1.0, 2 * math.comb(gained + lost, gained) / 2 ** (gained + lost))


def _chi_square(first: Tensor, second: Tensor) -> float:
    gained, lost = _counts(first, second)
    return math.erfc(abs(gained - lost) / math.sqrt(2 * max(gained + lost, 1)))


def _chi_square_corrected(first: Tensor, second: Tensor) -> float:
    gained, lost = _counts(first, second)
    return math.erfc(max(abs(gained - lost) - 1, 0) / math.sqrt(2 * max(gained + lost, 1)))


MCNEMAR = Exercise(
    reference=_mcnemar,
    draw=_draw_answers,
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
        "The larger count leaves almost all of the coin's throws: sum up to the smaller one.": (
            lambda first, second: _two_sided(max(_counts(first, second)), sum(_counts(first, second)))
        ),
        "That is twice the probability of just this count: all that are rarer belong to the tails, too.": (
            _twice_the_observed
        ),
    },
)


def _draw_losses(generator: Generator) -> tuple[Tensor]:
    """Draw (S, F) losses: the best strategy is not the first, and simpler ones lie within or beyond its error."""
    strategies, folds = 6, int(torch.randint(3, 7, (), generator=generator))
    noise = torch.randn(strategies, folds, generator=generator, dtype=torch.float64)
    noise = (noise - noise.mean(dim=1, keepdim=True)) / noise.std(dim=1, keepdim=True)  # mean 0, deviation 1
    widths = 0.02 + 0.3 * torch.rand(strategies, generator=generator, dtype=torch.float64)
    above = 0.4 * torch.rand(strategies, generator=generator, dtype=torch.float64)
    best = int(torch.randint(2, strategies, (), generator=generator))
    above[best] = 0.0
    if torch.rand((), generator=generator) < 0.4:  # the first is near, but too far for a deviation that divides by F
        above[0] = widths[best] / folds**0.5 * (1 + (1 - 1 / folds) ** 0.5) / 2
    return ((1 + above)[:, None] + widths[:, None] * noise,)


def _simplest(losses: Tensor, allowed: Tensor) -> int:
    """Return the first strategy whose mean loss is at most the least one and so much more."""
    means = losses.mean(dim=1)
    return int((means <= means.min() + allowed).nonzero()[0])


def _across_strategies(losses: Tensor) -> int:
    means = losses.mean(dim=0)
    return int((means <= means.min() + losses[:, means.argmin()].std() / losses.shape[1] ** 0.5).nonzero()[0])


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

LEVEL, STRATEGIES = 0.05, 10

PASS_BY_LUCK = Exercise(
    reference=lambda: round(100 * (1 - (1 - LEVEL) ** STRATEGIES)),
    draw=lambda generator: (),
    mistakes={
        "Added up: with enough strategies that would be more than certain. How likely is it that none passes?": (
            lambda: round(100 * LEVEL * STRATEGIES)
        ),
        "That is the chance that none passes.": lambda: round(100 * (1 - LEVEL) ** STRATEGIES),
        "That is the chance that exactly one passes; two or more are luck as well.": (
            lambda: round(100 * STRATEGIES * LEVEL * (1 - LEVEL) ** (STRATEGIES - 1))
        ),
        "That is the chance that all of them pass; one is enough.": lambda: round(100 * LEVEL**STRATEGIES),
        "That is the chance of one strategy; the others try their luck, too.": lambda: round(100 * LEVEL),
        "That is the chance that one strategy does not pass.": lambda: round(100 * (1 - LEVEL)),
        "One strategy too many: the probe is not compared with itself.": (
            lambda: round(100 * (1 - (1 - LEVEL) ** (STRATEGIES + 1)))
        ),
        "One strategy too few: as many as are named are tested.": lambda: round(
            100 * (1 - (1 - LEVEL) ** (STRATEGIES - 1))
        ),
        "That is a fraction; give it in percent.": lambda: 1 - (1 - LEVEL) ** STRATEGIES,
        "That is a fraction, rounded; give it in percent.": lambda: round(1 - (1 - LEVEL) ** STRATEGIES, 2),
        "Round it to whole percent.": lambda: 100 * (1 - (1 - LEVEL) ** STRATEGIES),
    },
)

Weights = tuple[Tensor, Tensor]


def _draw_ends(generator: Generator) -> tuple[Weights, Weights, Tensor, Tensor, Tensor]:
    """Draw a network before and after, photos that the second knows a little of, and shares with both ends."""
    n, sizes = int(torch.randint(6, 12, (), generator=generator)), ((5, 4), (3, 5))
    before, after = (
        tuple(torch.randn(*size, generator=generator, dtype=torch.float64) for size in sizes) for _ in range(2)
    )
    features = torch.randn(n, 4, generator=generator, dtype=torch.float64)
    shares = torch.rand(2, generator=generator, dtype=torch.float64).sort().values
    labels = torch.randint(3, (n,), generator=generator)
    return before, after, features, labels, torch.cat([shares.new_zeros(1), shares, shares.new_ones(1)])


def _logits(weights: Weights, features: Tensor) -> Tensor:
    first, second = weights
    return F.linear(F.linear(features, first).relu(), second)


def _on_the_way(before: Weights, after: Weights, share: Tensor) -> Weights:
    return tuple(torch.lerp(old, new, share) for old, new in zip(before, after, strict=True))


def _along(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    """Wortsman et al. (2022), section 2: the weights are mixed, and then there is one network."""
    return torch.stack([F.cross_entropy(_logits(_on_the_way(before, after, s), features), labels) for s in shares])


def _mixed_logits(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    ends = [_logits(weights, features) for weights in (before, after)]
    return torch.stack([F.cross_entropy(torch.lerp(*ends, share), labels) for share in shares])


def _mixed_probabilities(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    ends = [_logits(weights, features).softmax(dim=1) for weights in (before, after)]
    return torch.stack([F.nll_loss(torch.lerp(*ends, share).log(), labels) for share in shares])


def _mixed_losses(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    ends = [F.cross_entropy(_logits(weights, features), labels) for weights in (before, after)]
    return torch.lerp(*ends, shares)


def _without_relu(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    found = [_on_the_way(before, after, share) for share in shares]
    return torch.stack([F.cross_entropy(features @ first.T @ second.T, labels) for first, second in found])


def _relu_at_the_end(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    found = [_on_the_way(before, after, share) for share in shares]
    return torch.stack([F.cross_entropy(_logits((first, second), features).relu(), labels) for first, second in found])


def _whole_before(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    """Add a share of the network after to all of that before."""
    far = tuple(old + new for old, new in zip(before, after, strict=True))
    return _along(before, far, features, labels, shares)


def _errors(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    found = [_logits(_on_the_way(before, after, share), features).argmax(dim=1) for share in shares]
    return torch.stack([(answers != labels).double().mean() for answers in found])


ALONG_THE_WAY = Exercise(
    reference=_along,
    draw=_draw_ends,
    mistakes={
        "The scores of two networks were mixed; with a ReLU between the layers that is not one network, mixed.": (
            _mixed_logits
        ),
        "The probabilities of two networks were mixed; WiSE-FT mixes weights, and asks one network.": (
            _mixed_probabilities
        ),
        "The losses of the ends were mixed: what lies between need not have a loss between.": _mixed_losses,
        "From the wrong end: a share of 0 is the network before, and 1 is the network after.": (
            lambda before, after, *rest: _along(after, before, *rest)
        ),
        "Always half the way: each share gives a network of its own.": (
            lambda before, after, features, labels, shares: _along(
                before, after, features, labels, torch.full_like(shares, 0.5)
            )
        ),
        "The weights before stay whole there: what goes to the one is taken from the other.": _whole_before,
        "Only the first layer went along: the second is still that of before.": (
            lambda before, after, *rest: _along(before, (after[0], before[1]), *rest)
        ),
        "Only the head went along: the first layer is still that of before.": (
            lambda before, after, *rest: _along(before, (before[0], after[1]), *rest)
        ),
        "The head is that of after for every share: it goes along, too.": (
            lambda before, after, *rest: _along((before[0], after[1]), after, *rest)
        ),
        "The ReLU is missing: between the layers what is negative becomes 0.": _without_relu,
        "A ReLU after the last layer: scores may be negative.": _relu_at_the_end,
        "That is the sum over the photos: take the mean.": (
            lambda before, after, features, labels, shares: (
                len(labels) * _along(before, after, features, labels, shares)
            )
        ),
        "That is the mean log-probability: a loss is its negative.": lambda *inputs: -_along(*inputs),
        "That is the share of wrong answers; the loss weighs the probability of each right one.": _errors,
        "That is the lowest of the losses; return one for each share.": lambda *inputs: _along(*inputs).min(),
        "Softmax was taken twice: cross-entropy takes the logits.": (
            lambda before, after, features, labels, shares: torch.stack(
                [
                    F.cross_entropy(_logits(_on_the_way(before, after, share), features).softmax(dim=1), labels)
                    for share in shares
                ]
            )
        ),
    },
)

EXERCISES = {"08.1": MCNEMAR, "08.2": ONE_STANDARD_ERROR, "08.3": PASS_BY_LUCK, "08.4": ALONG_THE_WAY}
