"""Exercise 06.4: rebuild features from a few principal components."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw training features (N, D) that vary differently along each direction, other features (M, D), and a count."""
    n, m = whole_number(generator, 12, 19), whole_number(generator, 3, 5)
    noise, turn = (torch.randn(rows, 5, generator=generator, dtype=torch.float64) for rows in (n + m, 5))
    spread = torch.tensor([4.0, 3.0, 2.0, 1.0, 0.5], dtype=torch.float64)
    center = 2 * torch.randn(5, generator=generator, dtype=torch.float64) + 3
    photos = noise * spread @ torch.linalg.qr(turn)[0] + center
    return photos[:n], photos[n:] + 1, whole_number(generator, 1, 3)


def _rebuild(train: Tensor, photos: Tensor, count: int) -> Tensor:
    """Subtract what lies along the other eigenvectors of the covariance.

    Hotelling, "Analysis of a complex of statistical variables into principal components" (1933).
    """
    vectors = torch.linalg.eigh(torch.cov(train.T)).eigenvectors  # in order of rising eigenvalues
    others = vectors[:, : train.shape[1] - count]
    return photos - (photos - train.mean(dim=0)) @ others @ others.T


def _with(
    choose: Callable[[Tensor, int], Tensor] = lambda directions, count: directions[:count],
    *,
    seen: Callable[[Tensor, Tensor], Tensor] = lambda train, photos: train,
    middle: Callable[[Tensor, Tensor], Tensor | float] = lambda train, photos: train.mean(dim=0),
    taken: Callable[[Tensor, Tensor], Tensor | float] = lambda train, photos: train.mean(dim=0),
    added: Callable[[Tensor, Tensor], Tensor | float] = lambda train, photos: train.mean(dim=0),
) -> Callable[[Tensor, Tensor, int], Tensor]:
    """Return a function like ``_rebuild`` with other directions, other data for them, or another center.

    ``middle`` is the center when the directions are computed, ``taken`` the one that is subtracted from the photos, and
    ``added`` the one that is added in the end.
    """

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


EXERCISE = Exercise(
    reference=_rebuild,
    draw=_draw,
    mistakes={
        "Nothing is centered: the first direction then points from zero to the middle of the photos.": _with(
            middle=_nothing, taken=_nothing, added=_nothing
        ),
        "The training photos were not centered before their directions were sought.": _with(middle=_nothing),
        "The center is missing in the end: components lead away from it, so go back to it first.": _with(
            added=_nothing
        ),
        "The new photos were not centered: their coordinates are counted from the center.": _with(taken=_nothing),
        "The directions are right, but they set out from the center and not from zero, for new photos too.": _with(
            taken=_nothing, added=_nothing
        ),
        "The new photos were centered by their own mean: as in any preparation, training photos alone decide.": _with(
            taken=_own, added=_own
        ),
        "What was subtracted is not what was added again: both times it is the center of the training photos.": _with(
            taken=_own
        ),
        "Those are the components of the new photos: the training photos give the directions and the center.": _with(
            seen=lambda train, photos: photos, middle=_own, taken=_own, added=_own
        ),
        "There is a center for each feature: one mean over all the numbers is none.": _with(
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
