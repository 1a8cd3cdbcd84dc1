"""A small project with one executed notebook, and a function that writes its handouts."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tlhelpers.classroom.handouts.writing import write_handouts
from tlhelpers.classroom.runner import run_notebook

LINKS = "[words](../docs/words.md#of-the-b-trade), [`a[0]`](../docs/none.md), [all](../README.md), [on](02_b.ipynb)"


def exercise(number):
    """Return the code cells of an exercise: stub, check and solution."""
    solution = f"def task_{number}():\n    return 6 * 7\nprint(task_{number}())"
    return [
        new_code_cell(f"def task_{number}(): ...  # your turn"),
        new_code_cell(f"print('Exercise {number}:', task_{number}() or 'not attempted yet.')"),
        new_code_cell(solution, metadata={"tags": ["solution"]}),
    ]


@pytest.fixture(scope="session")
def executed(tmp_path_factory):
    """Return a project of one executed notebook with two exercises, and pages in ``docs`` beside it."""
    project = tmp_path_factory.mktemp("executed")
    for folder in ("notebooks", "docs"):
        (project / folder).mkdir()
    path = project / "notebooks" / "01_a.ipynb"
    cells = [new_markdown_cell(f"# 01 · One\n\nWhy | so?\n\n{LINKS}"), *exercise(1), *exercise(2)]
    nbformat.write(new_notebook(cells=cells), path)
    notebook, run = run_notebook(path)
    assert run.error is None
    nbformat.write(notebook, path)
    links = "[one](../notebooks/01_a.ipynb#01-·-One), [more](more.md), [all](../README.md)"
    (project / "docs" / "words.md").write_text(f"# Words\n\n## Of the *B* trade\n\n{links}", encoding="utf-8")
    (project / "docs" / "more.md").write_text("# More")
    return project


@pytest.fixture
def project(executed, tmp_path):
    """Return a copy of the small project that a test may change."""
    return shutil.copytree(executed, tmp_path / "project")


def stored(project: Path):
    """Return the names and notebooks of a project."""
    return [(path.stem, nbformat.read(path, as_version=4)) for path in sorted((project / "notebooks").iterdir())]


def write(project: Path, browser: str | None = None) -> Path:
    """Write the handouts of a project; return their folder."""
    folder = project / "build" / "handouts"
    write_handouts(project / "notebooks", stored(project), folder, browser)
    return folder
