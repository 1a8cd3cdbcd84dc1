"""Exercises of notebook 06: photos that an accuracy needs, leaving one out, both classes alike, few components."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from tlhelpers.classroom.exercises import Exercise


def _draw_accuracy(generator: Generator) -> tuple[float, float]:
    """Draw an accuracy and a standard error such that 4 to 2,500 photos are needed."""
    first, second = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    return 0.55 + 0.44 * first, 0.01 + 0.04 * second


PHOTOS_NEEDED = Exercise(
    reference=lambda accuracy, error: math.ceil(round(accuracy * (1 - accuracy) / error**2, 6)),
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
        "The root is still there: solve for n, and everything under it is squared.": (
            lambda accuracy, error: math.ceil(math.sqrt(accuracy * (1 - accuracy)) / error)
        ),
        "That is enough for 1.96 standard errors, as in an interval: one is asked for.": (
            lambda accuracy, error: math.ceil(1.96**2 * accuracy * (1 - accuracy) / error**2)
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
        "The photo itself took one of the k places: k others are to vote.": (
            lambda features, labels, k: _leave_one_out(features, labels, k - 1, itself=True, skip=1)
        ),
        "Each column was brought to length 1: a cosine looks at photos, and a photo is a row.": (
            lambda features, labels, k: _leave_one_out(
                features / features.norm(dim=0), labels, k, measure=lambda one, others: others @ one
            )
        ),
    },
)

COUNTS, NAMED = torch.tensor([90.0, 10.0]), torch.tensor([81.0, 4.0])  # ants and bees of the task; those named right


def _balanced() -> float:
    """Weigh each photo by one over the photos of its class, and ask what share of the weight is right."""
    truth = torch.repeat_interleave(torch.arange(2), COUNTS.long())
    right = torch.cat([torch.arange(int(count)) < named for count, named in zip(COUNTS, NAMED, strict=True)])
    weight = 1 / COUNTS[truth]
    return (weight[right].sum() / weight.sum()).item()


BALANCED = Exercise(
    reference=_balanced,
    draw=lambda generator: (),
    mistakes={
        "That is the plain accuracy, in which nine photos of ten are ants: give both classes the same say.": (
            lambda: (NAMED.sum() / COUNTS.sum()).item()
        ),
        "That is the share of the ants: the bees have a say as well.": lambda: (NAMED / COUNTS)[0].item(),
        "That is the share of the bees: the ants have a say as well.": lambda: (NAMED / COUNTS)[1].item(),
        "The two shares are added: a mean is their sum over how many there are.": lambda: (NAMED / COUNTS).sum().item(),
        "That is what is named wrong, class by class: take the shares that are right.": lambda: 1 - _balanced(),
        "In percent it is right: give a number from 0 to 1.": lambda: 100 * _balanced(),
        "Those are the shares of what was called ant, or bee: divide by the photos that are ants, or bees.": (
            lambda: (NAMED / (NAMED + (COUNTS - NAMED).flip(0))).mean().item()
        ),
        "That is the root of the product of the shares: the plain mean is asked for.": (
            lambda: (NAMED / COUNTS).prod().sqrt().item()
        ),
        "That is the mean of the photos named right, and not of the shares.": lambda: NAMED.mean().item(),
    },
)


def _draw_spread(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw photos to train with, (N, D), of which each direction has a spread of its own; others; components."""
    n, m = torch.randint(12, 20, (), generator=generator), torch.randint(3, 6, (), generator=generator)
    noise, turn = (torch.randn(rows, 5, generator=generator, dtype=torch.float64) for rows in (int(n + m), 5))
    spread = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.5], dtype=torch.float64)
    centre = 2 * torch.randn(5, generator=generator, dtype=torch.float64) + 3
    photos = noise * spread @ torch.linalg.qr(turn)[0] + centre
    return photos[:n], photos[n:] + 1, int(torch.randint(1, 4, (), generator=generator))


