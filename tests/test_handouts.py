"""A handout is one page that asks the network for nothing, folds its solutions, and can be read by everybody."""

import html
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tlhelpers.classroom.handouts import write_handout

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def page(tmp_path):
    """The HTML of a small notebook with a formula, links, a figure, a task and its solution."""
    figure = new_output("display_data", {"image/png": PNG}, metadata={"image/png": {"alt": 'a dot, "small"'}})
    cells = [
        new_markdown_cell(
            "# 01 · Page\n\n$\\mathbf W \\mathbf{a}_c$ and [on](02_on.ipynb#The-end), [out](https://a.b/c.ipynb)"
        ),
        new_code_cell("draw()", execution_count=1, outputs=[figure]),
        new_code_cell("def task(): ...", execution_count=2),
        new_code_cell("def task():\n    return 42", execution_count=3, metadata={"tags": ["solution"]}),
    ]
    path = tmp_path / "folder" / "01_page.html"
    write_handout(new_notebook(cells=cells), path)
    return path.read_text(encoding="utf-8")


def test_nothing_is_asked_of_the_network(page):
    """No script, style sheet, font or picture comes from elsewhere; links that a reader may click are all there is."""
    fetched = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"'](?!data:)([^\"']+)", page)
    assert fetched == [] and not re.search(r"url\([\"']?https?:|@import|https?://[^\s\"']*\.js", page)


def test_the_title_is_that_of_the_file(page):
    assert "<title>01_page</title>" in page


def test_the_next_notebook_is_the_next_page(page):
    """Links among the notebooks lead to pages, headings included; those to other places stay as they are."""
    assert 'href="02_on.html#The-end"' in page and 'href="https://a.b/c.ipynb"' in page


def test_figures_keep_their_alternative_text(page):
    """Quotation marks in it do no harm."""
    (attribute,) = re.findall(r"alt=(\"[^\"]*\"|'[^']*')", page)
    assert html.unescape(attribute[1:-1]) == 'a dot, "small"'


def test_formulas_are_mathml_with_bold_letters(page):
    """Browsers draw it by themselves; a letter is bold by its own character, since they ignore mathvariant."""
    assert "<math" in page and "$" not in re.sub(r"<style.*?</style>", "", page, flags=re.S).split("<main")[1]
    assert "<mi>\U0001d416</mi>" in page and 'mathvariant="bold"' not in page


def test_a_solution_is_folded_and_nothing_else(page):
    """The solution's code stands in a fold that is closed at first; the task stands open."""
    (fold,) = re.findall(r"<details>.*?</details>", page, re.S)
    assert "42" in fold and "A solution" in fold
    assert ">task<" in page.replace(fold, "")
    assert (
        "42" not in re.sub(r"<style.*?</style>|data:[^\"]*", "", page.replace(fold, ""), flags=re.S).split("<main")[1]
    )
