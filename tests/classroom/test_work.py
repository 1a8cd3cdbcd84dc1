"""Work copies follow the originals until a learner changes them; what a learner wrote is never touched."""

import os

import pytest
from jupyterlab.labapp import LabApp

from tlhelpers import cli
from tlhelpers.classroom import work as module
from tlhelpers.classroom.work import GIVEN, update_copies

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
    """At first all, later what is new or was thrown away; the originals stay as they are, and nothing else is left."""
    originals, work = folders
    assert contents(work) == {NAME: "first"}
    (originals / "02_b.ipynb").write_text("another")
    (work / NAME).unlink()
    assert update_copies(originals, work) == []
    assert contents(work) == contents(originals) == {NAME: "first", "02_b.ipynb": "another"}
    assert {path.name for path in work.iterdir()} == {NAME, "02_b.ipynb", GIVEN}


def test_an_unchanged_copy_follows_the_original(folders):
    """Again and again, whatever the clock says of the files."""
    originals, work = folders
    for version in ("second", "third"):
        (originals / NAME).write_text(version)
        os.utime(originals / NAME, (0, 0))
        assert update_copies(originals, work) == []
        assert contents(work) == {NAME: version}


def test_a_changed_copy_is_left_alone(folders):
    """As long as the original is the one that was copied, nothing is put beside it and nothing is said."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    os.utime(work / NAME, (0, 0))
    assert update_copies(originals, work) == []
    assert contents(work) == {NAME: "first, answered"}


def test_a_new_version_is_put_beside_a_changed_copy(folders):
    """It is said once, and the next version replaces the one that nobody changed."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    for version in ("second", "third"):
        (originals / NAME).write_text(version)
        assert update_copies(originals, work) == [LINE]
        assert update_copies(originals, work) == []
        assert contents(work) == {NAME: "first, answered", NEW: version}


def test_a_changed_new_version_is_left_alone_too(folders):
    """Whoever went on in the new version keeps that as well, and is told of a newer one."""
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


def test_a_new_version_that_was_taken_away_does_not_return(folders):
    """It was seen; the version after it is put there again."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    (originals / NAME).write_text("second")
    update_copies(originals, work)
    (work / NEW).unlink()
    assert update_copies(originals, work) == [] and contents(work) == {NAME: "first, answered"}
    (originals / NAME).write_text("third")
    assert update_copies(originals, work) == [LINE]


def test_a_copy_changed_into_the_new_version_follows_again(folders):
    """A learner who takes the new version over has an unchanged copy."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    (originals / NAME).write_text("second")
    update_copies(originals, work)
    (work / NEW).replace(work / NAME)
    update_copies(originals, work)
    (originals / NAME).write_text("third")
    assert update_copies(originals, work) == [] and contents(work) == {NAME: "third"}


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_text('{"01_a')])
def test_without_the_hashes_nothing_is_overwritten(folders, damage):
    """If it cannot be known whether a copy was changed, it counts as changed."""
    originals, work = folders
    damage(work / GIVEN)
    (originals / NAME).write_text("second")
    assert update_copies(originals, work) == [LINE]
    assert contents(work) == {NAME: "first", NEW: "second"}


class FullDisk:
    """A file that takes half of what is written to it."""

    def __init__(self, path, mode):
        self.file = open(path, mode)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, content):
        self.file.write(content[: len(content) // 2])
        raise OSError(28, "No space left on device")


def test_a_full_disk_costs_nothing(folders, monkeypatch):
    """The copy that was there is whole, the message says where and why, and afterwards all goes on."""
    originals, work = folders
    (originals / NAME).write_text("second")
    monkeypatch.setattr(module, "open", FullDisk, raising=False)
    with pytest.raises(RuntimeError, match="all that you wrote is kept: .*No space left on device"):
        update_copies(originals, work)
    assert contents(work) == {NAME: "first"} and len(list(work.iterdir())) == 2
    monkeypatch.undo()
    assert update_copies(originals, work) == [] and contents(work) == {NAME: "second"}


@pytest.mark.parametrize("stop_at", [1, 2])
@pytest.mark.parametrize("answered", [True, False])
def test_a_stop_in_between_costs_nothing(folders, monkeypatch, stop_at, answered):
    """Wherever it is stopped, what the learner wrote is there, and the next start brings the new version."""
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

    original_replace = os.replace
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace_or_stop)
        with pytest.raises(KeyboardInterrupt):
            update_copies(originals, work)
    update_copies(originals, work)
    assert contents(work) == ({NAME: "first, answered", NEW: "second"} if answered else {NAME: "second"})
    (originals / NAME).write_text("third")  # and nothing was taken for a learner's change
    update_copies(originals, work)
    assert contents(work) == ({NAME: "first, answered", NEW: "third"} if answered else {NAME: "third"})


@pytest.fixture
def started(monkeypatch):
    """What JupyterLab is started with, in place of starting it."""
    calls = []
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")  # which the command changes, and here only for a while
    monkeypatch.setattr(LabApp, "launch_instance", calls.append)
    return calls


def test_lab_opens_the_copies(folders, started, capsys):
    """JupyterLab starts in the folder of copies, which are up to date, and both are said."""
    originals, work = folders
    (work / NAME).write_text("first, answered")
    (originals / NAME).write_text("second")
    assert cli.main(["lab", str(originals)]) == 0
    (options,) = started
    where = [f"--ServerApp.root_dir={work.parent}", "--LabApp.default_url=/lab/tree/work"]
    assert options == [*where, *cli.LAB_OPTIONS]
    assert capsys.readouterr().out == f"{LINE}\nYour copies of the notebooks are in {work}.\n"


def test_the_copies_are_not_the_originals(folders, started, capsys):
    """Who names the folder of copies as that of the originals is told, before anything is written."""
    _, work = folders
    before = {path.name for path in work.iterdir()}
    assert cli.main(["lab", str(work)]) == 1
    assert "holds the copies" in capsys.readouterr().err
    assert {path.name for path in work.iterdir()} == before and started == []


def test_no_folder_is_made_where_there_are_no_notebooks(tmp_path, started, capsys):
    """A wrong folder is named, and nothing is left behind."""
    assert cli.main(["lab", str(tmp_path / "notebooks")]) == 1
    assert "no notebooks in" in capsys.readouterr().err and list(tmp_path.iterdir()) == [] and started == []
