"""Whatever a notebook holds, its page runs nothing and loads nothing; what our notebooks use stays as it is."""

import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from tests.classroom.handouts.attacks import NAMES, PNG, notebook_with
from tlhelpers.classroom.handouts.page import PageExporter, render
from tlhelpers.classroom.handouts.sanitizing import sanitize

NOTEBOOKS = sorted((Path(__file__).parents[3] / "notebooks").glob("*.ipynb"))
RUNS_OR_LOADS = """
    animate applet audio base body button embed form frame frameset iframe image input link meta noscript object param
    portal script set source style svg template textarea track use video annotation-xml
"""
# they are escaped already, an SVG is shown as a picture, or only what follows is lost
DEAD_BY_THEMSELVES = {
    "LaTeX",
    "SVG",
    "code with a tag",
    "comment that hides what follows",
    "formula with a tag",
    "text",
}
ADDRESSES = "action background cite codebase data formaction ping poster srcdoc srcset xlink:href"


class Elements(HTMLParser):
    """The start tags of HTML, and its text."""

    def __init__(self, html):
        super().__init__()
        self.found, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


def is_alive(tag, attributes):
    """Tell whether an element of a page runs or loads something, at once or when somebody clicks on it."""
    links, pictures = attributes.get("href", "#"), attributes.get("src", f"data:image/png;base64,{PNG}")
    return (
        tag in RUNS_OR_LOADS.split()
        or any(name.startswith("on") for name in attributes)
        or bool(set(attributes) & set(ADDRESSES.split()))
        or not (re.match(r"https?:|mailto:", links) or not re.match(r"[^/?#]*:", links))
        or not re.fullmatch(r"data:image/(png|jpeg|svg\+xml);base64,[\w+/=\s]+", pictures)
        or bool(re.search(r"url|\\|position|expression", attributes.get("style", "")))
    )


def test_attacks_are_dead():
    """No element of the page runs or loads anything, and the cell after each attack is there."""
    head, body = render(notebook_with(*NAMES), "page").split("<main")
    assert {tag for tag, _ in Elements(head).found} == {"html", "head", "meta", "title", "style", "body"}
    page = Elements(f"<main{body}")
    assert [element for element in page.found if is_alive(*element)] == []
    assert re.findall(r"^after (.*)$", page.text, re.M) == NAMES


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_test_sees_what_is_alive(name):
    """Without the sanitizer the attack is found, unless the page of nbconvert has no place for it."""
    elements = Elements(unsanitized(notebook_with(name)).split("<main")[1]).found
    assert any(is_alive(*element) for element in elements) != (name in DEAD_BY_THEMSELVES)


def unsanitized(notebook):
    """Return the page of a notebook as it was before it was sanitized."""
    return PageExporter(filters={"sanitize": lambda html: html}).from_notebook_node(
        notebook, {"metadata": {"name": "page"}}
    )[0]


def test_what_a_reader_sees_stays():
    """Text, tables with their alignment, folds, links and their targets, code colors, pictures and marked words."""
    kept = (
        '<h2 id="a">A</h2><p class="x">a <b>b</b> <em>c</em> <kbd>d</kbd><br>&lt;e&gt; <a href="#a">f</a> '
        '<a href="02_b.html#The-end">g</a> <a href="https://h.org/?i=j&amp;k">l</a></p>'
        '<table><thead><tr><th style="text-align:right">m</th></tr></thead><tbody><tr>'
        '<td colspan="2">n</td></tr></tbody></table>'
        '<details open=""><summary>o</summary><pre><span class="kn">import</span></pre></details>'
        f'<img alt="p" src="data:image/png;base64,{PNG}"><ol start="3"><li>q</li></ol>'
        '<math display="block"><mrow><msub><mi>𝐖</mi><mn>1</mn></msub><mo stretchy="false">(</mo></mrow></math>'
    )
    assert sanitize(kept) == kept


def test_an_attached_picture_stays():
    """A picture that was pasted into a text is in the page."""
    cell = new_markdown_cell("![a dot](attachment:dot.png)", attachments={"dot.png": {"image/png": PNG}})
    assert f'src="data:image/png;base64,{PNG}"' in render(new_notebook(cells=[cell]), "page")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_our_pages_stay_as_they_are(path):
    """The page of each notebook has the same elements with the same attributes, and the same text, as unsanitized."""
    notebook = nbformat.read(path, as_version=4)
    before, after = (Elements(page.split("<main")[1]) for page in (unsanitized(notebook), render(notebook, "page")))
    assert len(before.found) > 300 and after.found == before.found and after.text == before.text
