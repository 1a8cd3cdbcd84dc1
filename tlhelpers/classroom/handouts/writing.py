"""Write the handouts: every notebook for students and for tutors, the pages they link to, and a list of all."""

import copy
import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from tlhelpers.classroom.handouts.folder import AUDIENCES, Handouts, empty_handouts
from tlhelpers.classroom.handouts.index import index_page
from tlhelpers.classroom.handouts.links import embed_pictures, linked_files, redirect_links
from tlhelpers.classroom.handouts.page import lead_to_pages, render
from tlhelpers.classroom.handouts.printing import print_page
from tlhelpers.classroom.notebooks import clean

RESULTS = "../benchmarks/results"  # as notebooks name the folder
RESULT = rf"{re.escape(RESULTS)}/([\w-]+\.json)"
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
    RuntimeError
        If another process writes handouts to the folder, or a file cannot be written.
    """
    if folder.resolve() in [source.resolve(), *source.resolve().parents]:
        raise ValueError(
            f"source is {source}; it must be outside of {folder}, which is written anew each time; "
            "copy its notebooks to a folder of your own first"
        )
    if browser is None:
        print("No PDFs, because there is neither Chromium nor Chrome here; any browser prints the pages.")
    with empty_handouts(folder) as handouts:  # so that no old page looks like a new one
        _write_all(source, notebooks, handouts, browser)


def _write_all(
    source: Path, notebooks: Iterable[tuple[str, NotebookNode]], handouts: Handouts, browser: str | None
) -> None:
    """Write notebooks one by one while others are printed, then the pages of ``docs`` and the lists."""
    docs = {path.resolve(): f"{path.stem}.html" for path in (source.parent / "docs").glob("*.md")}
    written: dict[str, NotebookNode] = {}
    linked: set[Path] = set()
    with ThreadPoolExecutor(os.cpu_count()) as printers:
        printing = []
        for name, notebook in notebooks:
            linked |= linked_files(notebook, source) & docs.keys()
            written[name] = redirect_links(notebook, source, docs)
            _bring_results(written[name], source, handouts)
            for file, page in _write_notebook(name, written[name], handouts).items():
                printing += [printers.submit(_print, file, page, handouts, browser)] if browser else []
        printed = {each.result() for each in printing}  # raises the exception of a printer, if there was one
    targets = {(source / f"{name}.ipynb").resolve(): f"{name}.ipynb" for name in written}
    teaching = {path for path in docs if path.stem == "teaching"}
    for audience, paths in (("student", linked), ("tutor", linked | teaching)):
        pages = {path: docs[path] for path in paths}
        _write_docs(pages, targets, handouts, audience)
        with_pdf = {name for name in written if f"{audience}/{name}.html" in printed}
        index = index_page(written, with_pdf, sorted(pages.values()), NOTES[audience])
        handouts.write({f"{audience}/index.html": index.encode()})


def _write_notebook(name: str, notebook: NotebookNode, handouts: Handouts) -> dict[str, str]:
    """Write page and notebook for students and for tutors; return the pages by their paths."""
    clean(notebook)  # the state of a widget would hold outputs of solutions
    versions = {"student": without_solutions(notebook), "tutor": notebook}
    pages = {f"{audience}/{name}.html": lead_to_pages(render(version, name)) for audience, version in versions.items()}
    files = {f"{audience}/{name}.ipynb": nbformat.writes(version) + "\n" for audience, version in versions.items()}
    handouts.write({path: text.encode() for path, text in (pages | files).items()})
    return pages


def _print(file: str, page: str, handouts: Handouts, browser: str) -> str | None:
    """Print a page as a PDF beside it; return its path, or None after a line which says that the browser failed."""
    pdf = print_page(page, browser, handouts.unfinished)
    if pdf is None:
        print(f"{handouts.folder / file} has no PDF: {browser} could not print it; print it from another browser.")
        return None
    handouts.write({str(PurePosixPath(file).with_suffix(".pdf")): pdf})
    return file


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook without the cells that have the tag ``solution``, and without mention of them."""
    cells = [copy.copy(cell) for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r" A solution is folded away[^.]*\.", "", cell.source)
    return nbformat.from_dict({**notebook, "cells": cells})


def _write_docs(pages: dict[Path, str], targets: dict[Path, str], handouts: Handouts, audience: str) -> None:
    """Write pages of ``docs``, with links to each other and to the notebooks of the handout."""
    for path, name in pages.items():
        text = embed_pictures(path.read_text(encoding="utf-8"), path.parent)
        notebook = new_notebook(cells=[new_markdown_cell(text)])
        page = lead_to_pages(render(redirect_links(notebook, path.parent, targets | pages), path.stem))
        handouts.write({f"{audience}/{name}": page.encode()})


def _bring_results(notebook: NotebookNode, source: Path, handouts: Handouts) -> None:
    """Write the stored results that a notebook reads into a folder beside it, so that the handout works alone."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            for name in re.findall(RESULT, cell.source):
                path = source / RESULTS / name
                content = path.read_bytes() if path.is_file() else None
                handouts.write({f"{audience}/results/{name}": content for audience in AUDIENCES if content})
            cell.source = re.sub(RESULT, r"results/\1", cell.source)
