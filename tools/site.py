"""What Sphinx cannot read by itself becomes Markdown that it can: notebooks with their outputs, and links to them."""

import re
from html import escape

import nbformat
from nbformat import NotebookNode

_FENCE = "`" * 10  # longer than any in a notebook
_LINK = re.compile(r"(\]\([^)\s#]*\.ipynb#)([^)\s]+)")  # to a heading of a notebook
# A name with its module in the directive of a function or a class, but not in a default value
_QUALIFIED = re.compile(r"(?<![\w.'\"])(?<!= )(?:\w+\.)+[A-Z]\w*")


def notebook_to_markdown(text: str) -> str:
    """Return an executed notebook as Markdown for MyST, without running anything.

    Parameters
    ----------
    text : str
        The notebook as it is stored, in JSON.

    Returns
    -------
    str
        Code cells are followed by their outputs. Figures keep their alternative text. Cells with the tag ``solution``
        are folded.
    """
    return "\n\n".join(map(_cell, nbformat.reads(text, as_version=4).cells))


def lower_anchors(text: str) -> str:
    """Return Markdown whose links to headings of notebooks are spelled as on GitHub and in the site, not as in Jupyter.

    Examples
    --------
    >>> lower_anchors("[seen](00_a.ipynb#What-is-it,-then?)")
    '[seen](00_a.ipynb#what-is-it-then)'
    """
    return _LINK.sub(lambda link: link[1] + re.sub(r"[^\w-]", "", link[2].lower()), text)


def shorten_types(text: str) -> str:
    """Return a generated page of the reference whose signatures show types without their modules, as links.

    Examples
    --------
    >>> shorten_types(".. py:function:: relu(features: torch.Tensor) -> torch.Tensor")
    '.. py:function:: relu(features: ~torch.Tensor) -> ~torch.Tensor'
    """
    signature = re.compile(r"^ *\.\. py:(?:function|method|class):: .*$", re.M)
    return signature.sub(lambda line: _QUALIFIED.sub(r"~\g<0>", line[0]), text)


def _cell(cell: NotebookNode) -> str:
    if cell.cell_type != "code":
        return cell.source
    parts = [_block(cell.source, "python", "input"), *map(_output, cell.outputs)]
    if "solution" in cell.metadata.get("tags", []):
        parts = ["<details><summary>A solution</summary>", *parts, "</details>"]
    return "\n\n".join(parts)


def _output(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return _block(output.text, "text", "output")
    if "image/png" not in output.data:
        return _block(output.data["text/plain"], "text", "output")
    alt = escape(" ".join(output.metadata.get("image/png", {}).get("alt", "").split()))
    return f'<img class="output" alt="{alt}" src="data:image/png;base64,{"".join(output.data["image/png"].split())}">'


def _block(text: str, language: str, css_class: str) -> str:
    return f"{_FENCE}{{code-block}} {language}\n:class: {css_class}\n\n{text.rstrip()}\n{_FENCE}"
