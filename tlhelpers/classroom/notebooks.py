"""Run notebooks top to bottom, each in a kernel of its own, and report how it went."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

WIDGET = "application/vnd.jupyter.widget-view+json"


def find_notebooks(folder: Path) -> list[Path]:
    """Return the notebooks of a folder in the order of the series.

    Raises
    ------
    ValueError
        If there is no such folder, or no notebook in it.
    """
    notebooks = sorted(folder.glob("*.ipynb"))
    if not notebooks:
        raise ValueError(
            f"no notebooks in {folder.absolute()}; go to the project's folder, or name the one that holds them"
        )
    return notebooks


def is_executed(notebook: NotebookNode) -> bool:
    """Return whether every cell of code was run, and none ended in an error."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    failed = any(output.output_type == "error" for cell in cells for output in cell.outputs)
    return not failed and all(cell.execution_count for cell in cells)


def clean(notebook: NotebookNode) -> None:
    """Take out of a notebook what lives only as long as its kernel: widgets, progress bars, time stamps.

    Of a widget that brings a picture of itself, the picture stays.
    """
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [
                output for output in cell.outputs if set(output.get("data", {})) - {"text/plain"} != {WIDGET}
            ]
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET, None)
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
