"""What studies share: two targets, and a part of the photos of each class."""

from pathlib import Path

import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor

import tlhelpers as tl
from tlhelpers.photos.datasets import Photos

DIGITS = {"train": 24, "val": 30}  # of each digit; in all about as many as there are ants and bees


def photos_of(target: str, folder: Path) -> Photos:
    """Return "ants and bees", or "digits" (enlarged from 8 by 8 to 256 by 256 pixels)."""
    if target == "ants and bees":
        return tl.ants_and_bees()
    digits, seen = load_digits(), [0] * 10
    for pixels, digit in zip(digits.images, digits.target, strict=True):
        seen[digit] += 1
        part = "train" if seen[digit] <= DIGITS["train"] else "val"
        if seen[digit] <= sum(DIGITS.values()):
            path = folder / part / str(digit) / f"{seen[digit]:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((pixels * 15.9).astype("uint8")).resize((256, 256), Image.Resampling.BICUBIC).save(path)
    return tl.image_folder(folder)


def fewer(labels: Tensor, per_class: int | None, seed: int) -> list[int]:
    """Return the positions of ``per_class`` random photos of each class, or of all photos if it is None."""
    if per_class is None:
        return list(range(len(labels)))
    order, chosen = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)), []
    for label in labels.unique():
        chosen += order[labels[order] == label][:per_class].tolist()
    return sorted(chosen)
