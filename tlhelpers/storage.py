"""What the cache folder holds, and how to free space in it: only what can be made again is ever removed."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tlhelpers.fetch import file_hash
from tlhelpers.files import cache_dir, explained
from tlhelpers.locks import PREFIX, lock_of, remove_rests, temporary_folder
from tlhelpers.network import he2015
from tlhelpers.network.weights import find_weights
from tlhelpers.photos.ants_and_bees import TUTORIAL, find_fault
from tlhelpers.photos.datasets import read_folder

REST = f"**/{PREFIX}*/"
DAMAGED = "**/*.damaged-*"
DAY = 24 * 60 * 60  # seconds


@dataclass(frozen=True)
class Kind:
    """A kind of files or folders in the cache.

    Parameters
    ----------
    name : str
    pattern : str
        Of the paths in the cache folder.
    is_ours : callable
        Tells whether what is at a path is as this package made it, so that it can be made again.
    """

    name: str
    pattern: str
    is_ours: Callable[[Path], bool]


def is_known_weights(path: Path) -> bool:
    """Tell whether a file holds He et al.'s weights, or has the hash in its name that torchvision's files have."""
    row = find_weights("he2015")
    if path.name == row.filename:
        return he2015.find_fault(path, row.contents) is None
    digits = re.search(r"-([0-9a-f]{8})\.pth$", path.name)
    return digits is not None and file_hash(path).startswith(digits[1])


def is_photos(root: Path) -> bool:
    """Tell whether a folder holds the photos of ants and bees and nothing else."""
    if find_fault(TUTORIAL, root):
        return False
    photos = read_folder(root)
    known = {*photos.train.paths, *photos.val.paths}
    return all(path in known or path.name == "imageNotFound.gif" for path in files_in(root))


def is_features(path: Path) -> bool:
    """Tell whether a file has the name that cached features have."""
    return re.fullmatch(r"[0-9a-f]{32}(-[0-9a-f]{16})?\.npy", path.name) is not None


KINDS = (
    Kind("weights", "weights/*.pth", is_known_weights),
    Kind("photos", "photos/hymenoptera_data", is_photos),
    Kind("features", "features/*.npy", is_features),
)


def files_in(path: Path) -> list[Path]:
    """Return all files in a folder, or the path itself if it is a file."""
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def _existing_folder() -> Path:
    """Return the cache folder; raise ValueError if it is a file, of which nothing could be listed."""
    cache = cache_dir()
    if cache.is_file():
        raise ValueError(f"TLHELPERS_CACHE names {cache}, which is a file; name a folder")
    return cache


def describe() -> Iterator[str]:
    """Yield the cache folder, and a line with the size of each thing in it; all features have one line."""
    cache = _existing_folder()
    yield f"Cache folder: {cache}"
    left = {file for file in cache.rglob("*") if file.is_file()}
    kinds = ((kind.name, kind.pattern.removesuffix("/*.npy")) for kind in KINDS)
    for name, pattern in (("rest", REST), ("damaged", DAMAGED), *kinds, ("other", "*")):
        for path in sorted(cache.glob(pattern)):
            files = left.intersection(files_in(path))
            left -= files
            if files:
                yield f"{name:9} {_size(files) / 1e6:9,.1f} MB  {path.relative_to(cache)} ({len(files)} files)"


def clear(name: str) -> Iterator[str]:
    """Remove what can be made again, and yield a line for each thing that was removed or left, and one for the sum.

    Parameters
    ----------
    name : str
        "weights", "photos", "features" or "all".

    Raises
    ------
    RuntimeError
        If something cannot be removed.
    """
    cache, freed = _existing_folder(), 0
    for path, size in [*_remove_rests(cache), *_remove_kinds(cache, name)]:
        shown = path.relative_to(cache)
        if size is None:
            yield f"left     {shown}, which is not as this package made it; delete it yourself if you do not need it"
        else:
            yield f"removed  {shown} ({size / 1e6:,.1f} MB)"
        freed += size or 0
    for path in sorted(cache.glob(DAMAGED)):
        yield f"left     {path.relative_to(cache)}, which was set aside; delete it yourself if you do not need it"
    yield f"{freed / 1e6:,.1f} MB removed."


def _remove_kinds(cache: Path, name: str) -> Iterator[tuple[Path, int | None]]:
    """Remove the files and folders of one kind, or of all; yield each with its size, or None if it is left there."""
    for kind in KINDS:
        for path in sorted(cache.glob(kind.pattern)) if name in (kind.name, "all") else ():
            size = _size(files_in(path)) if kind.is_ours(path) else None
            if size is not None:
                _remove(path)
            yield path, size


def _remove_rests(cache: Path) -> Iterator[tuple[Path, int]]:
    """Remove the temporary folders of processes that died, and yield each with its size."""
    for folder in sorted(cache.glob(REST)):
        if not folder.is_dir():  # it was inside of one that is removed by now
            continue
        size = _size(files_in(folder))
        if lock_of(folder).exists():
            remove_rests(folder.parent)
        elif time.time() - folder.stat().st_mtime > DAY:  # version 0.2 made them without a lock
            _remove(folder)
        if not folder.exists():
            yield folder, size


def _size(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files)


def _remove(path: Path) -> None:
    """Remove a file or folder; no other process ever sees a part of a folder under its name."""
    with explained(path.parent), temporary_folder(path.parent) as temporary:
        path.replace(temporary / path.name)
