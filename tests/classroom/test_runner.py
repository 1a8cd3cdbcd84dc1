"""Notebooks are run in order, in this Python; they stay as they are, and a report says what failed."""

import json
import re
import shutil
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tlhelpers.classroom import kernel
from tlhelpers.classroom.notebooks import WIDGET, clean, find_notebooks, read_notebook
from tlhelpers.classroom.runner import report, run_all, run_notebook
from tools.store_outputs import store_outputs

BAR = "from tqdm.auto import tqdm\nfor _ in tqdm([1]): pass\nprint('counted')"


def write_notebook(path, *sources):
    """Write a notebook with a title, code cells, and an output that no run would give."""
    cells = [new_markdown_cell("# Title"), *map(new_code_cell, sources)]
    cells[1].outputs = [nbformat.v4.new_output("stream", text="stale")]
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """Run three notebooks, of which the second fails; return the folder, what was in it before, and the runs."""
    root = tmp_path_factory.mktemp("walk")
    write_notebook(root / "notebooks/01_a.ipynb", BAR, "import tlhelpers.machine\nRESULTS = {'probe': 0.948}")
    write_notebook(root / "notebooks/02_b.ipynb", "x = 1", "int('seven')", "print('never')")
    write_notebook(root / "notebooks/03_c.ipynb", "import sys; print(sys.executable)")
    before = contents(root / "notebooks")
    return root, before, [run for _, run in run_all(root / "notebooks", root / "copies")]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def outputs_of(path):
    return [output for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", [])]


@pytest.mark.slow
def test_run_leaves_the_notebooks_alone(walk):
    """No file in the folder of notebooks changes, and no file is added to it."""
    root, before, _ = walk
    assert contents(root / "notebooks") == before


@pytest.mark.slow
def test_run_goes_on_after_a_failure_and_says_where(walk):
    """The second notebook fails in its second cell; the third is run all the same."""
    _, _, (good, bad, last) = walk
    assert (good.name, good.error, last.error) == ("01_a", None, None)
    assert bad.error == "cell [2]: ValueError: invalid literal for int() with base 10: 'seven'"


@pytest.mark.slow
def test_run_uses_this_python_and_asks_the_kernel(walk):
    """The kernel is the Python that runs the tests; it answers its peak memory and the RESULTS of the notebook."""
    root, _, (good, bad, last) = walk
    assert outputs_of(root / "copies/03_c.ipynb")[0].text.strip() == sys.executable
    assert (good.results, last.results) == ({"probe": 0.948}, {})
    assert 10 < good.megabytes < 1e5
    assert (bad.megabytes, last.megabytes) == (None, None)


@pytest.mark.slow
def test_executed_copies_hold_new_outputs_and_no_widgets(walk):
    """Old outputs and progress bars are removed; what was printed stays."""
    root, _, _ = walk
    outputs = outputs_of(root / "copies/01_a.ipynb")
    assert [output.get("text", "").strip() for output in outputs] == ["counted"]
    assert [output.output_type for output in outputs_of(root / "copies/02_b.ipynb")] == ["error"]


def test_a_widget_leaves_its_picture():
    """Of a widget with a picture, the picture stays with its alternative text; a widget without one is removed."""
    bundle = {WIDGET: {"model_id": "1"}, "text/plain": "Figure: One pixel"}
    alt = {"image/png": {"alt": "One pixel"}}
    outputs = [
        nbformat.v4.new_output("display_data", data=bundle),
        nbformat.v4.new_output("display_data", data=bundle | {"image/png": "iVBOR"}, metadata=alt),
        nbformat.v4.new_output("stream", text="said"),
    ]
    notebook = new_notebook(cells=[new_code_cell("x", outputs=outputs)])
    clean(notebook)
    picture, said = notebook.cells[0].outputs
    assert picture.data == {"image/png": "iVBOR", "text/plain": "Figure: One pixel"}
    assert (picture.metadata, said.text) == (alt, "said")


@pytest.mark.slow
def test_report_has_a_line_for_each_notebook(walk):
    """Beside the name are seconds, memory and accuracies, or the error."""
    _, _, runs = walk
    header, good, bad, last, together = report(runs).splitlines()
    assert "probe 94.8 %" in good and " MB" in good
    assert "FAILED: cell [2]: ValueError" in bad
    assert last.startswith("03_c") and together.startswith("together")


@pytest.mark.slow
def test_a_dead_kernel_is_an_error_like_any_other(tmp_path):
    """A kernel that dies ends the run of its notebook with a sentence, and not the whole program."""
    path = write_notebook(tmp_path / "notebooks/01_dies.ipynb", "import os; os._exit(1)")
    _, run = run_notebook(path)
    assert run.error.startswith("cell [1]: the kernel died") and run.megabytes is None


@pytest.mark.slow
@pytest.mark.parametrize("python", ["/no/python", shutil.which("false")])
def test_a_kernel_that_does_not_start_is_an_error_like_any_other(tmp_path, monkeypatch, python):
    """The run has one sentence with the reason, and the notebook stays as it is."""
    path = write_notebook(tmp_path / "notebooks/01_a.ipynb", "1")
    before = path.read_bytes()
    monkeypatch.setattr(sys, "executable", python)
    _, run = run_notebook(path)
    assert re.fullmatch(r"no kernel started \(.+\); 'tlhelpers doctor' says what this machine lacks", run.error)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "nobody",
        "[]",
        '{"a": 1}',
        '{"nbformat": 4, "nbformat_minor": "", "metadata": {}, "cells": []}',
        '{"nbformat": 99}',
        '{"nbformat": 4, "cells": [{}]}',
    ],
)
def test_what_is_no_notebook_is_one_sentence(tmp_path, content):
    """The error names the file, whatever is wrong with it."""
    path = tmp_path / "01_a.ipynb"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"01_a.ipynb is not a notebook that can be read \(.+\); restore the file, or"):
        read_notebook(path)


