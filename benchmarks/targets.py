"""A part of the photos of each class, which several studies take."""

import torch
from torch import Tensor


def fewer(labels: Tensor, per_class: int, seed: int) -> list[int]:
    """Return the positions of ``per_class`` random photos of each class."""
    order, chosen = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)), []
    for label in labels.unique():
        chosen += order[labels[order] == label][:per_class].tolist()
    return sorted(chosen)
