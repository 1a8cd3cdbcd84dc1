"""Work copies of the notebooks: an update of the originals never overwrites what a learner wrote."""

import hashlib
import json
import os
from pathlib import Path

from tlhelpers.classroom.notebooks import find_notebooks

GIVEN = ".originals.json"  # by the name of a copy: the hash of what it was when it was made


def update_copies(originals: Path, work: Path) -> list[str]:
    """Copy the notebooks that are new or have a new version; a copy that was changed is left as it is.

    Parameters
    ----------
    originals : Path
        The folder of the notebooks.
    work : Path
        The folder of the copies; it is made if it is missing.

    Returns
    -------
    list of str
        One line for each new version that could not take the place of a copy, because that was changed.

    Raises
    ------
    ValueError
        If there are no notebooks, or if both folders are the same.
    RuntimeError
        If a copy cannot be written. The one that was there is whole.
    """
    paths = find_notebooks(originals)
    if originals.resolve() == work.resolve():
        raise ValueError(f"{work} holds the copies; name the folder of the original notebooks")
    lines = []
    try:
        work.mkdir(parents=True, exist_ok=True)
        for path in paths:
            if line := _update(path.read_bytes(), work / path.name):
                lines.append(line)
    except OSError as error:
        raise RuntimeError(f"no copies made in {work}, where all that you wrote is kept: {error}") from error
    return lines


def _update(original: bytes, copy: Path) -> str | None:
    """Bring one copy up to date, or put the new version beside it; return the line that says so."""
    if _give(original, copy) or _given(copy) == _hash(original):  # the learner changed it, and nobody else
        return None
    beside = copy.with_suffix(".new.ipynb")
    if _given(beside) == _hash(original):  # it was put there before; what became of it is the learner's affair
        return None
    if not _give(original, beside):
        return f"{copy.name} has a new version, which is not copied: you changed {copy.name} and {beside.name}."
    return f"{copy.name} has a new version, here {beside.name}: you changed your copy, so it is kept."


def _give(content: bytes, copy: Path) -> bool:
    """Write a copy that is missing or as it was made, and return True; leave it and return False if it was changed."""
    found = _hash(copy.read_bytes()) if copy.exists() else None
    if found not in (None, _given(copy), _hash(content)):
        return False
    if found != _hash(content):
        _write(copy, content)
    if _given(copy) != _hash(content):
        known = _read(copy.parent / GIVEN) | {copy.name: _hash(content)}
        _write(copy.parent / GIVEN, json.dumps(known, indent=2).encode())
    return True


def _write(path: Path, content: bytes) -> None:
    """Write a file so that whatever happens there is the old one or the new one, whole."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with open(unfinished, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def _given(copy: Path) -> str | None:
    """Return the hash of what a copy was when it was made, None if nobody knows."""
    return _read(copy.parent / GIVEN).get(copy.name)


def _read(path: Path) -> dict[str, str]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # without it every copy counts as changed, and nothing is lost
        return {}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
