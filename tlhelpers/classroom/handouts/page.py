"""An executed notebook as one HTML page that loads nothing from the network."""

import re
from functools import cache
from html import escape, unescape
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

from tlhelpers.classroom.handouts.formulas import to_mathml
from tlhelpers.classroom.handouts.sanitizing import sanitize

TEMPLATE = Path(__file__).with_name("page.html.j2")


def render(notebook: NotebookNode, title: str) -> str:
    """Return an executed notebook as one HTML page.

    Parameters
    ----------
    notebook : NotebookNode
    title : str
        For the tab of the browser, if the notebook has no title in its metadata.
    """
    return _exporter().from_notebook_node(notebook, resources={"metadata": {"name": title}})[0]


def lead_to_pages(page: str) -> str:
    """Return a page whose links to other notebooks lead to the pages of those."""
    return re.sub(r'href="(?!\w+:)([^"]*)\.ipynb', r'href="\1.html', page)


@cache
def _exporter() -> "PageExporter":
    return PageExporter(filters={"sanitize": sanitize})


class PageExporter(HTMLExporter):
    """Writes notebooks with our template, which passes each cell to a filter named ``sanitize``."""

    def __init__(self, **options: Any) -> None:
        super().__init__(raw_template=TEMPLATE.read_text(encoding="utf-8"), **options)

    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        attachments = context.get("cell", {}).get("attachments")
        return MarkdownWithMath(renderer=_Renderer(escape=False, attachments=attachments)).render(source)


class _Renderer(IPythonRenderer):
    """Writes formulas as MathML, and gives each heading the names by which links call it."""

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        words = unescape(re.sub("<[^>]+>", "", text))
        in_jupyter = words.replace(" ", "-")
        on_github = re.sub(r"[^\w-]", "", in_jupyter.lower())
        anchors = "".join(f'<a id="{escape(name)}"></a>' for name in dict.fromkeys((in_jupyter, on_github)))
        return f"<h{level}>{anchors}{text}</h{level}>\n"

    def block_math(self, body: str) -> str:
        return to_mathml(body, display="block")

    def inline_math(self, body: str) -> str:
        return to_mathml(body)

    def latex_environment(self, name: str, body: str) -> str:
        return to_mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", display="block")
