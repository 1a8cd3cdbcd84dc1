"""The folder of the handouts: files as they were written are replaced, files that somebody changed are kept."""

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

AUDIENCES = ("student", "tutor")
RECORD = ".written.json"  # the hash of each file as it was written, by its path in the folder


def clear_folder(folder: Path) -> None:
    """Remove the files that are as they were written; move all others to ``kept``, and print a line for each."""
    record = folder / RECORD
    written = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    for name, found in _hashes(folder).items():
        if written.get(name) == found:
            (folder / name).unlink()
            continue
        kept = _unused(folder / "kept" / name)
        kept.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).replace(kept)
        print(f"{folder / name} is not as it was written, so it is kept: {kept}.")


def record_files(folder: Path) -> None:
    """Remember every file as it is now, so that ``clear_folder`` can tell which ones somebody changed."""
    (folder / RECORD).write_text(json.dumps(_hashes(folder), indent=2), encoding="utf-8")


def _unused(path: Path) -> Path:
    """Return a path at which there is no file yet: this one, or the same with a number in its name."""
    candidate, number = path, 0
    while candidate.exists():
        number += 1
        candidate = path.with_suffix(f".{number}{path.suffix}")
    return candidate


def _hashes(folder: Path) -> dict[str, str]:
    """Return the hash of every file for students and for tutors, by its path in the folder."""
    paths: Iterable[Path] = (path for name in AUDIENCES for path in (folder / name).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}
