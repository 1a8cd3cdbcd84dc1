"""The photos of ants and bees from PyTorch's tutorial, or drawn images in their place."""

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from torchvision.datasets.folder import IMG_EXTENSIONS

from tlhelpers.archives import unpack
from tlhelpers.download import Limits, download
from tlhelpers.files import cache_dir, photos_dir
from tlhelpers.kept import kept
from tlhelpers.photos.datasets import Photos, read_folder
from tlhelpers.photos.drawn import COUNTS, Counts, drawn_folder


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
    counts=COUNTS,
)


def ants_and_bees(source: str = "auto", *, photo_set: PhotoSet = TUTORIAL) -> Photos:
    """Return the ants and bees of PyTorch's tutorial, or drawn ones, and print one line about where they come from.

    There are 244 images for training and 153 for validation. "auto" takes the photos in the folder that
    ``TLHELPERS_PHOTOS`` names, else those in the cache folder, else those that can be downloaded. If none of these is
    available, ``drawn_folder`` draws images, with the same classes, numbers and sizes.

    Parameters
    ----------
    source : str
        "auto", "photos" (never drawn) or "drawn".
    photo_set : PhotoSet
        Where the photos are, and how to recognize them.

    Returns
    -------
    Photos

    Raises
    ------
    ValueError
        If ``source`` is something else, or the folder that is named does not hold the ants and bees.
    RuntimeError
        If the photos cannot be downloaded or stored.
    """
    if source not in ("auto", "photos", "drawn"):
        raise ValueError(f"source is {source!r}; it must be 'auto', 'photos' or 'drawn'")
    reason = ""
    if source != "drawn":
        try:
            photos = read_folder(_find_photos(photo_set))
            print(f"Ants and bees: {len(photos.train)} photos to train with, {len(photos.val)} to validate with.")
            return photos
        except RuntimeError as error:
            if source == "photos":
                raise
            reason = f", because the photos are not available ({error})"
    drawn = read_folder(drawn_folder(cache_dir() / "photos" / "drawn", counts=photo_set.counts))
    counts = f"{len(drawn.train)} to train with, {len(drawn.val)} to validate with"
    print(f"Ants and bees, DRAWN and not photographed{reason}: {counts}.")
    print("Numbers in the text are those of the photos; with drawn insects yours will differ.")
    return Photos(drawn.train, drawn.val, None, "drawn")


def cached_photos() -> Path:
    """Return the path of the photos in the cache folder, whether they are there or not."""
    return cache_dir() / "photos" / "hymenoptera_data"


def _find_photos(photo_set: PhotoSet) -> Path:
    named = photos_dir()
    if named is None:
        return _obtain(photo_set)
    if not named.is_dir():
        raise ValueError(f"TLHELPERS_PHOTOS names {named}, which is not a folder; correct it, or unset it")
    try:
        _check(named, photo_set)
    except ValueError as error:
        raise ValueError(f"TLHELPERS_PHOTOS names a folder without the ants and bees: {error}") from error
    return named


def _obtain(photo_set: PhotoSet) -> Path:
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
        raise RuntimeError(
            f"{photo_set.url} did not give the ants and bees ({error}); try another network, or let TLHELPERS_PHOTOS "
            "name a folder that holds them"
        ) from error


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
