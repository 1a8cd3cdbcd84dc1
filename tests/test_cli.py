"""The command line says in one sentence what is wrong, before it does anything that takes long."""

import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.tiny import write_folder
from tlhelpers import cli
from tlhelpers.doctor import describe_photos
from tlhelpers.network import pretrained
from tlhelpers.photos import ants_and_bees


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
    """The error names the variable, and no notebook is run; doctor reports what it can tell without reading photos."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_a.ipynb").write_text("nobody reads this")
    make(tmp_path / "named")
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(tmp_path / "named"))
    assert cli.main(["run"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("tlhelpers: TLHELPERS_PHOTOS names") and sentence in message
    assert not (tmp_path / "build").exists()
    assert ("not available" in describe_photos()) == (make is not write_folder)


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
    monkeypatch.setattr(ants_and_bees, "ants_and_bees", lambda: None)
    assert cli.main(["prefetch"]) == 1
    printed = capsys.readouterr()
    assert printed.err == "Incomplete, weights are missing: nobody answers\n"
    assert "Cache folder" in printed.out and "without any network" not in printed.out


def test_prefetch_with_everything_there_says_how_to_go_on(monkeypatch, capsys):
    """The folder can be copied to machines that have no network."""
    monkeypatch.setattr(pretrained, "load_resnet50", lambda name: None)
    monkeypatch.setattr(pretrained, "obtain", lambda entry: None)
    monkeypatch.setattr(ants_and_bees, "ants_and_bees", lambda: None)
    assert cli.main(["prefetch"]) == 0
    printed = capsys.readouterr()
    assert "serves without any network" in printed.out and printed.err == ""


# tlhelpers doctor


def test_doctor_has_a_line_for_each_thing(capsys):
    """Each line begins with its name; on an empty cache the line says how to get what is missing."""
    assert cli.main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ["Python", "torch", "torchvision", "device", "weights", "photos", "disk", "memory"]
    assert [line.split()[0] for line in lines] == names
    assert "none yet; fetch them: tlhelpers prefetch" in lines[4] and "drawn ones; where there is a network" in lines[5]
