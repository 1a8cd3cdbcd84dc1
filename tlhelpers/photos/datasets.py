"""Datasets of photos, and how a folder with one sub-folder for each class becomes one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.datasets.folder import IMG_EXTENSIONS

from tlhelpers.photos.reading import open_photo


class PhotoDataset(Dataset):
    """Photos on disk with their labels. Item i is a pair of an image and its label.

    Parameters
    ----------
    paths : sequence of Path
    labels : sequence of int or Tensor
        Class numbers, from 0.
    classes : sequence of str
        The names of the classes.
    transform : callable, optional
        Applied to each image, a PIL image in RGB.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: Sequence[int] | Tensor,
        classes: Sequence[str],
        transform: Callable | None = None,
    ) -> None:
        self.paths, self.classes, self.transform = list(paths), list(classes), transform
        self.labels = torch.as_tensor(labels, dtype=torch.long)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple:
        image = open_photo(self.paths[index])
        return self.transform(image) if self.transform else image, int(self.labels[index])

    def subset(self, indices: Sequence[int]) -> "PhotoDataset":
        """Return the photos at these indices as a new dataset."""
        indices = [int(index) for index in indices]
        paths = [self.paths[index] for index in indices]
        return PhotoDataset(paths, self.labels[indices], self.classes, self.transform)

    def counts(self) -> dict[str, int]:
        """Return the number of photos in each class."""
        counts = self.labels.bincount(minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, counts, strict=True))


@dataclass(frozen=True)
class Photos:
    """Photos for training and for validation; ``source`` is "photos" or "drawn"."""

    train: PhotoDataset
    val: PhotoDataset
    source: str

    @property
    def classes(self) -> list[str]:
        return self.train.classes


def image_folder(path: str | Path) -> Photos:
    """Return the photos of a folder with the parts train/ and val/, each with one sub-folder for each class.

    Files are images if their names end like those of images (.jpg, .png, ...). Other files are ignored.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Photos

    Raises
    ------
    ValueError
        If the folder, one of its parts or a class is missing or empty, or there is only one class.
    """
    root = Path(path).expanduser()
    for part in ("train", "val"):
        if not (root / part).is_dir():
            raise ValueError(f"{root} has no folder {part!r}; put photos into train/CLASS/ and val/CLASS/ there")
    train, val = _read_part(root / "train"), _read_part(root / "val")
    if train.classes != val.classes:
        raise ValueError(f"{root} has classes {train.classes} in train but {val.classes} in val; they must be the same")
    return Photos(train, val, "photos")


def _read_part(folder: Path) -> PhotoDataset:
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if len(classes) < 2:
        raise ValueError(
            f"{folder} has {len(classes)} classes {classes}; it needs two or more sub-folders, one for each class"
        )
    paths, labels = [], []
    for label, name in enumerate(classes):
        found = sorted(file for file in (folder / name).rglob("*") if file.suffix.lower() in IMG_EXTENSIONS)
        if not found:
            endings = ", ".join(IMG_EXTENSIONS)
            raise ValueError(f"{folder / name} holds no images; put files ending in {endings} there or delete it")
        paths += found
        labels += [label] * len(found)
    return PhotoDataset(paths, labels, classes)
