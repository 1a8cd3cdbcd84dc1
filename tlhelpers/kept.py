"""Files and folders that are made once and kept: checked before use, made by one process, set aside if damaged."""

from collections.abc import Callable
from pathlib import Path

from tlhelpers.files import NAME_A_CACHE, explained, replacing, set_aside
from tlhelpers.locks import PATIENCE, alone

MISSING = "missing"


def kept(
    path: Path,
    make: Callable[[Path], object],
    find_fault: Callable[[Path], str | None],
    *,
    patience: float = PATIENCE,
) -> Path:
    """Return a file or folder that is there and without a fault; if there is none, make it first.

    Of several processes that need it at once, one makes it and the others wait. Where it is there already, nothing is
    written, so that a cache folder may be read-only. A damaged one stays where it is until there is a new one. Then it
    is renamed, not deleted, and a line says so.

    Parameters
    ----------
    path : Path
        Where it is, or will be.
    make : callable
        Called with a temporary path, at which it creates the file or folder.
    find_fault : callable
        Called with the path of what is there: returns a few words on what is wrong with it, or None.
    patience : float
        Seconds of waiting for another process after which a line says so.

    Returns
    -------
    Path
        ``path``.

    Raises
    ------
    RuntimeError
        If it cannot be made, read or written.
    """
    fault = _fault(path, find_fault)
    if fault is None:
        return path
    try:
        with explained(path.parent), alone(path, patience=patience):
            _make(path, make, find_fault)
    except RuntimeError as error:
        if fault == MISSING:
            raise
        raise RuntimeError(f"{path} is damaged ({fault}), and a new one could not be made: {error}") from error
    return path


def _make(path: Path, make: Callable[[Path], object], find_fault: Callable[[Path], str | None]) -> None:
    fault = _fault(path, find_fault)  # once more: another process may have made it while this one waited
    if fault is None:
        return
    with replacing(path) as new:
        make(new)
        aside = set_aside(path) if fault != MISSING else None
    if aside:
        print(f"{path} was damaged ({fault}); it is now called {aside.name}, and a new one has taken its place.")


def _fault(path: Path, find_fault: Callable[[Path], str | None]) -> str | None:
    try:
        return find_fault(path) if path.exists() else MISSING
    except OSError as error:
        file = error.filename or path
        raise RuntimeError(f"cannot read {file} ({error.strerror}); make it readable, or {NAME_A_CACHE}") from error
