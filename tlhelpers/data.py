"""Photos: ants and bees, or any folder with one sub-folder a class; splits and loaders."""

import hashlib
import multiprocessing
import os
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.datasets.folder import IMG_EXTENSIONS
from torchvision.transforms import v2

from tlhelpers.drawn import drawn_folder
from tlhelpers.fetch import fetch, replacing
from tlhelpers.runtime import cache_dir, photos_dir, pick_device

ANTS_AND_BEES_URL = "https://download.pytorch.org/tutorial/hymenoptera_data.zip"
# Over the names and contents of the 397 photos, see _fingerprint.
ANTS_AND_BEES_SHA256 = "777d951ae1888d7ee6ac129eea16914e0fa5716a219a7029e2957f1e7c28f5d9"
MANY = 1000  # photos: for fewer, starting processes that read them takes longer than reading
ENOUGH = 512  # pixels of a side that are always read; twice what networks of this series look at
STEADY = (v2.Resize, v2.CenterCrop, v2.ToImage)  # steps without chance
PIXELWISE = (v2.ToDtype, v2.Normalize)  # steps that do not look beyond a pixel
COUNTS = {"train": (123, 121), "val": (70, 83)}  # ants, bees


class PhotoDataset(Dataset):
    """Photos on disk. Item i is (image, label): a PIL image, or what ``transform`` makes of it.

    Parameters
    ----------
    paths : sequence of Path
    labels : sequence of int
        Class numbers, from 0.
    classes : sequence of str
        Their names.
    transform : callable, optional
        From a PIL image in RGB.
    """

    def __init__(
        self, paths: Sequence[Path], labels: Sequence[int], classes: Sequence[str], transform: Callable | None = None
    ) -> None:
        self.paths, self.classes, self.transform = list(paths), list(classes), transform
        self.labels = torch.as_tensor(labels, dtype=torch.long)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple:
        image = open_photo(self.paths[index])
        return self.transform(image) if self.transform else image, int(self.labels[index])

    def subset(self, indices: Sequence[int]) -> "PhotoDataset":
        """Return the photos at these positions as a dataset of their own."""
        indices = [int(index) for index in indices]
        paths = [self.paths[index] for index in indices]
        return PhotoDataset(paths, self.labels[indices], self.classes, self.transform)


class _Batches(PhotoDataset):
    """Photos for ``make_loader``: several are a batch, ready, and the same as if each were prepared by itself.

    Threads read the photos, and prepare them too where chance has no part in it; random numbers must come in the order
    of the photos. Steps at the end that treat every pixel by itself are done once for the batch, not once a photo.
    """

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        prepare, finish = _divide(self.transform)
        steady = all(isinstance(step, STEADY) for step in prepare.transforms)
        with ThreadPoolExecutor(min(len(indices), torch.get_num_threads())) as threads:
            side_by_side = (lambda path: prepare(open_photo(path))) if steady else open_photo
            images = list(threads.map(side_by_side, [self.paths[index] for index in indices]))
        return finish(torch.stack(images if steady else [prepare(image) for image in images])), self.labels[indices]


def _divide(transform: Callable) -> tuple[v2.Compose, v2.Compose]:
    """Return the steps of a transform that photos go through one by one, and the last, which a batch can go through."""
    steps = list(transform.transforms) if isinstance(transform, v2.Compose) else [transform]
    last = next((i for i, step in reversed(list(enumerate(steps, 1))) if not isinstance(step, PIXELWISE)), 1)
    return v2.Compose(steps[:last]), v2.Compose(steps[last:] or [nn.Identity()])


@dataclass(frozen=True)
class Photos:
    """Photos to train and to validate with; ``source`` is "photos" or "drawn"."""

    train: PhotoDataset
    val: PhotoDataset
    source: str

    @property
    def classes(self) -> list[str]:
        return self.train.classes


def open_photo(path: Path) -> Image.Image:
    """Return a photo as a PIL image in RGB, upright.

    A large JPEG is read at a half, a quarter or an eighth of its size, as long as both sides keep ``ENOUGH`` pixels:
    the format allows it, and a telephone's photo then takes a third of the time.

    Raises
    ------
    ValueError
        If the file is broken, cut short, or no image at all.
    """
    try:
        with Image.open(path) as image:
            image.draft(None, (ENOUGH, ENOUGH))
            ImageOps.exif_transpose(image, in_place=True)
            return image.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{path} cannot be read as an image ({error}); replace it or take it out of the folder"
        ) from error


