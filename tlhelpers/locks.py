"""Locks between processes: one works, the others wait. Temporary folders whose owner died are removed.

The operating system releases a lock when the process that holds it ends, however it ends.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = ".new-"  # of the name of a temporary folder
LOCK = ".tlhelpers-lock"  # the file in it that its owner holds
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
    name = path.with_name(f".{path.name}.lock")
    lock = FileLock(name)
    try:
        lock.acquire(timeout=patience)
    except Timeout:
        print(f"Another process is making {path}; waiting until it is done ...", flush=True)
        lock.acquire(timeout=-1)
    try:
        yield
    finally:
        with suppress(OSError):  # Windows does not remove an open file; there, release() does
            name.unlink()  # while it is held: whoever waits for it notices, and takes a new one
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
    folder = Path(tempfile.mkdtemp(dir=parent, prefix=PREFIX))
    lock = FileLock(folder / LOCK)
    lock.acquire()
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def remove_rests(parent: Path) -> None:
    """Remove the temporary folders of processes that died; those of living processes and all else stay."""
    for lock in parent.glob(f"{PREFIX}*/{LOCK}"):
        with suppress(OSError):  # it belongs to somebody else, or another process removed it first
            with suppress(Timeout), FileLock(lock, timeout=0):  # held: its owner is alive
                shutil.rmtree(lock.parent, ignore_errors=True)
            lock.parent.rmdir()  # Windows keeps an open file, and so the folder, until the lock is released
