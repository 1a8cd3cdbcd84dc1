"""Copies follow the originals until a learner changes them; what a learner wrote is never overwritten."""

import os
import re
from pathlib import Path
from unittest.mock import Mock

import pytest
from jupyterlab.labapp import LabApp

from tlhelpers import cli
from tlhelpers.classroom import lab
from tlhelpers.classroom.work import RECORD, update_copies

NAME, NEW = "01_a.ipynb", "01_a.new.ipynb"
LINE = "01_a.ipynb has a new version, here 01_a.new.ipynb: you changed your copy, so it is kept."


@pytest.fixture
def folders(tmp_path):
    """A folder with one notebook, and the folder of its copies, made once."""
    originals, work = tmp_path / "notebooks", tmp_path / "work"
    originals.mkdir()
    (originals / NAME).write_text("first")
    assert update_copies(originals, work) == []
    return originals, work


def contents(work):
    """Return the notebooks in the folder of copies."""
    return {path.name: path.read_text() for path in work.glob("*.ipynb")}


def test_what_is_missing_is_copied(folders):
    """At first every notebook, later those that are new or were deleted; no other file is made."""
    originals, work = folders
    assert contents(work) == {NAME: "first"}
    (originals / "02_b.ipynb").write_text("another")
    (work / NAME).unlink()
    assert update_copies(originals, work) == []
    assert contents(work) == contents(originals) == {NAME: "first", "02_b.ipynb": "another"}
    assert {path.name for path in work.iterdir()} == {NAME, "02_b.ipynb", RECORD}


def test_an_unchanged_copy_follows_the_original(folders):
    """Each new version replaces the copy, whatever the times of the files are."""
    originals, work = folders
    for version in ("second", "third"):
        (originals / NAME).write_text(version)
        os.utime(originals / NAME, (0, 0))
        assert update_copies(originals, work) == []
        assert contents(work) == {NAME: version}


def test_a_changed_copy_is_left_alone(folders):
    """As long as the original is the one that was copied, no file is put beside it and no line is printed."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    os.utime(work / NAME, (0, 0))
    assert update_copies(originals, work) == []
    assert contents(work) == {NAME: "first, answered"}


def test_a_new_version_is_put_beside_a_changed_copy(folders):
    """One line says so once. The version after it replaces the new version that nobody changed."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    for version in ("second", "third"):
        (originals / NAME).write_text(version)
        assert update_copies(originals, work) == [LINE]
        assert update_copies(originals, work) == []
        assert contents(work) == {NAME: "first, answered", NEW: version}


def test_a_changed_new_version_is_left_alone_too(folders):
    """A learner who continued in the new version keeps that as well, and is told that there is a newer one."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    (originals / NAME).write_text("second")
    update_copies(originals, work)
    (work / NEW).write_text("second, answered")
    assert update_copies(originals, work) == []
    (originals / NAME).write_text("third")
    (line,) = update_copies(originals, work)
    assert "is not copied: you changed 01_a.ipynb and 01_a.new.ipynb" in line
    assert contents(work) == {NAME: "first, answered", NEW: "second, answered"}


def test_a_new_version_that_was_deleted_does_not_return(folders):
    """The learner has seen it. The version after it is put there again."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    (originals / NAME).write_text("second")
    update_copies(originals, work)
    (work / NEW).unlink()
    assert update_copies(originals, work) == [] and contents(work) == {NAME: "first, answered"}
    (originals / NAME).write_text("third")
    assert update_copies(originals, work) == [LINE]


