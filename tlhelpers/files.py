"""The folders that the user may name, and files that appear complete or not at all.

Only this module reads the environment variables ``TLHELPERS_CACHE`` and ``TLHELPERS_PHOTOS``.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pooch

NAME_A_CACHE = "let TLHELPERS_CACHE name a folder that can be written"


def cache_dir() -> Path:
    """Return the folder for weights, photos and features; it is created when something is first stored in it.

    ``TLHELPERS_CACHE`` names another folder. A copy of the folder works on another machine without a network.
    """
    return Path(os.environ.get("TLHELPERS_CACHE") or pooch.os_cache("tlhelpers")).expanduser()


def photos_dir() -> Path | None:
    """Return the folder that ``TLHELPERS_PHOTOS`` names (train/ants, train/bees, val/ants, val/bees), or None."""
    named = os.environ.get("TLHELPERS_PHOTOS")
    return Path(named).expanduser() if named else None


@contextmanager
def replacing(path: Path, *, way_out: str = NAME_A_CACHE) -> Iterator[Path]:
    """Yield a temporary path to write to, and move what was written to ``path`` if the block ends without an error.

    Other processes therefore never see half a file. A file replaces an older file. A folder does not: if another
    process has created the folder in the meantime, that one stays.

    Parameters
    ----------
    path : Path
        The file or folder to create. Its parent folder is created if it does not exist.
    way_out : str
        What the user can do, besides freeing space, if it cannot be written; part of the error message.

    Raises
    ------
    RuntimeError
        If the disk is full or the folder is read-only.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as temporary:
            new = Path(temporary) / path.name
            yield new
            _move(new, path)
    except OSError as error:
        reason = error.strerror or error
        raise RuntimeError(f"cannot write to {path.parent} ({reason}); free some space, or {way_out}") from error


def _move(new: Path, path: Path) -> None:
    try:
        new.replace(path)
    except OSError:
        if not (new.is_dir() and path.is_dir()):
            raise
