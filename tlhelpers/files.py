"""The folders that the user may name, and files that appear complete or not at all.

Only this module reads the environment variables ``TLHELPERS_CACHE`` and ``TLHELPERS_PHOTOS``.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import platformdirs

from tlhelpers.arguments import check_path, shown
from tlhelpers.byhand.arguments import require
from tlhelpers.locks import temporary_folder

NAME_A_CACHE = "let TLHELPERS_CACHE name a folder that can be written"


def cache_dir() -> Path:
    """Return the folder for weights, photos and features; it is created when something is first stored in it.

    ``TLHELPERS_CACHE`` names another folder. A copy of the folder works on another machine without a network.

    Raises
    ------
    ValueError
        If the variable names a folder that cannot be read, or that cannot exist.
    """
    named = os.environ.get("TLHELPERS_CACHE")
    if not named:
        return Path(platformdirs.user_cache_dir("tlhelpers"))
    return _readable("TLHELPERS_CACHE", named)


def photos_dir() -> Path | None:
    """Return the folder that ``TLHELPERS_PHOTOS`` names (train/ants, train/bees, val/ants, val/bees), or None.

    Raises
    ------
    ValueError
        If the variable names a folder that cannot be read, or that cannot exist.
    """
    named = os.environ.get("TLHELPERS_PHOTOS")
    return _readable("TLHELPERS_PHOTOS", named) if named else None


def _readable(variable: str, named: str) -> Path:
    """Return the folder that a variable names, whether it exists or not; raise an error if it is of no use."""
    try:
        path = Path(named).expanduser()  # RuntimeError for the home of an unknown user
        with suppress(FileNotFoundError, NotADirectoryError):  # it is created later, or the first write reports it
            os.scandir(path).close()
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        shown = named if len(named) < 100 else f"{named[:100]}..."
        raise ValueError(f"{variable} names {shown}, which cannot be used ({reason}); name another folder") from error
    return path


def path_of(value: str | Path, name: str = "path") -> Path:
    """Return the path that a user gives, whether it exists or not; ``~`` is the home folder.

    Parameters
    ----------
    value : str or Path
    name : str
        Of the argument, for messages.

    Raises
    ------
    ValueError
        If it is no path, or the system refuses to look for it.
    """
    check_path(value, name)
    try:
        path = Path(value).expanduser()
        path.exists()
    except (OSError, RuntimeError, ValueError) as error:  # an unknown user, a name too long, a zero byte in it
        reason = getattr(error, "strerror", None) or error
        require(False, name, shown(value), f"be a path that can be looked up ({reason})", "give another one")
    return path


@contextmanager
def replacing(path: Path, *, way_out: str = NAME_A_CACHE) -> Iterator[Path]:
    """Yield a temporary path to write to, and move what was written to ``path`` if the block ends without an error.

    Other processes therefore never see half a file, and neither does anybody after a power failure: the content is on
    the disk before it gets its name. A file replaces an older file. A folder does not: if another process has created
    the folder in the meantime, that one stays.

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
    with explained(path.parent, way_out):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_folder(path.parent) as temporary:
            new = temporary / path.name
            yield new
            flush(new)
            _move(new, path)
            _flush_one(path.parent)


@contextmanager
def explained(folder: Path, way_out: str = NAME_A_CACHE) -> Iterator[None]:
    """Turn an OSError of the block into a RuntimeError which says that the folder cannot be written to, and why."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise RuntimeError(f"cannot write to {folder} ({reason}); free some space, or {way_out}") from error


def flush(path: Path) -> None:
    """Return when a file, or a folder with all that is in it, is on the disk and not only in the system's memory."""
    for inner in path.rglob("*") if path.is_dir() else ():
        _flush_one(inner)
    _flush_one(path)


def _flush_one(path: Path) -> None:
    if path.is_dir():
        with suppress(OSError):  # Windows does not open folders, and some file systems do not flush them
            _sync(path, os.O_RDONLY)
    else:
        _sync(path, os.O_RDWR)  # Windows flushes only what is open for writing


def _sync(path: Path, flags: int) -> None:
    opened = os.open(path, flags)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _move(new: Path, path: Path) -> None:
    try:
        new.replace(path)
    except OSError:
        if not (new.is_dir() and path.is_dir()):
            raise


def set_aside(path: Path) -> Path:
    """Rename a damaged file or folder to NAME.damaged-1 (or -2, ...), and return the new path.

    Raises
    ------
    OSError
        If it cannot be renamed.
    """
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in count(1))
    return path.rename(next(name for name in names if not os.path.lexists(name)))
