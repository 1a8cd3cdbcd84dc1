"""The targets of the studies (photos, drawn insects, digits, letters), and the figures that are stored of each run."""

import string
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits
from sklearn.metrics import balanced_accuracy_score
from torch import Tensor

import tlhelpers as tl
from tlhelpers.photos.datasets import Photos
from tlhelpers.training.loop import Evaluation
from tlhelpers.training.strategies import STRATEGIES

FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSerif-Italic.ttf", "DejaVuSansMono.ttf")
DIGITS = {"train": 24, "val": 30}  # of each digit; in all about as many as there are ants and bees

PEAK_RATES = {name: row.rate for name, row in STRATEGIES.items()}


def photos_of(target: str, folder: Path) -> Photos:
    """Return "ants and bees", "drawn insects", or "digits" (enlarged from 8 by 8 to 256 by 256 pixels)."""
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
    """Return the positions of ``per_class`` random photos of each class, or of all photos if it is None."""
    if per_class is None:
        return list(range(len(labels)))
    order, chosen = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed)), []
    for label in labels.unique():
        chosen += order[labels[order] == label][:per_class].tolist()
    return sorted(chosen)


def letters(folder: Path, train: list[int], val: int = 20) -> Photos:
    """Write letters from A on in random typefaces, sizes, angles and colors, and return them.

    ``train`` has the number of training images of each letter, ``val`` that of validation images of every letter.
    """
    rng = np.random.default_rng(0)
    fonts = [Path(matplotlib.get_data_path(), "fonts", "ttf", name) for name in FONTS]
    for letter, count in zip(string.ascii_uppercase, train, strict=False):
        for number in range(count + val):
            path = folder / ("train" if number < count else "val") / letter / f"{number:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            font = ImageFont.truetype(fonts[rng.integers(len(fonts))], int(rng.integers(60, 130)))
            _letter(letter, font, rng).save(path)
    return tl.image_folder(folder)


def _letter(letter: str, font: ImageFont.FreeTypeFont, rng: np.random.Generator) -> Image.Image:
    """Draw one rotated letter on a blurred background, both in random colors."""
    mask = Image.new("L", (256, 256))
    ImageDraw.Draw(mask).text(tuple(rng.integers(90, 166, 2).tolist()), letter, fill=255, font=font, anchor="mm")
    mask = mask.rotate(rng.uniform(-30, 30))
    colors = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    background = Image.fromarray(colors).resize((256, 256), Image.Resampling.BICUBIC)
    background.paste(tuple(rng.integers(0, 256, 3).tolist()), mask=mask)
    return background


def figures(found: Evaluation) -> dict:
    """Return accuracy, balanced accuracy (the mean over the classes) and loss."""
    balanced = balanced_accuracy_score(found.labels, found.logits.argmax(dim=1))
    return {"accuracy": found.accuracy, "balanced_accuracy": balanced, "loss": found.loss}
