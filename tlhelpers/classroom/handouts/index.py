"""The page that lists the notebooks of a handout, with links to their files."""

from pathlib import Path
from urllib.parse import quote

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from tlhelpers.classroom.handouts.page import render

TITLE = "Transfer learning for image recognition"
TEXT = """\
# {title}

Read a page, or open its notebook in JupyterLab and answer the exercises. {note}

| | Notebook | The question it answers | To open |
|:--|:--|:--|:--|
{rows}

{others}
"""


def write_index(folder: Path, pages: list[str], note: str) -> None:
    """Write ``index.html``, which lists the notebooks in a folder and the other pages there.

    Parameters
    ----------
    folder : Path
        Holds the notebooks, their pages, and PDFs of those pages that could be printed.
    pages : list of str
        The names of the other pages.
    note : str
        A sentence for the readers of this folder.
    """
    rows = "\n".join(_row(path) for path in sorted(folder.glob("*.ipynb")))
    links = " · ".join(f"[{Path(name).stem.replace('_', ' ')}]({name})" for name in pages)
    text = TEXT.format(title=TITLE, note=note, rows=rows, others=f"Beside them: {links}" if links else "")
    notebook = new_notebook(cells=[new_markdown_cell(text)], metadata={"title": TITLE})
    (folder / "index.html").write_text(render(notebook, "index"), encoding="utf-8")


def _row(path: Path) -> str:
    """Return the row of one notebook: number, title, question, and links to the files that there are."""
    number, title, question = _heading(nbformat.read(path, as_version=4), path.stem)
    files = {"page": path.with_suffix(".html"), "notebook": path, "PDF": path.with_suffix(".pdf")}
    links = (f"[{kind}]({quote(file.name)})" for kind, file in files.items() if file.exists())
    return f"| {number} | {title} | {question} | {'&nbsp;·&nbsp;'.join(links)} |"


def _heading(notebook: NotebookNode, name: str) -> tuple[str, str, str]:
    """Return number, title and question, with which the first cell of a notebook begins."""
    first = notebook.cells[0].source if notebook.cells else ""
    title, question, *_ = [*filter(None, first.replace("|", r"\|").splitlines()), "", ""]
    number, dot, words = title.removeprefix("# ").partition(" · ")
    return (number, words, question) if dot else ("", number or name, question)
