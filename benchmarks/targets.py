"""A part of the photos of each class, which several studies take."""

import torch
from torch import Tensor


def fewer(labels: Tensor, per_class: int | None, seed: int) -> list[int]:
    """Return the positions of ``per_class`` random photos of each class, or of all photos if it is None."""
    if per_class is None:
        return list(range(len(labels)))
    order, chosen = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)), []
    for label in labels.unique():
        chosen += order[labels[order] == label][:per_class].tolist()
    return sorted(chosen)
