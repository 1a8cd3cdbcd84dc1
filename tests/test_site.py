"""The site of ``make docs``: notebooks become Markdown, and links and signatures are spelled as Sphinx needs them."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tests.test_notebooks import anchors
from tools.site import lower_anchors, notebook_to_markdown, shorten_types

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize(
    "link, wanted",
    [
        ("[a](../notebooks/06_b.ipynb#Is-the-data-clean?)", "[a](../notebooks/06_b.ipynb#is-the-data-clean)"),
        (
            "[a](06_b.ipynb#One-photo,-2048-numbers), [b](06_b.ipynb)",
            "[a](06_b.ipynb#one-photo-2048-numbers), [b](06_b.ipynb)",
        ),
        ("[中文](#中文简介), [a](help.md#A-B), `B#C`", "[中文](#中文简介), [a](help.md#A-B), `B#C`"),
    ],
)
def test_only_links_to_headings_of_notebooks_change(link, wanted):
    """They lose their capitals and punctuation, as the headings do in the site; all other links stay as they are."""
    assert lower_anchors(link) == wanted


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_headings_of_a_notebook_stay_apart(path):
    """No two headings of a notebook have the same anchor in the site."""
    found = [lower_anchors(f"](x.ipynb#{anchor})") for anchor in anchors(path)]
    assert len(set(found)) == len(found)


def test_types_are_short_in_signatures_alone():
    """A tilde hides the module of a type; default values and the text of a docstring stay as they are."""
    page = (
        ".. py:function:: f(x: torch.Tensor | None = torch.X, *, y: list[a.b.C] = 'a.B') -> d.E\n\n   See torch.Tensor."
    )
    wanted = page.replace("x: torch", "x: ~torch").replace("[a.b", "[~a.b").replace("d.E", "~d.E")
    assert shorten_types(page) == wanted


def test_a_notebook_keeps_everything_but_the_running():
    """Text, code, printed lines and figures follow each other; a solution is folded; figures keep their words."""
    figure = new_output(
        "display_data",
        {"image/png": "aGk=\n", "text/plain": "Figure"},
        metadata={"image/png": {"alt": 'A "cat" & more'}},
    )
    printed = new_output("stream", text="1\n2\n")
    cells = [
        new_markdown_cell("# Title"),
        new_code_cell("1 + 1", outputs=[printed, figure]),
        new_code_cell(
            "2 + 2", metadata={"tags": ["solution"]}, outputs=[new_output("execute_result", {"text/plain": "4"})]
        ),
    ]
    text = notebook_to_markdown(nbformat.writes(new_notebook(cells=cells)))
    order = ["# Title", "1 + 1", "1\n2", "base64,aGk=", "<details>", "2 + 2", "\n4\n", "</details>"]
    assert re.search(".*".join(map(re.escape, order)), text, re.S)
    assert 'alt="A &quot;cat&quot; &amp; more"' in text and "Figure" not in text
