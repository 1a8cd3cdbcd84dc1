"""Exercise 08.4: compute the loss between two sets of weights, as in WiSE-FT."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number

Weights = tuple[Tensor, ...]  # of the two layers


def _draw(generator: Generator) -> tuple[Weights, Weights, Tensor, Tensor, Tensor]:
    """Draw weights before and after a training, features (N, 4), labels (N,), and four shares with 0 and 1."""
    n, sizes = whole_number(generator, 6, 11), ((5, 4), (3, 5))
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


def _average(before: Weights, after: Weights, share: Tensor) -> Weights:
    return tuple(torch.lerp(old, new, share) for old, new in zip(before, after, strict=True))


def _along(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    """Average the weights, and compute the loss of the one network that they make.

    Wortsman et al., "Robust fine-tuning of zero-shot models" (2022), section 2.
    """
    return torch.stack([F.cross_entropy(_logits(_average(before, after, s), features), labels) for s in shares])


def _mixed_logits(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    old, new = (_logits(weights, features) for weights in (before, after))
    return torch.stack([F.cross_entropy(torch.lerp(old, new, share), labels) for share in shares])


def _mixed_probabilities(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    old, new = (_logits(weights, features).softmax(dim=1) for weights in (before, after))
    return torch.stack([F.nll_loss(torch.lerp(old, new, share).log(), labels) for share in shares])


def _mixed_losses(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    old, new = (F.cross_entropy(_logits(weights, features), labels) for weights in (before, after))
    return torch.lerp(old, new, shares)


def _without_relu(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    found = [_average(before, after, share) for share in shares]
    return torch.stack([F.cross_entropy(features @ first.T @ second.T, labels) for first, second in found])


def _relu_at_the_end(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    found = [_average(before, after, share) for share in shares]
    return torch.stack([F.cross_entropy(_logits((first, second), features).relu(), labels) for first, second in found])


def _whole_before(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    """Add a share of the weights after the training to the whole weights before it."""
    far = tuple(old + new for old, new in zip(before, after, strict=True))
    return _along(before, far, features, labels, shares)


def _errors(before: Weights, after: Weights, features: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
    found = [_logits(_average(before, after, share), features).argmax(dim=1) for share in shares]
    return torch.stack([(answers != labels).double().mean() for answers in found])


EXERCISE = Exercise(
    reference=_along,
    draw=_draw,
    mistakes={
        "The scores of two networks were mixed; with a ReLU between the layers that is not one network, mixed.": (
            _mixed_logits
        ),
        "The probabilities of two networks were mixed; WiSE-FT mixes weights, and asks one network.": (
            _mixed_probabilities
        ),
        "The losses of the two networks were mixed: a network between can have a lower or higher loss.": _mixed_losses,
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
                    F.cross_entropy(_logits(_average(before, after, share), features).softmax(dim=1), labels)
                    for share in shares
                ]
            )
        ),
    },
)
