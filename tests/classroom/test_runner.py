"""Running notebooks: in order, in this Python, without touching them, and with a report of what failed."""

import json
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tests import store_outputs
from tlhelpers import cli
from tlhelpers.classroom import runner

FIGURE = """
import base64
from IPython.display import display
png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
display({"image/png": png}, metadata={"image/png": {"alt": "One pixel & no more"}}, raw=True)
"""
BAR = "from tqdm.auto import tqdm\nfor _ in tqdm([1]): pass\nprint('counted')"


def write_notebook(path, *sources):
    """Write a notebook of a formula and code cells, with an output that no run would give."""
    cells = [new_markdown_cell("# Title\n\n$x_i$ goes on in [the next](02_b.ipynb#Part)"), *map(new_code_cell, sources)]
    cells[1].outputs = [nbformat.v4.new_output("stream", text="stale")]
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """Run three notebooks, the second of which fails; give the folder, what was in it before, and the runs."""
    root = tmp_path_factory.mktemp("walk")
    write_notebook(root / "notebooks/01_a.ipynb", FIGURE, BAR, "import tlhelpers.machine\nRESULTS = {'probe': 0.948}")
    write_notebook(root / "notebooks/02_b.ipynb", "x = 1", "int('seven')", "print('never')")
    write_notebook(root / "notebooks/03_c.ipynb", "import sys; print(sys.executable)")
    before = contents(root / "notebooks")
    (root / "build/handouts/student").mkdir(parents=True)
    (root / "build/handouts/student/02_b.html").write_text("of an earlier run")
    return root, before, runner.run_all(root / "notebooks", root / "build")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def outputs_of(path):
    return [output for cell in nbformat.read(path, 4).cells for output in cell.get("outputs", [])]


def test_run_leaves_the_notebooks_alone(walk):
    """Nothing in the folder of notebooks changes, and nothing is added to it."""
    root, before, _ = walk
    assert contents(root / "notebooks") == before


def test_run_goes_on_after_a_failure_and_says_where(walk):
    """The second notebook fails in its second cell; the third is run all the same."""
    _, _, (good, bad, last) = walk
    assert (good.name, good.error, last.error) == ("01_a", None, None)
    assert bad.error == "cell [2]: ValueError: invalid literal for int() with base 10: 'seven'"


def test_run_uses_this_python_and_asks_the_kernel(walk):
    """The kernel is the Python that runs the tests; it is asked for its memory and the notebook's RESULTS."""
    root, _, (good, bad, last) = walk
    assert outputs_of(root / "build/notebooks/03_c.ipynb")[0].text.strip() == sys.executable
    assert (good.results, last.results) == ({"probe": 0.948}, {})
    assert 10 < good.megabytes < 1e5
    assert (bad.megabytes, last.megabytes) == (None, None)


def test_executed_copies_hold_new_outputs_and_no_widgets(walk):
    """Stale outputs go, progress bars are not kept, what was printed is."""
    root, _, _ = walk
    outputs = outputs_of(root / "build/notebooks/01_a.ipynb")
    assert [output.get("text", "").strip() for output in outputs] == ["", "counted"]
    assert [output.output_type for output in outputs_of(root / "build/notebooks/02_b.ipynb")] == ["error"]


def test_a_widget_leaves_its_picture():
    """Of a widget with a picture of itself the picture stays, with its alternative text; one without goes."""
    bundle = {runner.WIDGET: {"model_id": "1"}, "text/plain": "Figure: One pixel"}
    alt = {"image/png": {"alt": "One pixel"}}
    outputs = [
        nbformat.v4.new_output("display_data", data=bundle),
        nbformat.v4.new_output("display_data", data=bundle | {"image/png": "iVBOR"}, metadata=alt),
        nbformat.v4.new_output("stream", text="said"),
    ]
    notebook = new_notebook(cells=[new_code_cell("x", outputs=outputs)])
    runner.clean(notebook)
    picture, said = notebook.cells[0].outputs
    assert picture.data == {"image/png": "iVBOR", "text/plain": "Figure: One pixel"}
    assert (picture.metadata, said.text) == (alt, "said")


