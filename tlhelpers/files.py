"""The folders that this package uses, and files that appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pooch
import requests


def cache_dir() -> Path:
    """Return the folder for weights, photos and features; it is made when something is first stored.

    ``TLHELPERS_CACHE`` names another one. Copied to another machine, it serves there without any network.
    """
    return Path(os.environ.get("TLHELPERS_CACHE") or pooch.os_cache("tlhelpers")).expanduser()


def photos_dir() -> Path | None:
    """Return the folder that ``TLHELPERS_PHOTOS`` names (train/ants, train/bees, val/ants, val/bees), if any."""
    named = os.environ.get("TLHELPERS_PHOTOS")
    return Path(named).expanduser() if named else None


@contextmanager
def writing_to(folder: Path) -> Iterator[Path]:
    """Make a folder and turn a failure to write in it into one clear sentence.

    Raises
    ------
    RuntimeError
        If the disk is full or the folder is read-only.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    except requests.RequestException:  # these are OSErrors too, but the disk has no part in them
        raise
    except OSError as error:
        raise RuntimeError(
            f"cannot write to {folder} ({error.strerror or error}); free some space, "
            "or let TLHELPERS_CACHE name a folder that can be written"
        ) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path``, to make a file or folder in before it is moved into place."""
    with writing_to(path.parent), tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as temporary:
        yield Path(temporary)
