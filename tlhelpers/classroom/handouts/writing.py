"""Write the handouts: every notebook for students and for tutors, the pages they link to, and a list of all."""

import copy
import os
import re
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from tlhelpers.classroom.handouts.folder import AUDIENCES, clear_folder, record_files
from tlhelpers.classroom.handouts.index import write_index
from tlhelpers.classroom.handouts.links import linked_files, redirect_links
from tlhelpers.classroom.handouts.page import write_page
from tlhelpers.classroom.handouts.printing import print_page
from tlhelpers.classroom.notebooks import clean

NOTES = {"student": "Solutions are left out.", "tutor": "Solutions are folded below the checks."}


def write_handouts(
    source: Path, notebooks: Iterable[tuple[str, NotebookNode]], folder: Path, browser: str | None
) -> None:
    """Write executed notebooks for students and for tutors.

    Parameters
    ----------
    source : Path
        The folder of the notebooks. Pages in ``docs`` beside it that they link to become part of the handouts.
    notebooks : iterable of (str, NotebookNode)
        Names and executed notebooks. Each is written as soon as the iterable yields it.
    folder : Path
        Gets ``student`` and ``tutor``, each with an ``index.html``. Earlier handouts are removed. Any other file there,
        such as a notebook with somebody's answers, moves to ``kept``.
    browser : str or None
        The path of a browser that prints the pages as PDFs. With None there are no PDFs, and one line says so.

    Raises
    ------
    ValueError
        If the notebooks are in the folder of the handouts.
    """
    if folder.resolve() in [source.resolve(), *source.resolve().parents]:
        raise ValueError(
            f"source is {source}; it must be outside of {folder}, which is written anew each time; "
            "copy its notebooks to a folder of your own first"
        )
    if browser is None:
        print("No PDFs, because there is neither Chromium nor Chrome here; any browser prints the pages.")
    clear_folder(folder)  # so that no old page looks like a new one
    for audience in AUDIENCES:
        (folder / audience).mkdir(parents=True, exist_ok=True)
    try:
        _write_all(source, notebooks, folder, browser)
    finally:  # also if it was stopped
        record_files(folder)


def _write_all(source: Path, notebooks: Iterable[tuple[str, NotebookNode]], folder: Path, browser: str | None) -> None:
    """Write notebooks one by one while others are printed, then the pages of ``docs``, the lists and the results."""
    docs = {path.resolve(): f"{path.stem}.html" for path in (source.parent / "docs").glob("*.md")}
    targets: dict[Path, str] = {}
    linked: set[Path] = set()
    with ThreadPoolExecutor(os.cpu_count()) as printers:
        waiting = []
        for name, notebook in notebooks:
            targets[(source / f"{name}.ipynb").resolve()] = f"{name}.ipynb"
            linked |= linked_files(notebook, source) & docs.keys()
            written = _write_notebook(name, redirect_links(notebook, source, docs), folder)
            waiting += [printers.submit(print_page, page, browser) for page in written if browser]
        for printing in waiting:
            printing.result()  # raises the exception of a printer, if there was one
    teaching = {path for path in docs if path.stem == "teaching"}
    for audience, paths in (("student", linked), ("tutor", linked | teaching)):
        pages = {path: docs[path] for path in paths}
        _write_docs(pages, targets, folder / audience)
        write_index(folder / audience, sorted(pages.values()), NOTES[audience])
    _copy_results(source, folder)


def _write_notebook(name: str, notebook: NotebookNode, folder: Path) -> list[Path]:
    """Write page and notebook for students and for tutors; return the pages."""
    clean(notebook)  # the state of a widget would hold outputs of solutions
    pages = []
    for audience, version in (("student", without_solutions(notebook)), ("tutor", notebook)):
        page = folder / audience / f"{name}.html"
        write_page(version, page)
        nbformat.write(version, page.with_suffix(".ipynb"))
        pages.append(page)
    return pages


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook without the cells that have the tag ``solution``, and without mention of them."""
    cells = [copy.copy(cell) for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r" A solution is folded away[^.]*\.", "", cell.source)
    return nbformat.from_dict({**notebook, "cells": cells})


def _write_docs(pages: dict[Path, str], targets: dict[Path, str], folder: Path) -> None:
    """Write pages of ``docs``, with links to each other and to the notebooks of the handout."""
    for path, name in pages.items():
        text = new_notebook(cells=[new_markdown_cell(path.read_text(encoding="utf-8"))])
        write_page(redirect_links(text, path.parent, targets | pages), folder / name)


def _copy_results(source: Path, folder: Path) -> None:
    """Copy the stored results, which notebooks read from the same place beside their own folder."""
    results = source.parent / "benchmarks" / "results"
    if results.is_dir():
        shutil.copytree(results, folder / "benchmarks" / "results", dirs_exist_ok=True)
