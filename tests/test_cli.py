"""The command line says in one sentence what is wrong, before it does anything that takes long."""

import hashlib
import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.tiny import write_folder
from tlhelpers import cli, storage
from tlhelpers.doctor.stored import find_photos
from tlhelpers.locks import lock_of
from tlhelpers.network import pretrained
from tlhelpers.photos import tutorial


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Each test runs in an empty folder, with an empty cache, no photos named, and no browser that prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TLHELPERS_PHOTOS", raising=False)


def test_help_is_quick():
    """The command line explains itself without importing torch, matplotlib or Jupyter's libraries."""
    heavy = {"torch", "matplotlib", "nbformat", "jupyterlab"}
    code = f"import sys, tlhelpers.cli as cli\ntry: cli.main(['--help'])\nfinally: print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "prefetch" in done.stdout and done.stdout.endswith("set()\n")


# tlhelpers run and tlhelpers handouts


def write_notebook(path, source, **properties):
    """Write a notebook with one code cell."""
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=[new_code_cell(source, **properties)]), path)


def files_in(folder):
    """Return the names of the files in a folder."""
    return {path.name for path in folder.iterdir()}


@pytest.mark.slow
def test_run_writes_handouts_of_the_notebooks_that_ran(tmp_path, capsys):
    """A notebook that failed has an executed copy and no handout, although an earlier run left a page of that name."""
    write_notebook(tmp_path / "notebooks" / "01_a.ipynb", "RESULTS = {'probe': 0.948}")
    write_notebook(tmp_path / "notebooks" / "02_b.ipynb", "int('seven')")
    (tmp_path / "build" / "handouts" / "student").mkdir(parents=True)
    (tmp_path / "build" / "handouts" / "student" / "02_b.html").write_text("of an earlier run")
    assert cli.main(["run"]) == 1
    *_, header, good, bad, _, _, last = capsys.readouterr().out.splitlines()
    assert header.startswith("notebook") and last == "To read or print: build/handouts"
    assert good.startswith("01_a") and good.endswith("probe 94.8 %")
    assert "FAILED: cell [1]: ValueError" in bad
    assert files_in(tmp_path / "build" / "notebooks") == {"01_a.ipynb", "02_b.ipynb"}
    for audience in ("student", "tutor"):
        folder = tmp_path / "build" / "handouts" / audience
        assert files_in(folder) == {"01_a.html", "01_a.ipynb", "index.html"}
        assert "02_b" not in (folder / "index.html").read_text(encoding="utf-8").split("<main")[1]


def test_handouts_leave_out_what_was_not_run_and_say_so(tmp_path, capsys):
    """A notebook with an error, or with a cell that was never run, has no handout and keeps no older one."""
    for name in ("01_a", "02_b", "03_c"):
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", "x", execution_count=1)
    assert cli.main(["handouts"]) == 0
    write_notebook(tmp_path / "notebooks" / "02_b.ipynb", "x")
    failed = new_output("error", ename="ValueError", evalue="no", traceback=[])
    write_notebook(tmp_path / "notebooks" / "03_c.ipynb", "x", execution_count=1, outputs=[failed])
    capsys.readouterr()
    assert cli.main(["handouts"]) == 1
    printed = capsys.readouterr()
    assert [line.split()[0] for line in printed.err.splitlines() if "left out" in line] == ["02_b", "03_c"]
    assert printed.out.startswith("No PDFs, because") and printed.out.endswith("To read or print: build/handouts\n")
    assert files_in(tmp_path / "build" / "handouts" / "tutor") == {"01_a.html", "01_a.ipynb", "index.html"}


def test_handouts_leave_out_what_is_no_notebook_and_say_so(tmp_path, capsys):
    """One broken file does not cost the handouts of the others."""
    write_notebook(tmp_path / "notebooks" / "01_a.ipynb", "x", execution_count=1)
    (tmp_path / "notebooks" / "02_b.ipynb").write_text("nobody reads this")
    assert cli.main(["handouts"]) == 1
    assert "02_b is left out: notebooks/02_b.ipynb is not a notebook that can be read (" in capsys.readouterr().err
    assert files_in(tmp_path / "build" / "handouts" / "tutor") == {"01_a.html", "01_a.ipynb", "index.html"}


