"""What the studies transfer to: ants and bees, their drawn stand-in, and handwritten digits, which are no photos."""

from pathlib import Path

import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor

import tlhelpers as tl

DIGITS = {"train": 24, "val": 30}  # of each; as many in all as there are ants and bees, about


def photos_of(target: str, folder: Path) -> tl.Photos:
    """Return "ants and bees", "drawn insects", or "digits", which are enlarged from 8x8 to 256x256 pixels."""
    if target != "digits":
        return tl.ants_and_bees("photos" if target == "ants and bees" else "drawn")
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
    """Return the positions of so many photos of each class, drawn at random, or of all."""
    if per_class is None:
        return list(range(len(labels)))
    order, chosen = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)), []
    for label in labels.unique():
        chosen += order[labels[order] == label][:per_class].tolist()
    return sorted(chosen)
