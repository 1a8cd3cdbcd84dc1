"""The learner's copies of the notebooks. An update of the originals never overwrites what a learner wrote."""

import json
from hashlib import sha256
from pathlib import Path

from tlhelpers.classroom.notebooks import find_notebooks
from tlhelpers.files import replacing

RECORD = ".originals.json"  # by the name of a copy: the hash that it had when it was made
WAY_OUT = "make the folder one that can be written; all that you wrote there is kept"


def update_copies(originals: Path, work: Path) -> list[str]:
    """Copy every notebook that is new or has a new version. A copy that the learner changed stays as it is.

    Parameters
    ----------
    originals : Path
        The folder of the notebooks.
    work : Path
        The folder of the copies; it is made if it is missing.

    Returns
    -------
    list of str
        One line for each new version that did not replace a copy, because the learner had changed that copy.

    Raises
    ------
    ValueError
        If there are no notebooks, or if both folders are the same.
    RuntimeError
        If a file cannot be read, or a copy cannot be written. The copy that was there before is still whole.
    """
    paths = find_notebooks(originals)
    if originals.resolve() == work.resolve():
        raise ValueError(
            f"originals is {originals}; it must not be the folder of the copies; name that of the notebooks"
        )
    try:
        lines = [_update(path.read_bytes(), work / path.name) for path in paths]
    except OSError as error:
        raise RuntimeError(f"cannot read {error.filename} ({error.strerror}); make it readable") from error
    return [line for line in lines if line]


def _update(original: bytes, copy: Path) -> str | None:
    """Bring one copy up to date, or put the new version beside it; return the line that tells the learner."""
    if _replace_unchanged(copy, original) or _recorded_hash(copy) == _hash(original):  # only the learner changed it
        return None
    beside = copy.with_suffix(".new.ipynb")
    if _recorded_hash(beside) == _hash(original):  # it was put there before, and the learner may have removed it
        return None
    if not _replace_unchanged(beside, original):
        return f"{copy.name} has a new version, which is not copied: you changed {copy.name} and {beside.name}."
    return f"{copy.name} has a new version, here {beside.name}: you changed your copy, so it is kept."


def _replace_unchanged(copy: Path, content: bytes) -> bool:
    """Write a copy that is missing or unchanged, and return True; leave a changed copy alone, and return False."""
    found = _hash(copy.read_bytes()) if copy.exists() else None
    if found not in (None, _recorded_hash(copy), _hash(content)):
        return False
    if found != _hash(content):
        _write(copy, content)
    if _recorded_hash(copy) != _hash(content):
        record = _read_record(copy.parent) | {copy.name: _hash(content)}
        _write(copy.parent / RECORD, json.dumps(record, indent=2).encode())
    return True


def _write(path: Path, content: bytes) -> None:
    with replacing(path, way_out=WAY_OUT) as new:
        new.write_bytes(content)


def _recorded_hash(copy: Path) -> str | None:
    """Return the hash that a copy had when it was made, or None if there is no record of it."""
    return _read_record(copy.parent).get(copy.name)


def _read_record(work: Path) -> dict[str, str]:
    try:
        return dict(json.loads((work / RECORD).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return {}  # without the record every copy counts as changed, so nothing is lost


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()