@pytest.mark.parametrize("command", ["run", "handouts"])
def test_handouts_are_not_written_over_their_source(tmp_path, capsys, command):
    """A learner who works in a folder of handouts loses nothing by a command that names it."""
    path = tmp_path / "build" / "handouts" / "student" / "01_a.ipynb"
    path.parent.mkdir(parents=True)
    write_notebook(path, "x", execution_count=1)
    before = path.read_bytes()
    assert cli.main([command, "build/handouts/student"]) == 1
    assert "build/handouts, which is written anew each time" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_another_folder_stays_as_it_was(tmp_path, capsys):
    """Where there are no notebooks no file is made, and the error gives the full path of the folder."""
    assert cli.main(["run"]) == 1
    assert capsys.readouterr().err.startswith(f"tlhelpers: folder is {tmp_path / 'notebooks'}; it must hold notebooks;")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "which is not a folder; correct it, or unset it"),
        (lambda path: path.mkdir(), "has no folder 'train'; put photos"),
        (write_folder, r"a folder without the ants and bees"),
    ],
)
def test_wrong_photos_are_an_error_before_any_notebook_runs(tmp_path, monkeypatch, capsys, make, sentence):
    """The error names the variable, and no notebook is run; doctor says that the photos are wrong, too."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_a.ipynb").write_text("nobody reads this")
    make(tmp_path / "named")
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(tmp_path / "named"))
    assert cli.main(["run"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("tlhelpers: TLHELPERS_PHOTOS names") and sentence in message
    assert not (tmp_path / "build").exists()
    assert find_photos().state == "wrong"


# tlhelpers prefetch


def failing(sentence):
    """Return a function that raises a RuntimeError with this sentence."""

    def fail(*_):
        raise RuntimeError(sentence)

    return fail


def test_prefetch_without_weights_does_not_promise_anything(monkeypatch, capsys):
    """It says once what is missing, and not that the cache folder can be used without a network."""
    monkeypatch.setattr(pretrained, "load_resnet50", failing("nobody answers"))
    monkeypatch.setattr(pretrained, "obtain", failing("nobody answers either"))
    monkeypatch.setattr(tutorial, "tutorial_photos", lambda: None)
    assert cli.main(["prefetch"]) == 1
    printed = capsys.readouterr()
    assert printed.err == "Incomplete, weights are missing: nobody answers\n"
    assert "Cache folder" in printed.out and "without any network" not in printed.out


def test_prefetch_without_any_photos_says_what_to_do(monkeypatch, capsys):
    """The weights are fetched all the same, and both reasons are in the sentence."""
    monkeypatch.setattr(pretrained, "load_resnet50", lambda name: None)
    monkeypatch.setattr(pretrained, "obtain", lambda entry: None)
    monkeypatch.setattr(tutorial, "tutorial_photos", failing("there are neither ants and bees nor solar cells"))
    assert cli.main(["prefetch"]) == 1
    printed = capsys.readouterr()
    assert printed.err == "Incomplete, photos are missing: there are neither ants and bees nor solar cells\n"
    assert "without any network" not in printed.out


def test_prefetch_with_everything_there_says_how_to_go_on(monkeypatch, capsys):
    """The folder can be copied to machines that have no network."""
    monkeypatch.setattr(pretrained, "load_resnet50", lambda name: None)
    monkeypatch.setattr(pretrained, "obtain", lambda entry: None)
    monkeypatch.setattr(tutorial, "tutorial_photos", lambda: None)
    assert cli.main(["prefetch"]) == 0
    printed = capsys.readouterr()
    assert "serves without any network" in printed.out and printed.err == ""


# tlhelpers cache


def fill_cache(cache):
    """Write a file of each kind into a cache folder, and some that are not this package's; return the latter."""
    write_folder(cache / "photos" / "hymenoptera_data")
    content = b"weights of torchvision"
    digits = hashlib.sha256(content).hexdigest()[:8]
    theirs = {
        "weights/mine.pth": b"",
        "weights/mine-12345678.pth": b"a",
        "features/notes.npy": b"b",
        "progress/01.1": b"",
    }
    theirs |= {
        "weights/resnet50-he2015.pth": b"damaged",
        "weights/a.pth.damaged-1": b"damaged",
        "features/.new-mine/a": b"d",
    }
    ours = {f"weights/net-{digits}.pth": content, f"features/{'0' * 32}-{'1' * 16}.npy": b"features"}
    for name, written in (theirs | ours).items():
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_bytes(written)
    return set(theirs)


def names_in(cache):
    """Return the paths of all files in a cache folder, as text, and count the photos as one."""
    names = {path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file()}
    return {"photos" if "photos" in name else name.rpartition("/")[2][:4] + name[-4:] for name in names}


