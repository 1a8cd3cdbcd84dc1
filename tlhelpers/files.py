"""The folders that the user may name, and files that appear whole or not at all.

The only module that reads the environment variables ``TLHELPERS_CACHE`` and ``TLHELPERS_PHOTOS``.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pooch

NAME_A_CACHE = "let TLHELPERS_CACHE name a folder that can be written"


def cache_dir() -> Path:
    """Return the folder for weights, photos and features; it is made when something is first stored.

    ``TLHELPERS_CACHE`` names another one. Copied to another machine, it works there without any network.
    """
    return Path(os.environ.get("TLHELPERS_CACHE") or pooch.os_cache("tlhelpers")).expanduser()


def photos_dir() -> Path | None:
    """Return the folder that ``TLHELPERS_PHOTOS`` names (train/ants, train/bees, val/ants, val/bees), if any."""
    named = os.environ.get("TLHELPERS_PHOTOS")
    return Path(named).expanduser() if named else None


@contextmanager
def writing_to(folder: Path, *, way_out: str = NAME_A_CACHE) -> Iterator[None]:
    """Make a folder, and turn a failure to write in it into one sentence.

    Parameters
    ----------
    folder : Path
    way_out : str
        What the user can do instead of making room on the disk.

    Raises
    ------
    RuntimeError
        If the disk is full or the folder is read-only.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or error
        raise RuntimeError(f"cannot write to {folder} ({reason}); free some space, or {way_out}") from error


@contextmanager
def replacing(path: Path, *, way_out: str = NAME_A_CACHE) -> Iterator[Path]:
    """Yield a new path, for a file or a folder; move what was made there to ``path`` when the block ends without error.

    So ``path`` is whole at any time: as it was before, or as it is meant to be. A file replaces an older one. A folder
    that another process has put there in the meantime is kept.

    Parameters
    ----------
    path : Path
    way_out : str
        As in ``writing_to``.

    Raises
    ------
    RuntimeError
        If it cannot be written.
    """
    with (
        writing_to(path.parent, way_out=way_out),
        tempfile.TemporaryDirectory(dir=path.parent, prefix=".new-") as temporary,
    ):
        new = Path(temporary) / path.name
        yield new
        if not (new.is_dir() and path.exists()):
            new.replace(path)
