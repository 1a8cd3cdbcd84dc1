"""Run notebooks and store their outputs in them: python tests/store_outputs.py [NOTEBOOK ...]

A notebook that stops at an error, or that warns, is left as it was.
"""

import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tlhelpers.runner import find_notebooks, run_notebook

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def main(paths: list[Path]) -> int:
    """Run and store each notebook; return 1 if one was refused."""
    refused = 0
    for path in paths:
        notebook, run = run_notebook(path)
        reason = run.error or warning(notebook)
        refused += bool(reason)
        if not reason:
            nbformat.write(notebook, path)
        print(f"{path.name}: {f'not stored, {reason}' if reason else f'stored, {run.seconds:.1f} s'}")
    return int(refused > 0)


def warning(notebook: NotebookNode) -> str | None:
    """Return where and what a notebook wrote to stderr, or None."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.get("name") == "stderr":
                return f"cell [{cell.execution_count}] wrote to stderr: {output.text.strip().splitlines()[-1]}"
    return None


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or find_notebooks(NOTEBOOKS)))
