"""The page that lists the notebooks of a handout, with links to their files."""

import re
from pathlib import Path
from urllib.parse import quote

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from tlhelpers.classroom.handouts.page import render

TITLE = "Transfer learning for image recognition"
TEXT = """\
# {title}

Read a page, or open its notebook in JupyterLab and answer the exercises. {note} Notebooks need the package `tlhelpers`,
whose README says how to install it, and nothing but the files beside this page.

| | Notebook | The question it answers | To open |
|:--|:--|:--|:--|
{rows}

{others}
"""


def index_page(notebooks: dict[str, NotebookNode], printed: set[str], pages: list[str], note: str) -> str:
    """Return the page that lists notebooks and other pages, in HTML.

    Parameters
    ----------
    notebooks : dict of str to NotebookNode
        By the names of their files, without the ending.
    printed : set of str
        The names of those that have a PDF.
    pages : list of str
        The files of the other pages.
    note : str
        A sentence for the readers of this handout.
    """
    rows = "\n".join(_row(name, notebooks[name], name in printed) for name in sorted(notebooks))
    links = " · ".join(_link(Path(page).stem.replace("_", " "), page) for page in pages)
    text = TEXT.format(title=TITLE, note=note, rows=rows, others=f"Beside them: {links}" if links else "")
    return render(new_notebook(cells=[new_markdown_cell(text)], metadata={"title": TITLE}), "index")


def _row(name: str, notebook: NotebookNode, is_printed: bool) -> str:
    """Return the row of one notebook: number, title, question, and links to its files."""
    number, title, question = _heading(notebook, name)
    endings = {"page": ".html", "notebook": ".ipynb"} | ({"PDF": ".pdf"} if is_printed else {})
    links = (_link(kind, f"{name}{ending}") for kind, ending in endings.items())
    return f"| {number} | {title} | {question} | {'&nbsp;·&nbsp;'.join(links)} |"


def _link(text: str, file: str) -> str:
    """Return a link in Markdown to a file beside the page."""
    return f"[{_literal(text)}]({quote(file)})"


def _literal(name: str) -> str:
    """Return the Markdown of a name in which no character is markup."""
    return re.sub(r"([^\w\s])", r"\\\1", name)


def _heading(notebook: NotebookNode, name: str) -> tuple[str, str, str]:
    """Return number, title and question, with which a notebook begins if its first cell is a text."""
    first = "".join(cell.source for cell in notebook.cells[:1] if cell.cell_type == "markdown")
    title, question, *_ = [*filter(None, first.replace("|", r"\|").splitlines()), "", ""]
    number, dot, words = title.removeprefix("# ").partition(" · ")
    return (number, words, question) if dot else ("", number or _literal(name), question)
