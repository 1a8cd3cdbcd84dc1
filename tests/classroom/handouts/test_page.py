"""A page loads nothing from the network, can be read by everybody, and folds the solutions."""

import html
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tlhelpers.classroom.handouts.page import lead_to_pages, render

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TEXT = "# 01 · Page\n\n$\\mathbf W \\mathbf{a}_c$ and [on](02_on.ipynb#The-end), [out](https://a.b/c.ipynb)"


@pytest.fixture(scope="module")
def page():
    """Return the HTML of a small notebook with a formula, links, a figure, a task and its solution."""
    figure = new_output("display_data", {"image/png": PNG}, metadata={"image/png": {"alt": 'a dot, "small" & round'}})
    cells = [
        new_markdown_cell(TEXT),
        new_code_cell("draw()", execution_count=1, outputs=[figure]),
        new_code_cell("def task(): ...", execution_count=2),
        new_code_cell("def task():\n    return 'forty-two'", execution_count=3, metadata={"tags": ["solution"]}),
    ]
    return lead_to_pages(render(new_notebook(cells=cells), "01_page"))


def test_the_page_loads_nothing_from_the_network(page):
    """No script, style sheet, font or picture comes from elsewhere; only links that a reader may click do."""
    loaded = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"'](?!data:)([^\"']+)", page)
    assert loaded == []
    assert not re.search(r"url\([\"']?https?:|@import|https?://[^\s\"']*\.js|import\(", page)


def test_the_title_is_the_name_of_the_file(page):
    """The browser shows the name of the page in its tab. It cannot end the title."""
    assert "<title>01_page</title>" in page


def test_links_to_notebooks_lead_to_their_pages(page):
    """A link to another notebook leads to the page of it, headings included; a link to the web stays as it is."""
    assert 'href="02_on.html#The-end"' in page and 'href="https://a.b/c.ipynb"' in page


def test_figures_keep_their_alternative_text(page):
    """Also one with quotation marks and an ampersand."""
    (attribute,) = re.findall(r"alt=(\"[^\"]*\"|'[^']*')", page)
    assert html.unescape(attribute[1:-1]) == 'a dot, "small" & round'


def test_formulas_are_mathml_with_bold_letters(page):
    """Browsers draw MathML by themselves. A bold letter is a character of its own, since they ignore mathvariant."""
    assert "<math" in page and "<msub>" in page
    assert "$" not in re.sub(r"<style.*?</style>", "", page, flags=re.S).split("<main")[1]
    assert "<mi>\U0001d416</mi>" in page and 'mathvariant="bold"' not in page


def test_a_solution_is_folded_and_nothing_else(page):
    """The code of a solution is in a fold that is closed at first; the task is not folded."""
    (fold,) = re.findall(r"<details>.*?</details>", page, re.S)
    assert "forty-two" in fold and "A solution" in fold
    assert ">task<" in page.replace(fold, "")
    text = re.sub(r"<style.*?</style>|data:[^\"]*", "", page.replace(fold, ""), flags=re.S).split("<main")[1]
    assert "forty-two" not in text