def make_loader(
    dataset: PhotoDataset, transform: Callable, *, batch_size: int = 32, shuffle: bool = False
) -> DataLoader:
    """Return a loader of (images, labels) batches: (N, 3, H, W) float and (N,) int64.

    Photos are read in this process, which is safe everywhere, and as fast where the CPU computes too. Only a GPU would
    wait for them: with one, and enough photos, other processes read.

    Parameters
    ----------
    dataset : PhotoDataset
        Left as it is; the loader has a copy with the transform.
    transform : callable
        ``train_transform(model.weights)`` or ``eval_transform(model.weights)``.
    batch_size : int
    shuffle : bool
        True for training; the order comes from torch's seed.

    Raises
    ------
    ValueError
        If ``batch_size`` is not positive.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be 1 or more")
    dataset = _Batches(dataset.paths, dataset.labels, dataset.classes, transform)
    workers = pick_workers(len(dataset))
    return DataLoader(
        dataset,
        batch_size=batch_size,
        shuffle=shuffle,
        num_workers=workers,
        persistent_workers=workers > 0,
        multiprocessing_context="fork" if workers else None,
        collate_fn=_as_it_is,
    )


def _as_it_is(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return batch


def pick_workers(photos: int) -> int:
    """Return how many processes shall read so many photos."""
    can_fork = "fork" in multiprocessing.get_all_start_methods()  # started otherwise, each would first import torch
    return min(16, os.cpu_count() or 1) if pick_device().type == "cuda" and photos >= MANY and can_fork else 0


def stratified_folds(
    dataset: PhotoDataset, count: int = 5, *, seed: int = 0
) -> list[tuple[PhotoDataset, PhotoDataset]]:
    """Divide photos for cross-validation: every photo is judged once, by a network that was not trained on it.

    Parameters
    ----------
    dataset : PhotoDataset
        Photos to train with; those of the test stay out of it.
    count : int
        Of the folds. Each has as large a share of every class as the whole.
    seed : int
        Of the shuffling.

    Returns
    -------
    list of (PhotoDataset, PhotoDataset)
        For each fold the photos to train with, and those to judge with.

    Raises
    ------
    ValueError
        If there are fewer than two folds, or a class has fewer photos than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold

    if count < 2:
        raise ValueError(f"count is {count}; there must be 2 or more folds")
    for name, photos in zip(dataset.classes, dataset.labels.bincount(minlength=len(dataset.classes)), strict=True):
        if photos < count:
            raise ValueError(
                f"class {name!r} has {photos} photos, too few for {count} folds; add some or take fewer folds"
            )
    splits = StratifiedKFold(count, shuffle=True, random_state=seed).split(dataset.labels, dataset.labels)
    return [(dataset.subset(train), dataset.subset(judged)) for train, judged in splits]


def image_folder(path: str | Path) -> Photos:
    """Return the photos of a folder that holds train/ and val/, each with one sub-folder a class.

    Files that are no images by their ending are left out.

    Raises
    ------
    ValueError
        If the folder, one of the two parts or a class is missing or empty, or there is only one class.
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
            f"{folder} has {len(classes)} classes {classes}; it needs two or more sub-folders, one a class"
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


def ants_and_bees(source: str = "auto") -> Photos:
    """Return the ants and bees of PyTorch's tutorial, or their drawn stand-in, and print one line saying which.

    244 images to train with, 153 to validate with. "auto" takes the folder that ``TLHELPERS_PHOTOS`` names,
    the cache, or the tutorial's zip from its host; where none of these is to be had, images drawn by
    ``drawn_folder``: the same classes, counts, split and sizes.

    Parameters
    ----------
    source : str
        "auto", "photos" (never falls back) or "drawn".

    Raises
    ------
    ValueError
        If ``source`` is something else, or the folder named is not the ants and bees.
    RuntimeError
        If the photos cannot be fetched or stored.
    """
    if source not in ("auto", "photos", "drawn"):
        raise ValueError(f"source is {source!r}; it must be 'auto', 'photos' or 'drawn'")
    why = ""
    if source != "drawn":
        try:
            photos = image_folder(_find_photos())
            print(f"Ants and bees: {len(photos.train)} photos to train with, {len(photos.val)} to validate with.")
            return photos
        except RuntimeError as error:
            if source == "photos":
                raise
            why = f", because the photos could not be had ({error})"
    drawn = image_folder(drawn_folder(cache_dir() / "photos" / "drawn"))
    counts = f"{len(drawn.train)} to train with, {len(drawn.val)} to validate with"
    print(f"Ants and bees, DRAWN and not photographed{why}: {counts}.")
    print("Numbers in the text are those of the photos; with drawn insects yours will differ.")
    return Photos(drawn.train, drawn.val, "drawn")


def _find_photos() -> Path:
    named, cached = photos_dir(), cache_dir() / "photos" / "hymenoptera_data"
    if named is not None:
        if not named.is_dir():
            raise ValueError(f"TLHELPERS_PHOTOS names {named}, which is no folder; correct it, or unset it")
        try:
            _check_ants_and_bees(named)
        except ValueError as error:
            raise ValueError(f"TLHELPERS_PHOTOS names a folder without the ants and bees: {error}") from error
        return named
    if not cached.exists():
        with replacing(cached) as folder:
            archive = fetch(ANTS_AND_BEES_URL, folder / "hymenoptera_data.zip", None)
            try:
                zipfile.ZipFile(archive).extractall(folder)
                _check_ants_and_bees(folder / "hymenoptera_data")
            except (zipfile.BadZipFile, ValueError) as error:
                raise RuntimeError(f"{ANTS_AND_BEES_URL} did not give the ants and bees ({error})") from error
            (folder / "hymenoptera_data").replace(cached)
    _check_ants_and_bees(cached)
    return cached


def _check_ants_and_bees(root: Path) -> None:
    photos = image_folder(root)
    for part, expected in COUNTS.items():
        found = tuple(getattr(photos, part).labels.bincount().tolist())
        if found != expected:
            raise ValueError(f"{root / part} holds {found} photos a class instead of {expected}; fetch the set anew")
    if _fingerprint(root, photos) != ANTS_AND_BEES_SHA256:
        raise ValueError(f"{root} has the right number of photos but not the right ones; fetch the set anew")


def _fingerprint(root: Path, photos: Photos) -> str:
    """Return the SHA-256 over the names and contents of all photos, in the order of their names."""
    whole = hashlib.sha256()
    for path in sorted(photos.train.paths + photos.val.paths):
        whole.update(path.relative_to(root).as_posix().encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()
