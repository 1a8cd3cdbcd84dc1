"""Locks between processes: one works, the others wait. Temporary folders whose owner died are removed.

The operating system releases a lock when the process that holds it ends, however it ends.
"""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = ".new-"  # of the name of a temporary folder
LOCK = ".tlhelpers-lock"  # the end of the name of a lock
PATIENCE = 5.0  # seconds of waiting after which a line says so


@contextmanager
def alone(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Let one process at a time run the block for this path; the others wait, and say so once if it takes long.

    Parameters
    ----------
    path : Path
        What the block is about to make. The lock is a file beside it, which is removed at the end.
    patience : float
        Seconds to wait before a line says what is waited for.

    Raises
    ------
    OSError
        If the parent folder cannot be created or written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_of(path))
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        print(f"Another process is making {path}; waiting until it is done ...", flush=True)
        lock.acquire(timeout=-1)
    with removed_at_the_end(lock):
        yield


def lock_of(path: Path) -> Path:
    """Return the file that is locked while something is made at a path."""
    return path.with_name(f".{path.name.removeprefix('.')}{LOCK}")


@contextmanager
def removed_at_the_end(lock: FileLock) -> Iterator[None]:
    """Remove the file of a lock, which this process holds, and release the lock when the block ends."""
    try:
        yield
    finally:
        with suppress(OSError):  # Windows does not remove an open file; there, release() does
            Path(lock.lock_file).unlink()  # while it is held: whoever waits for it notices, and takes a new one
        lock.release()


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """Create a folder inside another one for the time of the block, after removing those of processes that died.

    Raises
    ------
    OSError
        If it cannot be created.
    """
    remove_rests(parent)
    folder = parent / f"{PREFIX}{secrets.token_hex(6)}"
    lock = FileLock(lock_of(folder))  # before the folder, which a process that dies must not leave without a lock
    lock.acquire()
    with removed_at_the_end(lock):
        try:
            folder.mkdir()
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_rests(parent: Path) -> None:
    """Remove temporary folders and locks of processes that died; those of living processes and all else stay."""
    for path in parent.glob(f".*{LOCK}"):
        lock = FileLock(path, timeout=0)
        with suppress(OSError, Timeout):  # it is held, so its owner is alive; or another process removed it first
            lock.acquire()
            with removed_at_the_end(lock):
                if path.name.startswith(PREFIX):
                    shutil.rmtree(path.with_suffix(""), ignore_errors=True)
