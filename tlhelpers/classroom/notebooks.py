"""Notebook files: find them, tell whether they were run, and remove what is of no use in a stored notebook."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tlhelpers.arguments import first_line

WIDGET = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}


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
            f"folder is {folder.absolute()}; it must hold notebooks; "
            "go to the project's folder, or name the folder of the notebooks"
        )
    return notebooks


def read_notebook(path: Path) -> NotebookNode:
    """Return the notebook in a file.

    Raises
    ------
    ValueError
        If the file cannot be read, or does not hold a notebook.
    """
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        return notebook
    except Exception as error:  # nbformat has many types of errors for a file that it cannot read
        reason = getattr(error, "strerror", None) or first_line(error)
        raise ValueError(
            f"{path} is not a notebook that can be read ({reason}); restore the file, or move it elsewhere"
        ) from error


def is_executed(notebook: NotebookNode) -> bool:
    """Return whether every code cell was run and none ended in an error."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    failed = any(output.output_type == "error" for cell in cells for output in cell.outputs)
    return not failed and all(cell.execution_count for cell in cells)


def clean(notebook: NotebookNode) -> None:
    """Remove what works only as long as the kernel runs: widgets, progress bars, time stamps.

    If a widget comes with a picture of itself, the picture stays.
    """
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_bare_widget(output)]
            for output in cell.outputs:
                output.get("data", {}).pop(WIDGET, None)
    notebook.metadata = nbformat.from_dict({"kernelspec": dict(KERNEL), "language_info": {"name": "python"}})


def _is_bare_widget(output: NotebookNode) -> bool:
    """Return whether an output is a widget without a picture of itself."""
    return set(output.get("data", {})) - {"text/plain"} == {WIDGET}