def _rebuild(train: Tensor, photos: Tensor, count: int) -> Tensor:
    """Leave out what lies along the other eigenvectors of the covariance; Pearson (1901), Hotelling (1933)."""
    others = torch.linalg.eigh(torch.cov(train.T)).eigenvectors[:, : train.shape[1] - count]  # rising eigenvalues
    return photos - (photos - train.mean(dim=0)) @ others @ others.T


def _with(
    choose: Callable[[Tensor, int], Tensor] = lambda directions, count: directions[:count],
    *,
    seen: Callable[[Tensor, Tensor], Tensor] = lambda train, photos: train,
    middle: Callable[[Tensor, Tensor], Tensor | float] = lambda train, photos: train.mean(dim=0),
    taken: Callable[[Tensor, Tensor], Tensor | float] = lambda train, photos: train.mean(dim=0),
    added: Callable[[Tensor, Tensor], Tensor | float] = lambda train, photos: train.mean(dim=0),
) -> Callable[[Tensor, Tensor, int], Tensor]:
    """Return a way there and back that takes something else for its directions, or for one of its centres."""

    def rebuild(train: Tensor, photos: Tensor, count: int) -> Tensor:
        directions = torch.linalg.svd(seen(train, photos) - middle(train, photos), full_matrices=False).Vh
        kept = choose(directions, count)
        return (photos - taken(train, photos)) @ kept.T @ kept + added(train, photos)

    return rebuild


def _own(train: Tensor, photos: Tensor) -> Tensor:
    return photos.mean(dim=0)


def _of_all(train: Tensor, photos: Tensor) -> Tensor:
    return train.mean()


def _nothing(train: Tensor, photos: Tensor) -> float:
    return 0.0


REBUILT = Exercise(
    reference=_rebuild,
    draw=_draw_spread,
    mistakes={
        "Nothing is centred: the first direction then points from zero to the middle of the photos.": _with(
            middle=_nothing, taken=_nothing, added=_nothing
        ),
        "The training photos were not centred before their directions were sought.": _with(middle=_nothing),
        "The centre is missing in the end: components lead away from it, so go back to it first.": _with(
            added=_nothing
        ),
        "The new photos were not centred: their coordinates are counted from the centre.": _with(taken=_nothing),
        "The directions are right, but they set out from the centre and not from zero, for new photos too.": _with(
            taken=_nothing, added=_nothing
        ),
        "The new photos were centred by their own mean: as in any preparation, training photos alone decide.": _with(
            taken=_own, added=_own
        ),
        "What was subtracted is not what was added again: both times it is the centre of the training photos.": _with(
            taken=_own
        ),
        "Those are the components of the new photos: the training photos give the directions and the centre.": _with(
            seen=lambda train, photos: photos, middle=_own, taken=_own, added=_own
        ),
        "There is a centre for each feature: one mean over all the numbers is none.": _with(
            middle=_of_all, taken=_of_all, added=_of_all
        ),
        "Those are the last components, along which photos differ least.": _with(
            lambda directions, count: directions[-count:]
        ),
        "Rows and columns are exchanged: each row of what the decomposition returns last is a direction.": _with(
            lambda directions, count: directions[:, :count].T
        ),
        "One component too many is kept.": _with(lambda directions, count: directions[: count + 1]),
        "Only one component is kept, whatever `count` says.": _with(lambda directions, count: directions[:1]),
        "Those are the coordinates, (M, count): lead them back to features.": (
            lambda train, photos, count: (
                (photos - train.mean(dim=0)) @ torch.linalg.svd(train - train.mean(dim=0)).Vh[:count].T
            )
        ),
        "That is what the components leave out; asked for is what they tell.": (
            lambda train, photos, count: photos - _rebuild(train, photos, count)
        ),
    },
)

EXERCISES = {"06.1": PHOTOS_NEEDED, "06.2": LEAVE_ONE_OUT, "06.3": BALANCED, "06.4": REBUILT}
