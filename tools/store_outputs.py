"""Run notebooks and store their outputs in them: ``python -m tools.store_outputs [NOTEBOOK ...]``.

A notebook that stops at an error, or that warns, stays as it was. The seconds and the memory that each one took go into
``benchmarks/results/notebooks.json``; tests compare the times in the notebooks and in the README with them.
"""

import json
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tlhelpers.classroom.notebooks import find_notebooks
from tlhelpers.classroom.runner import NotebookRun, run_notebook

ROOT = Path(__file__).parents[1]


def store_outputs(paths: list[Path], measured: Path) -> int:
    """Run and store each notebook; return how many were refused.

    Parameters
    ----------
    paths : list of Path
        The notebooks.
    measured : Path
        The JSON file that gets the seconds and the memory of each run.
    """
    refused = 0
    for path in paths:
        notebook, run = run_notebook(path)
        reason = run.error or find_warning(notebook)
        refused += bool(reason)
        if not reason:
            nbformat.write(notebook, path)
            store_run(run, measured)
        print(f"{path.name}: {f'not stored, {reason}' if reason else f'stored, {run.seconds:.1f} s'}")
    return refused


def store_run(run: NotebookRun, measured: Path) -> None:
    """Store what a run took, beside the other notebooks."""
    runs = json.loads(measured.read_text(encoding="utf-8")) if measured.exists() else {}
    runs[run.name] = {"seconds": round(run.seconds, 1), "megabytes": run.megabytes and round(run.megabytes)}
    measured.write_text(json.dumps(dict(sorted(runs.items())), indent=2) + "\n", encoding="utf-8")


def find_warning(notebook: NotebookNode) -> str | None:
    """Return where and what a notebook wrote to stderr, or None."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                return f"cell [{cell.execution_count}] wrote to stderr: {output.text.strip().splitlines()[-1]}"
    return None


if __name__ == "__main__":
    notebooks = [Path(name) for name in sys.argv[1:]] or find_notebooks(ROOT / "notebooks")
    sys.exit(min(1, store_outputs(notebooks, ROOT / "benchmarks" / "results" / "notebooks.json")))
