"""The photos of ants and bees from PyTorch's tutorial: named, cached or downloaded, and recognized."""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from torchvision.datasets.folder import IMG_EXTENSIONS

from tlhelpers.archives import unpack
from tlhelpers.download import Limits, download
from tlhelpers.files import cache_dir, photos_dir
from tlhelpers.kept import kept
from tlhelpers.photos.datasets import PhotoDataset, Photos, read_folder

Counts = dict[str, dict[str, int]]  # by part and class


@dataclass(frozen=True)
class PhotoSet:
    """A set of photos to download, and how to recognize it.

    Parameters
    ----------
    url : str
        The address of a zip archive, which holds a folder ``hymenoptera_data`` with the parts train/ and val/.
    sha256 : str
        The result of ``fingerprint``.
    counts : dict
        The number of photos in each class of each part.
    size : int
        Bytes that the archive may have at most, and the photos too.
    """

    url: str
    sha256: str
    counts: Counts
    size: int = 100_000_000


TUTORIAL = PhotoSet(
    url="https://download.pytorch.org/tutorial/hymenoptera_data.zip",
    sha256="777d951ae1888d7ee6ac129eea16914e0fa5716a219a7029e2957f1e7c28f5d9",
    counts={"train": {"ants": 123, "bees": 121}, "val": {"ants": 70, "bees": 83}},
)


def ants_and_bees(*, photo_set: PhotoSet = TUTORIAL) -> Photos:
    """Return the photos of ants and bees from PyTorch's tutorial, and print one line about them.

    They are in the folder that ``TLHELPERS_PHOTOS`` names, or else in the cache folder, into which they are downloaded
    if they are not there yet.

    The tutorial has two folders, with 244 and 153 photos. The second is for the test. Every fifth photo of the first is
    for validation: 48 of them, and 196 remain for training.

    Parameters
    ----------
    photo_set : PhotoSet
        Where the photos are, and how to recognize them.

    Returns
    -------
    Photos

    Raises
    ------
    ValueError
        If the folder that is named does not hold the ants and bees.
    RuntimeError
        If the photos cannot be downloaded or stored.
    """
    try:
        return obtain(photo_set)
    except RuntimeError as error:
        raise RuntimeError(
            f"the ants and bees are not available ({error}); try another network, let TLHELPERS_PHOTOS name a folder "
            "that holds them, or use tl.solar_cells(), which come with pip"
        ) from error


def obtain(photo_set: PhotoSet) -> Photos:
    """Return the photos as ``ants_and_bees`` does, with errors that say what is wrong and name no other photos."""
    found = read_folder(_find_folder(photo_set))
    photos = _in_three(found.train, found.val)
    counts = [len(part) for part in (photos.train, photos.val, found.val)]
    print(
        f"Ants and bees: {counts[0]} photos to train with, {counts[1]} to validate with and {counts[2]} to test with."
    )
    return photos


def _in_three(first: PhotoDataset, second: PhotoDataset) -> Photos:
    """Let the second part test, and every fifth photo of the first one validate."""
    rest = [index for index in range(len(first)) if index % 5 != 4]
    return Photos(first.subset(rest), first.subset(range(4, len(first), 5)), second)


def cached_photos() -> Path:
    """Return the path of the photos in the cache folder, whether they are there or not."""
    return cache_dir() / "photos" / "hymenoptera_data"


def _find_folder(photo_set: PhotoSet) -> Path:
    named = photos_dir()
    if named is None:
        return _cached(photo_set)
    if not named.is_dir():
        raise ValueError(f"TLHELPERS_PHOTOS names {named}, which is not a folder; correct it, or unset it")
    try:
        _check(named, photo_set)
    except ValueError as error:
        raise ValueError(f"TLHELPERS_PHOTOS names a folder without the ants and bees: {error}") from error
    return named


def _cached(photo_set: PhotoSet) -> Path:
    """Return the folder in the cache; the photos are downloaded first if they are missing or damaged."""
    return kept(cached_photos(), partial(_download, photo_set), partial(find_fault, photo_set))


def find_fault(photo_set: PhotoSet, root: Path) -> str | None:
    """Return what is wrong with a folder of photos, or None if it holds those of the set."""
    try:
        _check(root, photo_set)
    except ValueError as error:
        return str(error)
    return None


def _download(photo_set: PhotoSet, root: Path) -> None:
    archive = root.with_name(f"{root.name}.zip")
    download(photo_set.url, archive, Limits(size=photo_set.size))
    try:  # the archive holds the folder hymenoptera_data, which is ``root``
        unpack(archive, root.parent, max_bytes=photo_set.size, wanted=partial(_is_photo, photo_set.counts))
        _check(root, photo_set)
    except ValueError as error:
        raise RuntimeError(f"{photo_set.url} gave something else ({error})") from error


def _is_photo(counts: Counts, name: str) -> bool:
    """Tell whether a file in the archive is one of the photos: hymenoptera_data/PART/CLASS/NAME.jpg or the like."""
    path = PurePosixPath(name)
    known = {(part, kind) for part, kinds in counts.items() for kind in kinds}
    return (
        path.suffix.lower() in IMG_EXTENSIONS
        and not path.name.startswith(".")
        and path.parts[:1] == ("hymenoptera_data",)
        and path.parts[1:-1] in known
    )


def _check(root: Path, photo_set: PhotoSet) -> None:
    photos = read_folder(root)
    for part, expected in photo_set.counts.items():
        found = getattr(photos, part).counts()
        if found != expected:
            raise ValueError(f"{root / part} holds {found} photos instead of {expected}; download the photos again")
    if fingerprint(root) != photo_set.sha256:
        raise ValueError(f"{root} has the right number of photos, but other photos; download the photos again")


def fingerprint(root: Path) -> str:
    """Return the SHA-256 of the names and contents of all photos in a folder, in the order of their names."""
    photos = read_folder(root)
    digest = hashlib.sha256()
    for path in sorted(photos.train.paths + photos.val.paths):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