def test_handout_needs_no_network(walk):
    """A page loads nothing from anywhere; formulas, alternative texts and links to the next page are in it."""
    root, _, _ = walk
    page = (root / "build/handouts/student/01_a.html").read_text(encoding="utf-8")
    assert "<script src" not in page and 'src="http' not in page and "import(" not in page
    assert "<math" in page and "<msub>" in page
    assert "One pixel &amp; no more" in page
    assert 'href="02_b.html#Part"' in page


def test_handouts_are_those_of_this_run(walk):
    """What failed has none, though the run before left a page of that name; who reads the list is not told of it."""
    root, _, _ = walk
    for audience in ("student", "tutor"):
        files = {path.name for path in (root / "build/handouts" / audience).iterdir()} - {"01_a.pdf", "03_c.pdf"}
        assert files == {"01_a.html", "01_a.ipynb", "03_c.html", "03_c.ipynb", "index.html"}
        index = (root / "build/handouts" / audience / "index.html").read_text(encoding="utf-8")
        assert 'href="01_a.ipynb"' in index and 'href="02_b.html"' not in index


def test_report_has_a_line_for_each_notebook(walk):
    """Seconds, memory and accuracy stand beside the name, or the error."""
    _, _, runs = walk
    header, good, bad, last, together = runner.report(runs).splitlines()
    assert "probe 94.8 %" in good and " MB" in good
    assert "FAILED: cell [2]: ValueError" in bad
    assert last.startswith("03_c") and together.startswith("together")


def test_dead_kernel_is_an_error_like_any_other(tmp_path):
    """A kernel that dies ends its notebook with a sentence, not the whole run."""
    path = write_notebook(tmp_path / "notebooks/01_dies.ipynb", "import os; os._exit(1)")
    _, run = runner.run_notebook(path)
    assert run.error.startswith("cell [1]: the kernel died") and run.megabytes is None


def test_missing_notebooks_are_named(tmp_path, capsys):
    """A folder without notebooks is named in one sentence, and the exit status is 1."""
    assert cli.main(["run", str(tmp_path)]) == 1
    assert str(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize("last_cell", ["1 / 0", "import sys; print('hm', file=sys.stderr)"])
def test_outputs_with_error_or_warning_are_not_stored(tmp_path, last_cell, capsys):
    """A notebook that fails or warns stays as it was."""
    path = write_notebook(tmp_path / "notebooks/01_a.ipynb", "print('new')", last_cell)
    before = path.read_bytes()
    assert store_outputs.main([path]) == 1
    assert path.read_bytes() == before
    assert "not stored" in capsys.readouterr().out


def test_outputs_are_stored_clean(tmp_path, monkeypatch):
    """Stored are the outputs, counted from 1; cell names stay, and nothing of the editor or of widgets."""
    monkeypatch.setattr(store_outputs, "MEASURED", tmp_path / "measured.json")
    path = write_notebook(tmp_path / "notebooks/01_a.ipynb", "print('new')", BAR)
    assert store_outputs.main([path]) == 0
    notebook = nbformat.read(path, 4)
    assert [cell["id"] for cell in notebook.cells] == ["cell-0", "cell-1", "cell-2"]
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2]
    assert [output.text for cell in notebook.cells[1:] for output in cell.outputs] == ["new\n", "counted\n"]
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert not any(cell.metadata for cell in notebook.cells)
    assert 0 < json.loads((tmp_path / "measured.json").read_text())["01_a"]["seconds"] < 60


def test_help_is_quick():
    """The command line explains itself without importing torch."""
    code = "import sys, tlhelpers.cli as cli\ntry: cli.main(['--help'])\nfinally: print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "prefetch" in done.stdout and done.stdout.endswith("False\n")
