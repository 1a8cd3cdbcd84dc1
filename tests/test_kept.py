"""What is kept is made once, however many need it at once, and is checked whenever it is used."""

import subprocess
import sys

import pytest

from tlhelpers import kept as module
from tlhelpers.kept import kept

ONE_OF_MANY = """
import sys, time
from pathlib import Path
from tlhelpers.kept import kept

def make(new):
    with log.open("a") as file:
        file.write("made\\n")
    time.sleep(0.2)
    new.mkdir()
    (new / "photo").write_text("content")

path, log = Path(sys.argv[1]), Path(sys.argv[2])
print((kept(path, make, lambda path: None) / "photo").read_text())
"""


def never(path):
    """Stand for the making of what is there already."""
    pytest.fail(f"{path} was made")


def right(path):
    """Find a fault in every content but one."""
    return None if path.read_text() == "right" else "wrong content"


def test_of_many_processes_one_works(tmp_path):
    """Six processes that start at once on an empty folder: one makes it, all use it, nothing else stays."""
    command = [sys.executable, "-c", ONE_OF_MANY, tmp_path / "cache" / "photos", tmp_path / "log"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    assert [process.communicate()[0] for process in running] == ["content\n"] * 6
    assert (tmp_path / "log").read_text() == "made\n"
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["photos"]


def test_where_nothing_is_missing_no_lock_is_taken(tmp_path, monkeypatch):
    """A classroom may share a cache folder that nobody can write to."""
    monkeypatch.setattr(module, "alone", never)
    (tmp_path / "file").write_text("right")
    assert kept(tmp_path / "file", never, right) == tmp_path / "file"


def test_damage_is_set_aside_when_there_is_a_new_one(tmp_path, capsys):
    """The line names both files, and the old one is kept."""
    path = tmp_path / "file"
    path.write_text("flipped")
    kept(path, lambda new: new.write_text("right"), right)
    assert path.read_text() == "right" and (tmp_path / "file.damaged-1").read_text() == "flipped"
    printed = capsys.readouterr().out
    assert printed == (
        f"{path} was damaged (wrong content); it is now called file.damaged-1, and a new one has taken its place.\n"
    )


def test_damage_that_cannot_be_mended_is_the_first_thing_that_the_error_says(tmp_path):
    """The cause of the failure comes second."""
    path = tmp_path / "file"
    path.write_text("flipped")

    def fail(new):
        raise RuntimeError("nobody answers")

    with pytest.raises(RuntimeError) as caught:
        kept(path, fail, right)
    assert str(caught.value) == (f"{path} is damaged (wrong content), and a new one could not be made: nobody answers")
    assert path.read_text() == "flipped"


def test_an_unreadable_file_is_named(tmp_path):
    """What the system says when it refuses becomes a sentence."""

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "file").touch()
    with pytest.raises(RuntimeError, match="cannot read .*file .Permission denied.; make it readable"):
        kept(tmp_path / "file", never, refuse)
