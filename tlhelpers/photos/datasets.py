"""Datasets of photos, and how a folder with one sub-folder for each class becomes one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import Dataset

from tlhelpers.arguments import check_kind
from tlhelpers.files import path_of
from tlhelpers.photos.folders import Part, find_part
from tlhelpers.photos.reading import open_photo
from tlhelpers.photos.report import print_report

REQUIRED, OPTIONAL = ("train", "val"), ("test",)  # folders of parts


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
    about : dict, optional
        What else is known about each photo: lists under names, such as "kind".
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: Sequence[int] | Tensor,
        classes: Sequence[str],
        transform: Callable | None = None,
        about: Mapping[str, Sequence] | None = None,
    ) -> None:
        self.paths, self.classes, self.transform = list(paths), list(classes), transform
        self.about = {name: list(values) for name, values in (about or {}).items()}
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
        about = {name: [values[index] for index in indices] for name, values in self.about.items()}
        return PhotoDataset(paths, self.labels[indices], self.classes, self.transform, about)

    def where(self, **wanted: object) -> "PhotoDataset":
        """Return the photos about which something is known, such as ``photos.train.where(kind="mono")``.

        Raises
        ------
        ValueError
            If nothing of this name is known, or no photo has this value.
        """
        indices: Sequence[int] = range(len(self))
        for name, value in wanted.items():
            if name not in self.about:
                known = ", ".join(self.about) or "a name in about, which is empty"
                raise ValueError(f"{name!r} is not known about these photos; it must be one of {known}")
            found = sorted(set(self.about[name]))
            if value not in found:
                raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(map(repr, found))}")
            indices = [index for index in indices if self.about[name][index] == value]
        return self.subset(indices)

    def counts(self) -> dict[str, int]:
        """Return the number of photos in each class."""
        counts = self.labels.bincount(minlength=len(self.classes)).tolist()
        return dict(zip(self.classes, counts, strict=True))


@dataclass(frozen=True)
class Photos:
    """Photos in three parts.

    Parameters
    ----------
    train : PhotoDataset
        To train with.
    val : PhotoDataset
        To validate with: they choose, for example how long to train.
    test : PhotoDataset or None
        To test with: they judge what was chosen, once. None if there are no further photos.
    """

    train: PhotoDataset
    val: PhotoDataset
    test: PhotoDataset | None

    @property
    def classes(self) -> list[str]:
        return self.train.classes


def check_photos(photos: object, name: str) -> None:
    """Raise ValueError if a value is not a PhotoDataset, such as the two parts together."""
    remedy = "give photos.train or photos.val, where photos = image_folder(path)"
    check_kind(name, photos, PhotoDataset, "be a PhotoDataset", remedy)


def image_folder(path: str | Path) -> Photos:
    """Return the photos of a folder with train/, val/ and perhaps test/, each with one sub-folder for each class.

    Files are images if their names end like those of images (.jpg, .png, ...). What is left out, and photos that are
    in both parts or in two classes, are printed once; nothing is printed if there is nothing to say.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Photos

    Raises
    ------
    ValueError
        If the folder, one of its parts or a class is missing, empty or cannot be opened, or there is only one class.
    """
    root = _folder(path)
    parts = _find_parts(root)
    print_report(root, parts)
    return _photos(parts)


def read_folder(path: str | Path) -> Photos:
    """Return the photos as ``image_folder`` does, but print nothing."""
    return _photos(_find_parts(_folder(path)))


def _find_parts(root: Path) -> list[Part]:
    """Return the parts train and val of a folder, and test if there is one; all must have the same classes."""
    names = [*REQUIRED, *(name for name in OPTIONAL if (root / name).is_dir())]
    parts = [find_part(root, name) for name in names]
    first = parts[0]
    for other in parts[1:]:
        if first.classes != other.classes:
            raise ValueError(
                f"{root} has classes {first.classes} in {first.folder.name} but {other.classes} in "
                f"{other.folder.name}; they must be the same; rename or add the folders that differ"
            )
    return parts


def _folder(path: str | Path) -> Path:
    check_kind("path", path, (str, Path), "be the path of a folder that holds train/ and val/", "give a str or a Path")
    return path_of(path)


def _photos(parts: list[Part]) -> Photos:
    found = {part.folder.name: PhotoDataset(part.paths, part.labels, part.classes) for part in parts}
    return Photos(found["train"], found["val"], found.get("test"))
