"""Handouts of executed notebooks, with and without solutions: notebooks, pages that ask for no network, and PDFs."""

import copy
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from html import escape, unescape
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import nbformat
from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from tlhelpers.classroom.notebooks import clean

# The page of nbconvert without the scripts that it fetches, with the alternative text of figures, solutions folded.
# On paper: small code, no prompts, nothing cut in two that fits on a page, and no heading at a page's end.
TEMPLATE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_css -%}
{{ super() }}
<style>
details > summary { cursor: pointer; margin: 0.5em 5em; font-family: var(--jp-content-font-family); }
.jp-InputArea-editor pre { white-space: pre-wrap; overflow-wrap: anywhere; }
math { font-family: "Latin Modern Math", "STIX Two Math", "Cambria Math", "DejaVu Math TeX Gyre", math; }
@page { size: A4; margin: 15mm; @bottom-center { content: counter(page); font-size: 8pt; } }
@media print {
  body.jp-Notebook, .jp-Cell { padding: 0; margin: 0 0 6pt; }
  .jp-Notebook main, .jp-Cell, .jp-Cell > div, .jp-InputArea, .jp-OutputArea, .jp-OutputArea-child { display: block; }
  .jp-InputPrompt, .jp-OutputPrompt { display: none; }
  .jp-InputArea-editor .cm-editor .highlight pre, .jp-Cell .jp-OutputArea-output pre { font-size: 7pt !important; }
  .jp-Cell .jp-InputArea-editor { display: block; }
  .jp-Cell .jp-OutputArea-output pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .jp-RenderedHTMLCommon { font-size: 10pt; padding-right: 0; }
  .jp-CodeCell .jp-InputArea, tr, img, math { break-inside: avoid; }
  h1, h2, h3, h4, summary, .jp-CodeCell .jp-Cell-inputWrapper { break-after: avoid; }
  p, li { orphans: 3; widows: 3; }
  img { max-width: 100%; max-height: 240mm; }
  details > summary { margin: 6pt 0; font-style: italic; }
}
</style>
{%- endblock -%}
{%- block codecell -%}
{%- if 'solution' in cell.metadata.get('tags', []) -%}
<details><summary>A solution</summary>{{ super() }}</details>
{%- else -%}
{{ super() }}
{%- endif -%}
{%- endblock -%}
{%- block input -%}
<div class="jp-Editor jp-InputArea-editor">
<div class="cm-editor cm-s-jupyter">{{ cell.source | highlight_code }}</div>
</div>
{%- endblock -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block data_png -%}
<div class="jp-RenderedImage jp-OutputArea-output">
<img src="data:image/png;base64,{{ output.data['image/png'] | trim }}"
     alt="{{ output | get_metadata('alt', 'image/png') | escape_html }}">
</div>
{%- endblock -%}
"""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PRINT = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-pdf-header-footer")
# A link out of the folder, or to a text beside it: what is clicked on, the file, and the heading in it.
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((\.\./[^)\s#]+|[\w-]+\.md)(#[^)\s]*)?\)")
INDEX = """\
# Transfer learning for image recognition

Read a page, or open its notebook in JupyterLab and answer the exercises. {solutions}

| | Notebook | The question it answers | To open |
|:--|:--|:--|:--|
{rows}

