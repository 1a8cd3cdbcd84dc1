"""What frozen layers say: record them in a ``with`` block, extract features once, keep them, ask the nearest."""

from torch import Tensor
from torch.nn import functional as F


def nearest_neighbours(features: Tensor, labels: Tensor, queries: Tensor, *, count: int = 5) -> Tensor:
    """Classify by a vote of the nearest: those whose features point most nearly the same way (cosine).

    Parameters
    ----------
    features : (N, D) tensor
        Of photos whose classes are known.
    labels : (N,) tensor of class numbers
    queries : (M, D) tensor
        Of photos to classify.
    count : int
        How many vote.

    Returns
    -------
    (M,) tensor of class numbers
        Of classes with equally many votes the one with the smallest number.

    Raises
    ------
    ValueError
        If ``count`` is not positive or larger than N, or the shapes do not go together.
    """
    if not 1 <= count <= len(features):
        raise ValueError(f"count is {count}; it must be 1 or more, and at most the {len(features)} photos there are")
    if features.ndim != 2 or queries.shape[1:] != features.shape[1:] or labels.shape != features.shape[:1]:
        shapes = ", ".join(str(tuple(values.shape)) for values in (features, labels, queries))
        raise ValueError(f"features, labels and queries have shapes {shapes}; give (N, D), (N,) and (M, D)")
    similarity = F.normalize(queries, dim=1) @ F.normalize(features, dim=1).T  # (M, N)
    nearest = labels[similarity.topk(count, dim=1).indices]  # (M, count)
    return F.one_hot(nearest).sum(dim=1).argmax(dim=1)
