"""Exercises of notebook 06: how many photos an accuracy needs, and neighbours judged by leaving one out."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from tlhelpers.classroom.exercises import Exercise


def _draw_accuracy(generator: Generator) -> tuple[float, float]:
    """Draw an accuracy and a standard error such that 4 to 2,500 photos are needed."""
    first, second = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    return 0.55 + 0.44 * first, 0.01 + 0.04 * second


PHOTOS_NEEDED = Exercise(
    reference=lambda accuracy, error: math.ceil(accuracy * (1 - accuracy) / error**2),
    draw=_draw_accuracy,
    mistakes={
        "The root is forgotten: the error is the root of p(1 - p)/n, so square it before you solve for n.": (
            lambda accuracy, error: math.ceil(accuracy * (1 - accuracy) / error)
        ),
        "Rounded down: with one photo too few the error is a little too large, so round up.": (
            lambda accuracy, error: math.floor(accuracy * (1 - accuracy) / error**2)
        ),
        "Rounded to the nearest number, which half of the time is one photo too few: round up.": (
            lambda accuracy, error: round(accuracy * (1 - accuracy) / error**2)
        ),
        "Photos come whole: round up.": (lambda accuracy, error: accuracy * (1 - accuracy) / error**2),
        "One too many: the formula divides by n and not by n - 1.": (
            lambda accuracy, error: math.ceil(accuracy * (1 - accuracy) / error**2) + 1
        ),
        "The factor 1 - p is missing: an accuracy near 1 varies little and needs few photos.": (
            lambda accuracy, error: math.ceil(accuracy / error**2)
        ),
        "The factor p is missing: both the right and the wrong photos count, as p times 1 - p.": (
            lambda accuracy, error: math.ceil((1 - accuracy) / error**2)
        ),
        "That is the number for an accuracy of one half, which needs the most: use the accuracy given.": (
            lambda accuracy, error: math.ceil(0.25 / error**2)
        ),
        "That is enough for two standard errors, which is four times as many: one is asked for.": (
            lambda accuracy, error: math.ceil(4 * accuracy * (1 - accuracy) / error**2)
        ),
    },
)


def _draw_photos(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw features of two overlapping classes, of very different lengths, and 1, 3 or 5 neighbours."""
    n = int(torch.randint(12, 20, (), generator=generator))
    labels = torch.arange(n) % 2
    features = torch.randn(n, 3, generator=generator, dtype=torch.float64) + labels[:, None]
    lengths = torch.rand(n, 1, generator=generator, dtype=torch.float64) * 4 + 0.2
    return features * lengths, labels, int(torch.randint(0, 3, (), generator=generator)) * 2 + 1


def _right(features: Tensor, labels: Tensor, k: int, *, measure=None, itself: bool = False, skip: int = 0) -> Tensor:
    """Return for each photo whether its neighbours, ``skip`` of them left out, say its class: (N,) bool.

    ``measure`` gives the likeness of one photo, (D,), to others, (N, D); cosine similarity if not given.
    """
    measure = measure or (lambda one, others: F.cosine_similarity(one[None], others))
    right = []
    for index in range(len(features)):
        others = [other for other in range(len(features)) if itself or other != index]
        order = measure(features[index], features[others]).argsort(descending=True)[skip : skip + k]
        votes = labels[others][order].double().mean()
        right.append(bool(votes > 0.5) == bool(labels[index]))
    return torch.tensor(right)


def _leave_one_out(features: Tensor, labels: Tensor, k: int, **change) -> float:
    return _right(features, labels, k, **change).double().mean().item()


LEAVE_ONE_OUT = Exercise(
    reference=_leave_one_out,
    draw=_draw_photos,
    mistakes={
        "The photo counted itself: it is its own nearest neighbour, and always agrees. Leave it out.": (
            lambda features, labels, k: _leave_one_out(features, labels, k, itself=True)
        ),
        "With k + 1 neighbours the photo itself is still among them: drop the first of them.": (
            lambda features, labels, k: _leave_one_out(features, labels, k + 1, itself=True)
        ),
        "One neighbour too many: k are to vote.": (lambda features, labels, k: _leave_one_out(features, labels, k + 1)),
        "The nearest of the others was dropped as well: leave out the photo itself and no other.": (
            lambda features, labels, k: _leave_one_out(features, labels, k, skip=1)
        ),
        "The vectors are not of length 1: a plain product prefers long vectors to those in the same direction.": (
            lambda features, labels, k: _leave_one_out(features, labels, k, measure=lambda one, others: others @ one)
        ),
        "Those are the farthest: a large cosine means near, so sort in falling order.": (
            lambda features, labels, k: _leave_one_out(
                features, labels, k, measure=lambda one, others: -F.cosine_similarity(one[None], others)
            )
        ),
        "That is the distance between the points: the cosine looks at directions and not at lengths.": (
            lambda features, labels, k: _leave_one_out(
                features, labels, k, measure=lambda one, others: -(others - one).norm(dim=1)
            )
        ),
        "Only the nearest one voted: take k of them, and the class that most of them have.": (
            lambda features, labels, k: _leave_one_out(features, labels, 1)
        ),
        "That is the number of photos that are right: divide by how many there are.": (
            lambda features, labels, k: _right(features, labels, k).sum().item()
        ),
        "That is the share of errors: the accuracy is what is left to 1.": (
            lambda features, labels, k: 1 - _leave_one_out(features, labels, k)
        ),
    },
)

EXERCISES = {"06.1": PHOTOS_NEEDED, "06.2": LEAVE_ONE_OUT}