{beside}
"""
WRITTEN = ".written.json"  # the hash of each handout as it was written
SOLUTIONS = {"student": "Solutions are left out.", "tutor": "Solutions are folded below the checks."}


def write_handouts(source: Path, notebooks: Iterable[tuple[str, NotebookNode]], folder: Path) -> None:
    """Write executed notebooks for students and for tutors; PDFs too, where a browser can print them.

    Parameters
    ----------
    source : Path
        The folder of the notebooks. What they link to in ``docs`` beside it becomes pages, too.
    notebooks : iterable of (str, NotebookNode)
        Names and notebooks, taken one after the other.
    folder : Path
        Gets ``student`` and ``tutor``, each with an ``index.html``. Handouts of before are removed; what else is found
        there, such as a notebook with somebody's answers, moves to ``kept``.

    Raises
    ------
    ValueError
        If the notebooks lie in that folder themselves.
    """
    if folder.resolve() in [source.resolve(), *source.resolve().parents]:
        raise ValueError(f"{source} is written anew each time; copy its notebooks to a folder of your own first")
    _clear(folder)  # an older page must not pass for a new one
    for audience in SOLUTIONS:
        (folder / audience).mkdir(parents=True, exist_ok=True)
    try:
        _write_all(source, notebooks, folder)
    finally:  # also if it was stopped
        (folder / WRITTEN).write_text(json.dumps(_hashes(folder), indent=2), encoding="utf-8")


def _write_all(source: Path, notebooks: Iterable[tuple[str, NotebookNode]], folder: Path) -> None:
    browser = find_browser()
    if browser is None:
        print("No PDFs, because there is neither Chromium nor Chrome here; any browser prints the pages.")
    docs = {path.resolve(): f"{path.stem}.html" for path in (source.parent / "docs").glob("*.md")}
    names, linked, printing = [], set(), []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, notebook in notebooks:
            names.append(name)
            linked |= _linked(notebook, source) & docs.keys()
            whole = _with_links(notebook, source, docs)
            clean(whole)  # the state of a widget would hold outputs of solutions
            for audience, version in (("student", without_solutions(whole)), ("tutor", whole)):
                page = folder / audience / f"{name}.html"
                write_handout(version, page)
                nbformat.write(version, page.with_suffix(".ipynb"))
                if browser:
                    printing.append(pool.submit(print_page, page, browser))
        for printed in printing:
            printed.result()
    targets = {(source / f"{name}.ipynb").resolve(): f"{name}.ipynb" for name in names}
    teaching = {path for path in docs if path.stem == "teaching"}
    for audience, beside in (("student", linked), ("tutor", linked | teaching)):
        pages = {path: docs[path] for path in beside}
        for path in beside:
            text = new_notebook(cells=[new_markdown_cell(path.read_text(encoding="utf-8"))])
            write_handout(_with_links(text, path.parent, targets | pages), folder / audience / docs[path])
        _write_index(folder / audience, sorted(pages.values()))
    results = source.parent / "benchmarks" / "results"  # which notebooks read, as they do from their own folder
    if results.is_dir():
        shutil.copytree(results, folder / "benchmarks" / "results", dirs_exist_ok=True)


def _clear(folder: Path) -> None:
    """Remove the handouts of before, as they were written; move all else out of the way, and say so."""
    written = json.loads((folder / WRITTEN).read_text(encoding="utf-8")) if (folder / WRITTEN).exists() else {}
    for name, found in _hashes(folder).items():
        if written.get(name) == found:
            (folder / name).unlink()
            continue
        kept, number = folder / "kept" / name, 1
        while kept.exists():
            kept, number = (folder / "kept" / name).with_suffix(f".{number}{Path(name).suffix}"), number + 1
        kept.parent.mkdir(parents=True, exist_ok=True)
        (folder / name).replace(kept)
        print(f"{folder / name} is not as it was written, so it is kept: {kept}.")


def _hashes(folder: Path) -> dict[str, str]:
    """Return the hash of every file for students and tutors, by its place in the folder."""
    paths = (path for audience in SOLUTIONS for path in (folder / audience).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in sorted(paths)}


def find_browser() -> str | None:
    """Return where the machine's Chromium or Chrome is, None if it has neither."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook without the cells tagged ``solution``, and without a promise of them."""
    cells = [copy.copy(cell) for cell in notebook.cells if "solution" not in cell.metadata.get("tags", [])]
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r" A solution is folded away[^.]*\.", "", cell.source)
    return nbformat.from_dict({**notebook, "cells": cells})


def write_handout(notebook: NotebookNode, path: Path) -> None:
    """Write an executed notebook as one self-contained HTML page.

    Parameters
    ----------
    notebook : NotebookNode
    path : Path
        The page; its folder is made if it is missing, and its name gives the title.
    """
    page = re.sub(r'href="(?!\w+:)([^"]*)\.ipynb', r'href="\1.html', _page(notebook, path.stem))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")  # in which the next notebook is the next page


def print_page(page: Path, browser: str) -> None:
    """Print a page as a PDF beside it, all folds open; one line says so if the browser fails.

    Parameters
    ----------
    page : Path
        The PDF has its name, but for the ending.
    browser : str
        Chromium or Chrome.
    """
    text = page.read_text(encoding="utf-8").replace("<details", "<details open")
    text = re.sub(r'<a\b[^>]*? href="(?!\w+:|#)[^"]*"', "<a", text)  # a PDF is read on its own
    pdf = page.with_suffix(".pdf").absolute()
    # not in the system's folder for such files, which a browser in a sandbox may not read
    with TemporaryDirectory(dir=pdf.parents[1], prefix="printing-") as place:
        paper = Path(place).absolute() / page.name
        paper.write_text(text, encoding="utf-8")
        try:
            command = [browser, *PRINT, f"--print-to-pdf={pdf}", paper.as_uri()]
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        except (OSError, subprocess.TimeoutExpired):
            pdf.unlink(missing_ok=True)
    if not pdf.exists():
        print(f"{page} has no PDF: {browser} could not print it; print it from another browser.")


