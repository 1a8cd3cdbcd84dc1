"""The folder of the handouts: files as they were written are replaced, files that somebody changed are kept."""

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from tlhelpers.locks import removed_at_the_end

AUDIENCES = ("student", "tutor")
RECORD = ".written.json"  # the hash of each file as it was written, by its path in the folder
LOCK = ".lock"  # a file that the process which writes here holds
UNFINISHED = ".new"  # files before they are complete; nothing that anybody needs is in it


class Handouts:
    """The folder of the handouts, for as long as this process writes there; ``empty_handouts`` opens it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unfinished = folder / UNFINISHED
        self._written: dict[str, str] = {}
        self._one_at_a_time = threading.Lock()

    def write(self, contents: dict[str, bytes]) -> None:
        """Write files by their paths in the folder, each at once and completely.

        Their hashes are recorded first. So whenever the process is killed, every file that is there was recorded.
        """
        with self._one_at_a_time:  # pages are printed in several threads
            self._written |= {name: _hash(content) for name, content in contents.items()}
            record = json.dumps(self._written, indent=2, sort_keys=True).encode()
            for name, content in {RECORD: record, **contents}.items():
                self._replace(self.folder / name, content)

    def _replace(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        complete = self.unfinished / "file"
        complete.write_bytes(content)
        complete.replace(path)


@contextmanager
def empty_handouts(folder: Path) -> Iterator[Handouts]:
    """Empty the folder of the handouts, and yield it; no other process can write there at the same time.

    Files that are as they were written are removed. All others move to ``kept``, with a line for each.

    Raises
    ------
    RuntimeError
        If another process writes handouts there, or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=0)
        lock.acquire()
        with removed_at_the_end(lock):
            _clear(folder)
            handouts = Handouts(folder)
            handouts.unfinished.mkdir()
            try:
                yield handouts
            finally:
                shutil.rmtree(handouts.unfinished, ignore_errors=True)
    except Timeout as error:
        raise RuntimeError(f"another tlhelpers writes to {folder}; wait for its end, and start this again") from error
    except OSError as error:
        where, reason = error.filename or folder, error.strerror or error
        raise RuntimeError(f"cannot read or write {where} ({reason}); free some space, or make it writable") from error


def _clear(folder: Path) -> None:
    """Remove what is as it was written, and what a killed process left; move all other files to ``kept``."""
    shutil.rmtree(folder / UNFINISHED, ignore_errors=True)
    written = _read_record(folder)
    for path in _files(folder):
        name = path.relative_to(folder)
        if written.get(name.as_posix()) == _hash(path.read_bytes()):
            path.unlink()
            continue
        kept = _unused(folder / "kept" / name)
        kept.parent.mkdir(parents=True, exist_ok=True)
        path.replace(kept)
        print(f"{path} is not as it was written, so it is kept: {kept}.")


def _read_record(folder: Path) -> dict[str, str]:
    """Return the hashes of what was written; none if they cannot be read, so that every file is kept."""
    path = folder / RECORD
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError):
        print(f"{path} is damaged, so nobody can tell which files were changed; all are kept.")
        return {}


def _files(folder: Path) -> list[Path]:
    """Return all files for students and for tutors."""
    return [path for audience in AUDIENCES for path in sorted((folder / audience).rglob("*")) if path.is_file()]


def _hash(content: bytes) -> str:
    return sha256(content).hexdigest()


def _unused(path: Path) -> Path:
    """Return a path at which there is no file yet: this one, or the same with a number in its name."""
    candidate, number = path, 0
    while candidate.exists():
        number += 1
        candidate = path.with_suffix(f".{number}{path.suffix}")
    return candidate
