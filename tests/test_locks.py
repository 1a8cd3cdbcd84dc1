"""One process works and the others wait; a process that dies leaves neither a lock nor a folder behind."""

import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from tlhelpers.files import replacing
from tlhelpers.locks import alone, lock_of, temporary_folder


@contextmanager
def another_process(code, *arguments):
    """Run code in a process of its own; yield it when it has printed a line, and kill it at the end."""
    process = subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


OWNER = """
import sys, time
from pathlib import Path
from tlhelpers.locks import alone, temporary_folder
path = Path(sys.argv[1])
with alone(path), temporary_folder(path.parent) as folder:
    (folder / "half").write_text("of it")
    print("working", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_blocks_nobody_and_its_rest_is_removed_at_the_next_write(tmp_path):
    """While it lives its folder stays, and its lock is held; afterwards the first write clears what it left."""
    path = tmp_path / "file"
    with another_process(OWNER, path) as owner:
        with replacing(tmp_path / "other") as new:
            new.write_text("another file in the same folder")
        (half,) = tmp_path.glob(".new-*/half")
        assert half.read_text() == "of it"
        owner.kill()
        owner.wait()
        with alone(path), replacing(path) as new:
            new.write_text("whole")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["file", "other"]


def test_a_process_that_died_before_it_had_a_folder_leaves_no_lock(tmp_path):
    """The lock comes first, so that there is never a folder without one."""
    lock_of(tmp_path / ".new-123").touch()
    (tmp_path / ".poetry.lock").write_text("of somebody else")
    with temporary_folder(tmp_path) as folder:
        assert lock_of(folder).exists()
    assert [path.name for path in tmp_path.iterdir()] == [".poetry.lock"]


def test_folders_of_others_stay(tmp_path):
    """A folder with the same beginning of its name, but without a lock beside it, is somebody else's."""
    (tmp_path / ".new-ideas").mkdir()
    (tmp_path / ".new-ideas" / "essay.txt").write_text("mine")
    with temporary_folder(tmp_path):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == [".new-ideas", "essay.txt"]


def test_who_waits_says_so_once_and_then_goes_on(tmp_path, capsys):
    """The line names what is being made; without a wait there is no line."""
    path, inside, end = tmp_path / "weights.pth", threading.Event(), threading.Event()

    def work():
        with alone(path):
            inside.set()
            end.wait()

    worker = threading.Thread(target=work)
    worker.start()
    inside.wait()
    threading.Timer(0.3, end.set).start()
    with alone(path, patience=0.05):
        assert end.is_set()
    worker.join()
    assert capsys.readouterr().out == f"Another process is making {path}; waiting until it is done ...\n"
    assert list(tmp_path.iterdir()) == []


def test_an_error_releases_the_lock(tmp_path):
    """The next process does not wait for one that failed."""
    with pytest.raises(KeyError), alone(tmp_path / "file"):
        raise KeyError
    with alone(tmp_path / "file", patience=0):
        pass