def _linked(notebook: NotebookNode, home: Path) -> set[Path]:
    """Return the files that a notebook links to out of its folder."""
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return {(home / file).resolve() for text in texts for _, file, _ in LINK.findall(text)}


def _with_links(notebook: NotebookNode, home: Path, pages: dict[Path, str]) -> NotebookNode:
    """Return a copy whose links out of its folder lead to these pages; of a link to elsewhere its text is left."""

    def lead(link: re.Match) -> str:
        page = pages.get((home / link[2]).resolve())
        return f"[{link[1]}]({page}{link[3] or ''})" if page else link[1]

    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(lead, cell.source)
    return notebook


def _write_index(folder: Path, beside: list[str]) -> None:
    """Write the list of the notebooks in a folder, and of the pages beside them."""
    rows = []
    for path in sorted(folder.glob("*.ipynb")):
        number, title, question = _heading(nbformat.read(path, as_version=4), path.stem)
        files = {"page": path.with_suffix(".html"), "notebook": path, "PDF": path.with_suffix(".pdf")}
        links = (f"[{kind}]({quote(file.name)})" for kind, file in files.items() if file.exists())
        rows.append(f"| {number} | {title} | {question} | {'&nbsp;·&nbsp;'.join(links)} |")
    pages = " · ".join(f"[{Path(name).stem.replace('_', ' ')}]({name})" for name in beside)
    pages = f"Beside them: {pages}" if pages else ""
    text = INDEX.format(solutions=SOLUTIONS[folder.name], rows="\n".join(rows), beside=pages)
    title = {"title": "Transfer learning for image recognition"}
    page = _page(new_notebook(cells=[new_markdown_cell(text)], metadata=title), "index")
    (folder / "index.html").write_text(page, encoding="utf-8")


def _heading(notebook: NotebookNode, name: str) -> tuple[str, str, str]:
    """Return number, title and question, which the first cell begins with."""
    first = notebook.cells[0].source if notebook.cells else ""
    title, question, *_ = [*filter(None, first.replace("|", r"\|").splitlines()), "", ""]
    number, dot, words = title.removeprefix("# ").partition(" · ")
    return (number, words, question) if dot else ("", number or name, question)


def _page(notebook: NotebookNode, title: str) -> str:
    return _exporter().from_notebook_node(notebook, resources={"metadata": {"name": title}})[0]


@cache
def _exporter() -> "_Page":
    return _Page(raw_template=TEMPLATE, embed_images=True)


class _Page(HTMLExporter):
    @pass_context
    def markdown2html(self, context, source: str) -> str:
        return MarkdownWithMath(renderer=_Renderer(escape=False)).render(source)


class _Renderer(IPythonRenderer):
    """Formulas as MathML, which browsers draw by themselves; headings under the names that links call them."""

    def heading(self, text: str, level: int, **attributes) -> str:
        words = unescape(re.sub("<[^>]+>", "", text))
        of_jupyter = words.replace(" ", "-")
        of_github = re.sub(r"[^\w-]", "", of_jupyter.lower())
        anchors = "".join(f'<a id="{escape(name)}"></a>' for name in dict.fromkeys((of_jupyter, of_github)))
        return f"<h{level}>{anchors}{text}</h{level}>\n"

    def block_math(self, body: str) -> str:
        return _mathml(body, display="block")

    def inline_math(self, body: str) -> str:
        return _mathml(body)

    def latex_environment(self, name: str, body: str) -> str:
        return _mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", display="block")


def _mathml(formula: str, **options) -> str:
    """Return a formula as MathML, its bold letters as letters that are bold by themselves: browsers know no other."""
    bold = r'<mi mathvariant="bold">([A-Za-z])</mi>'
    return re.sub(bold, lambda match: f"<mi>{_bold(match[1])}</mi>", convert(formula, **options))


def _bold(letter: str) -> str:
    return chr(ord(letter) - ord("A") + 0x1D400 if letter.isupper() else ord(letter) - ord("a") + 0x1D41A)