def test_the_cache_is_listed_by_kind_with_sizes(tmp_path, capsys):
    """Each thing has a line, features have one together, and what is not the package's is called other."""
    fill_cache(tmp_path / "cache")
    assert cli.main(["cache", "list"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == f"Cache folder: {tmp_path / 'cache'}"
    kinds = [line.split()[0] for line in lines]
    assert kinds == ["rest", "damaged", "weights", "weights", "weights", "weights", "photos", "features", "other"]
    assert lines[6].endswith("MB  photos/hymenoptera_data (20 files)") and lines[7].endswith("MB  features (2 files)")


@pytest.mark.parametrize(
    ("kind", "removed"), [("weights", {"net-.pth"}), ("photos", {"photos"}), ("features", {"0000.npy"}), ("all", None)]
)
def test_clearing_removes_what_can_be_made_again_and_nothing_else(tmp_path, monkeypatch, capsys, kind, removed):
    """Files of the user, damaged files, the progress and whatever is not as it was made stay, and are named."""
    cache = tmp_path / "cache"
    theirs = fill_cache(cache)
    monkeypatch.setattr(storage, "find_fault", lambda *_: None)  # these photos stand for the ants and bees
    before = names_in(cache)
    assert cli.main(["cache", "clear", kind]) == 0
    assert before - names_in(cache) == (removed or {"net-.pth", "photos", "0000.npy"})
    assert theirs <= {path.relative_to(cache).as_posix() for path in cache.rglob("*")}
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("removed  ") for line in lines) == len(removed or "abc")
    assert re.fullmatch(r"[0-9.,]+ MB removed\.", lines[-1])
    assert any("a.pth.damaged-1, which was set aside" in line for line in lines)
    assert (kind == "photos") != any("which is not as this package made it" in line for line in lines)


@pytest.mark.parametrize("known", [True, False])
def test_photos_that_somebody_added_to_or_changed_stay(tmp_path, monkeypatch, capsys, known):
    """A folder with one more file, or with other photos, is not only the package's any more."""
    folder = tmp_path / "cache" / "photos" / "hymenoptera_data"
    fill_cache(tmp_path / "cache")
    if known:
        monkeypatch.setattr(storage, "find_fault", lambda *_: None)  # these photos stand for the ants and bees
        (folder / "train" / "notes.txt").touch()
    assert cli.main(["cache", "clear", "photos"]) == 0
    assert len(list(folder.rglob("*.*"))) == 20 + known
    assert "left     photos/hymenoptera_data, which is not as this package made it" in capsys.readouterr().out


@pytest.mark.parametrize("has_lock", [True, False])
def test_clearing_removes_the_rests_of_processes_that_died(tmp_path, capsys, has_lock):
    """Those with a lock that nobody holds; and those without one, as version 0.2 left them, when a day has passed."""
    rest = tmp_path / "cache" / "weights" / ".new-0abc_123"
    rest.mkdir(parents=True)
    (rest / "half").touch()
    if has_lock:
        lock_of(rest).touch()
    else:
        os.utime(rest, (0, 0))
    assert cli.main(["cache", "clear", "features"]) == 0
    assert list((tmp_path / "cache" / "weights").iterdir()) == []
    assert "removed  weights/.new-0abc_123 (0.0 MB)" in capsys.readouterr().out


def test_an_empty_cache_is_listed_and_cleared_without_creating_it(tmp_path, capsys):
    """There is nothing to list and nothing to remove."""
    assert cli.main(["cache", "list"]) == cli.main(["cache", "clear", "all"]) == 0
    assert not (tmp_path / "cache").exists() and capsys.readouterr().out.endswith("0.0 MB removed.\n")


@pytest.mark.parametrize("arguments", [["clear"], ["list", "photos"]])
def test_what_to_clear_must_be_named(arguments, capsys):
    """Clearing everything by a slip of the keyboard is not possible."""
    assert cli.main(["cache", *arguments]) == 1
    assert "write for example: tlhelpers cache clear features" in capsys.readouterr().err


def test_a_cache_of_no_use_is_one_sentence(monkeypatch, capsys):
    """Every command that needs the folder names the variable: it is a file, or of an unknown user."""
    for named, why in (
        ("~nobody-of-this-name/x", "which cannot be used"),
        (__file__, "which is a file; name a folder"),
    ):
        monkeypatch.setenv("TLHELPERS_CACHE", named)
        assert cli.main(["cache", "list"]) == 1
        assert capsys.readouterr().err.startswith(f"tlhelpers: TLHELPERS_CACHE names {named}, {why}")