@pytest.mark.slow
def test_the_others_run_if_one_is_no_notebook(tmp_path):
    """Its run has an error, it stays as it is, and there is no copy of it."""
    (tmp_path / "01_a.ipynb").write_text("nobody")
    write_notebook(tmp_path / "02_b.ipynb", "1")
    broken, good = [run for _, run in run_all(tmp_path, tmp_path / "copies")]
    assert "is not a notebook" in broken.error and good.error is None
    assert (tmp_path / "01_a.ipynb").read_text() == "nobody"
    assert [path.name for path in (tmp_path / "copies").iterdir()] == ["02_b.ipynb"]


def test_a_folder_that_cannot_be_written_is_an_error_before_anything_runs(tmp_path):
    """The error names the folder and the reason, and no notebook runs for nothing."""
    write_notebook(tmp_path / "notebooks/01_a.ipynb", "open('ran', 'w')")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RuntimeError, match="cannot write to .*file/copies .*, or start tlhelpers in a folder that can"):
        list(run_all(tmp_path / "notebooks", tmp_path / "file" / "copies"))
    assert not (tmp_path / "notebooks" / "ran").exists() and (tmp_path / "file").read_text() == "mine"


@pytest.mark.slow
def test_a_kernel_that_refuses_at_first_is_asked_again(tmp_path, monkeypatch):
    """After an error a kernel refuses requests for a while, here for half a second; its answer arrives all the same."""
    config = tmp_path / "ipython" / "profile_default" / "ipython_kernel_config.py"
    config.parent.mkdir(parents=True)
    config.write_text("get_config().Kernel.stop_on_error_timeout = 0.5")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    path = write_notebook(tmp_path / "notebooks/01_a.ipynb", "RESULTS = {'probe': 0.9}", "int('seven')")
    _, run = run_notebook(path)
    assert "ValueError" in run.error and run.results == {"probe": 0.9}


def test_a_folder_without_notebooks_is_an_error(tmp_path):
    """The error names the folder, and what to do."""
    with pytest.raises(ValueError, match=f"folder is {tmp_path}; it must hold notebooks; go to"):
        find_notebooks(tmp_path)


@pytest.mark.parametrize(
    ("variables", "results"),
    [
        ({}, {}),
        ({"RESULTS": {"probe": 1, 5: "0.5"}}, {"probe": 1.0, "5": 0.5}),
        ({"RESULTS": {"probe": (0.9, 224)}}, {}),
        ({"RESULTS": 7}, {}),
    ],
)
def test_the_kernel_answers_results_that_are_numbers(variables, results):
    """A notebook without RESULTS, or with something else under that name, has no results and no error."""
    assert kernel.answer(variables)["results"] == results


@pytest.mark.slow
@pytest.mark.parametrize("last_cell", ["1 / 0", "import sys; print('hm', file=sys.stderr)"])
def test_outputs_with_error_or_warning_are_not_stored(tmp_path, last_cell, capsys):
    """A notebook that fails or warns stays as it was."""
    path = write_notebook(tmp_path / "notebooks/01_a.ipynb", "print('new')", last_cell)
    before = path.read_bytes()
    assert store_outputs([path], tmp_path / "measured.json") == 1
    assert path.read_bytes() == before and not (tmp_path / "measured.json").exists()
    assert "not stored" in capsys.readouterr().out


@pytest.mark.slow
def test_outputs_are_stored_clean(tmp_path):
    """Outputs are stored, cells are counted from 1 and keep their ids, and no trace of editor or widgets is left."""
    path = write_notebook(tmp_path / "notebooks/01_a.ipynb", "print('new')", BAR)
    assert store_outputs([path], tmp_path / "measured.json") == 0
    notebook = nbformat.read(path, 4)
    assert [cell["id"] for cell in notebook.cells] == ["cell-0", "cell-1", "cell-2"]
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2]
    assert [output.text for cell in notebook.cells[1:] for output in cell.outputs] == ["new\n", "counted\n"]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert not any(cell.metadata for cell in notebook.cells)
    assert 0 < json.loads((tmp_path / "measured.json").read_text())["01_a"]["seconds"] < 60
