"""Exercise 06.2: compute the leave-one-out accuracy of nearest neighbors."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw features of two overlapping classes, of very different lengths, and 1, 3 or 5 neighbors."""
    n = whole_number(generator, 12, 19)
    labels = torch.arange(n) % 2
    features = torch.randn(n, 3, generator=generator, dtype=torch.float64) + labels[:, None]
    lengths = torch.rand(n, 1, generator=generator, dtype=torch.float64) * 4 + 0.2
    return features * lengths, labels, whole_number(generator, 0, 2) * 2 + 1


def _cosines(features: Tensor) -> Tensor:
    """Return the cosine similarity of every two photos: (N, N)."""
    unit = F.normalize(features, dim=1)
    return unit @ unit.T


def _products(features: Tensor) -> Tensor:
    return features @ features.T


def _right(
    features: Tensor,
    labels: Tensor,
    k: int,
    *,
    similarity: Callable[[Tensor], Tensor] = _cosines,
    itself: bool = False,
    skip: int = 0,
) -> Tensor:
    """Return for each photo whether most of its neighbors have its class: (N,) bool.

    ``similarity`` compares every two photos, ``itself`` lets a photo be its own neighbor, and ``skip`` leaves out the
    nearest neighbors.
    """
    near = similarity(features)
    if not itself:
        near = near.fill_diagonal_(-torch.inf)
    nearest = near.argsort(dim=1, descending=True)[:, skip : skip + k]
    return (labels[nearest].double().mean(dim=1) > 0.5) == labels.bool()


def _leave_one_out(features: Tensor, labels: Tensor, k: int, **change: Any) -> float:
    return _right(features, labels, k, **change).double().mean().item()


EXERCISE = Exercise(
    reference=_leave_one_out,
    draw=_draw,
    mistakes={
        "The photo counted itself: it is its own nearest neighbor, and always agrees. Leave it out.": (
            lambda features, labels, k: _leave_one_out(features, labels, k, itself=True)
        ),
        "With k + 1 neighbors the photo itself is still among them: drop the first of them.": (
            lambda features, labels, k: _leave_one_out(features, labels, k + 1, itself=True)
        ),
        "One neighbor too many: k are to vote.": (lambda features, labels, k: _leave_one_out(features, labels, k + 1)),
        "The nearest of the others was dropped as well: leave out the photo itself and no other.": (
            lambda features, labels, k: _leave_one_out(features, labels, k, skip=1)
        ),
        "The vectors are not of length 1: a plain product prefers long vectors to those in the same direction.": (
            lambda features, labels, k: _leave_one_out(features, labels, k, similarity=_products)
        ),
        "Those are the farthest: a large cosine means near, so sort in falling order.": (
            lambda features, labels, k: _leave_one_out(
                features, labels, k, similarity=lambda features: -_cosines(features)
            )
        ),
        "That is the distance between the points: the cosine looks at directions and not at lengths.": (
            lambda features, labels, k: _leave_one_out(
                features, labels, k, similarity=lambda features: -torch.cdist(features, features)
            )
        ),
        "Only the nearest one voted: take k of them, and the class that most of them have.": (
            lambda features, labels, k: _leave_one_out(features, labels, 1)
        ),
        "That is the number of photos that are right: divide by how many there are.": (
            lambda features, labels, k: _right(features, labels, k).sum().item()
        ),
        "That is the share of errors: the accuracy is 1 minus this share.": (
            lambda features, labels, k: 1 - _leave_one_out(features, labels, k)
        ),
        "The photo itself took one of the k places: k others are to vote.": (
            lambda features, labels, k: _leave_one_out(features, labels, k - 1, itself=True, skip=1)
        ),
        "Each column was brought to length 1: a cosine looks at photos, and a photo is a row.": (
            lambda features, labels, k: _leave_one_out(features / features.norm(dim=0), labels, k, similarity=_products)
        ),
    },
)