def test_a_copy_changed_into_the_new_version_follows_again(folders):
    """A learner who renames the new version to the copy has an unchanged copy."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    (originals / NAME).write_text("second")
    update_copies(originals, work)
    (work / NEW).replace(work / NAME)
    update_copies(originals, work)
    (originals / NAME).write_text("third")
    assert update_copies(originals, work) == [] and contents(work) == {NAME: "third"}


@pytest.mark.parametrize("damaged", [None, '{"01_a', "7"])
def test_without_the_record_nothing_is_overwritten(folders, damaged):
    """If nobody can tell whether a copy was changed, it counts as changed."""
    originals, work = folders
    (work / RECORD).write_text(damaged or "")
    if damaged is None:
        (work / RECORD).unlink()
    (originals / NAME).write_text("second")
    assert update_copies(originals, work) == [LINE]
    assert contents(work) == {NAME: "first", NEW: "second"}


def write_half(path, content):
    """Write half of a file, and find that the disk is full."""
    with path.open("wb") as file:
        file.write(content[: len(content) // 2])
    raise OSError(28, "No space left on device")


def test_a_full_disk_costs_nothing(folders, monkeypatch):
    """The old copy is whole, the error says where and why, and once there is space the copy is updated."""
    originals, work = folders
    (originals / NAME).write_text("second")
    monkeypatch.setattr(Path, "write_bytes", write_half)
    with pytest.raises(RuntimeError, match=f"cannot write to {work} .No space left .*all that you wrote there is kept"):
        update_copies(originals, work)
    assert contents(work) == {NAME: "first"} and len(list(work.iterdir())) == 2
    monkeypatch.undo()
    assert update_copies(originals, work) == [] and contents(work) == {NAME: "second"}


def test_a_folder_that_cannot_be_made_is_one_sentence(folders):
    """A file is in its place; it stays as it is."""
    originals, work = folders
    (work.parent / "file").write_text("mine")
    with pytest.raises(RuntimeError, match="file.* .Not a directory.; make it readable"):
        update_copies(originals, work.parent / "file")
    assert (work.parent / "file").read_text() == "mine"


@pytest.mark.parametrize("stop_at", [1, 2])
@pytest.mark.parametrize("answered", [True, False])
def test_a_stop_in_between_costs_nothing(folders, monkeypatch, stop_at, answered):
    """Wherever the update is stopped, what the learner wrote is kept, and the next start brings the new version."""
    originals, work = folders
    if answered:
        (work / NAME).write_text("first, answered")
    (originals / NAME).write_text("second")
    replacements = []

    def replace_or_stop(source, target):
        replacements.append(target)
        if len(replacements) == stop_at:
            raise KeyboardInterrupt
        original_replace(source, target)

    original_replace = Path.replace
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_or_stop)
        with pytest.raises(KeyboardInterrupt):
            update_copies(originals, work)
    update_copies(originals, work)
    assert contents(work) == ({NAME: "first, answered", NEW: "second"} if answered else {NAME: "second"})
    (originals / NAME).write_text("third")  # the stop is not mistaken for a change by the learner
    update_copies(originals, work)
    assert contents(work) == ({NAME: "first, answered", NEW: "third"} if answered else {NAME: "third"})


@pytest.fixture
def started(monkeypatch):
    """Return the options that JupyterLab would be started with; it is not started."""
    calls = []
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")  # the command changes it, and the test sets it back
    monkeypatch.delenv("JUPYTER_TOKEN", raising=False)
    monkeypatch.setattr(LabApp, "initialize_server", lambda options: calls.append(options) or Mock())
    return calls


def test_lab_opens_the_copies(folders, started, capsys):
    """The copies are brought up to date, JupyterLab opens their folder, and the lines printed say so."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    (originals / NAME).write_text("second")
    assert cli.main(["lab", str(originals)]) == 0
    (options,) = started
    where = [f"--ServerApp.root_dir={work.parent}", "--LabApp.default_url=/lab/tree/work"]
    *options, token = options
    assert options == [*where, *lab.OPTIONS, *lab.PROTECTION]
    assert re.fullmatch("--PasswordIdentityProvider.token=[0-9a-f]{48}", token)
    assert capsys.readouterr().out == f"{LINE}\nYour copies of the notebooks are in {work}.\n"


def test_the_copies_are_not_the_originals(folders, started, capsys):
    """A learner who names the folder of the copies is told so before any file is written."""
    _, work = folders
    before = {path.name for path in work.iterdir()}
    assert cli.main(["lab", str(work)]) == 1
    assert "it must not be the folder of the copies" in capsys.readouterr().err
    assert {path.name for path in work.iterdir()} == before and started == []


def test_no_folder_is_made_where_there_are_no_notebooks(tmp_path, started, capsys):
    """The error names the wrong folder, and no file is left behind."""
    assert cli.main(["lab", str(tmp_path / "notebooks")]) == 1
    assert "it must hold notebooks" in capsys.readouterr().err and list(tmp_path.iterdir()) == [] and started == []
