"""Photos: ants and bees, or any folder with one sub-folder a class; splits and loaders."""

import hashlib
import zipfile
from pathlib import Path

from tlhelpers.fetch import fetch
from tlhelpers.files import cache_dir, photos_dir, replacing
from tlhelpers.photos.datasets import Photos, image_folder
from tlhelpers.photos.drawn import drawn_folder

ANTS_AND_BEES_URL = "https://download.pytorch.org/tutorial/hymenoptera_data.zip"
# Over the names and contents of the 397 photos, see _fingerprint.
ANTS_AND_BEES_SHA256 = "777d951ae1888d7ee6ac129eea16914e0fa5716a219a7029e2957f1e7c28f5d9"
COUNTS = {"train": (123, 121), "val": (70, 83)}  # ants, bees


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
        with replacing(cached) as new:
            archive = fetch(ANTS_AND_BEES_URL, new.parent / "hymenoptera_data.zip", None)
            try:
                zipfile.ZipFile(archive).extractall(new.parent)  # its folder is called hymenoptera_data
                _check_ants_and_bees(new)
            except (zipfile.BadZipFile, ValueError) as error:
                raise RuntimeError(f"{ANTS_AND_BEES_URL} did not give the ants and bees ({error})") from error
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
