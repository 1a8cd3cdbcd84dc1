"""An executed notebook as one HTML page that asks the network for nothing, formulas included."""

import re
from pathlib import Path

from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode

# The page of nbconvert without the scripts that it fetches, with the alternative text of figures, solutions folded.
TEMPLATE = """\
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_css -%}
{{ super() }}
<style>
details > summary { cursor: pointer; margin: 0.5em 5em; }
.jp-InputArea-editor pre { white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { .jp-InputArea-editor pre, .jp-OutputArea-output pre { font-size: 8pt; } }
</style>
{%- endblock -%}
{%- block codecell -%}
{%- if 'solution' in cell.metadata.get('tags', []) -%}
<details><summary>A solution</summary>{{ super() }}</details>
{%- else -%}
{{ super() }}
{%- endif -%}
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


def write_handout(notebook: NotebookNode, path: Path) -> None:
    """Write an executed notebook as one self-contained HTML page.

    Parameters
    ----------
    notebook : NotebookNode
    path : Path
        The page; its folder is made if it is missing, and its name gives the title.
    """
    exporter = _Page(raw_template=TEMPLATE, embed_images=True)
    html, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": path.stem}})
    path.parent.mkdir(parents=True, exist_ok=True)
    html = re.sub(r'href="(?!\w+:)([^"]*)\.ipynb', r'href="\1.html', html)  # the next notebook is the next page
    path.write_text(html, encoding="utf-8")


class _Page(HTMLExporter):
    @pass_context
    def markdown2html(self, context, source: str) -> str:
        return MarkdownWithMath(renderer=_MathMLRenderer(escape=False)).render(source)


class _MathMLRenderer(IPythonRenderer):
    """Formulas as MathML, which browsers draw by themselves."""

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
