"""Run notebooks and store their outputs in them: python tests/store_outputs.py [NOTEBOOK ...]

A notebook that stops at an error, or that warns, is left as it was. The seconds and the memory that each one took go
into benchmarks/results/notebooks.json, which the times in the notebooks and in the README are tested against.
"""

import json
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tlhelpers.classroom.notebooks import find_notebooks
from tlhelpers.classroom.runner import NotebookRun, run_notebook

ROOT = Path(__file__).parents[1]
NOTEBOOKS, MEASURED = ROOT / "notebooks", ROOT / "benchmarks" / "results" / "notebooks.json"


def main(paths: list[Path]) -> int:
    """Run and store each notebook; return 1 if one was refused."""
    refused = 0
    for path in paths:
        notebook, run = run_notebook(path)
        reason = run.error or warning(notebook)
        refused += bool(reason)
        if not reason:
            nbformat.write(notebook, path)
            remember(run)
        print(f"{path.name}: {f'not stored, {reason}' if reason else f'stored, {run.seconds:.1f} s'}")
    return int(refused > 0)


def remember(run: NotebookRun) -> None:
    """Keep what a run took, beside that of the other notebooks."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    measured[run.name] = {"seconds": round(run.seconds, 1), "megabytes": run.megabytes and round(run.megabytes)}
    MEASURED.write_text(json.dumps(dict(sorted(measured.items())), indent=2) + "\n", encoding="utf-8")


def warning(notebook: NotebookNode) -> str | None:
    """Return where and what a notebook wrote to stderr, or None."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                return f"cell [{cell.execution_count}] wrote to stderr: {output.text.strip().splitlines()[-1]}"
    return None


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or find_notebooks(NOTEBOOKS)))
