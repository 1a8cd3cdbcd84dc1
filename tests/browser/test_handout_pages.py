"""The pages for students open in a browser without a complaint, and ask for nothing but themselves."""

from pathlib import Path

import nbformat
import pytest

from tests.classroom.handouts.attacks import NAMES, notebook_with
from tlhelpers.classroom.handouts.page import render
from tlhelpers.classroom.handouts.writing import without_solutions

pytestmark = pytest.mark.slow
FLAT_FORMULAS = """[...document.querySelectorAll('math')].filter(formula => {
    const {width, height} = formula.getBoundingClientRect();
    return Math.min(width, height) < 3;
}).map(formula => formula.textContent)"""
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_page_is_whole_by_itself(path, page, tmp_path):
    """No error in the console, no request for another file, every picture and every formula drawn."""
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    file = tmp_path / f"{path.stem}.html"
    file.write_text(render(without_solutions(nbformat.read(path, as_version=4)), path.stem), encoding="utf-8")
    page.goto(file.as_uri(), wait_until="networkidle")
    assert said == []
    assert [url for url in asked if not url.startswith(("data:", file.as_uri()))] == []
    assert page.evaluate("[...document.images].filter(image => !(image.complete && image.naturalWidth))") == []
    assert page.evaluate(FLAT_FORMULAS) == []
    words = page.locator("body").inner_text()
    assert "not attempted yet" in words or path.stem.startswith("00")
    assert "widget-view" not in words and "Loading widget" not in words


def test_attacks_are_dead(page, tmp_path):
    """Whatever a notebook holds, nothing runs and nothing is asked for, also not when a reader clicks or moves."""
    asked, dialogs, file = [], [], tmp_path / "page.html"
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message) or dialog.dismiss())
    file.write_text(render(notebook_with(*NAMES), "page"), encoding="utf-8")
    page.goto(file.as_uri(), wait_until="networkidle")
    page.evaluate(
        """() => document.querySelectorAll('main *').forEach(element => {
            for (const name of ['focus', 'mouseover', 'click', 'toggle', 'load', 'error'])
                element.dispatchEvent(new Event(name, {bubbles: true, cancelable: true}));
            if (!/^(file|https?|mailto):$/.test(element.protocol)) element.click?.();  // others lead to another page
        })"""
    )
    page.wait_for_timeout(500)
    assert page.evaluate("window.ran") is None and dialogs == []
    assert [url for url in asked if not url.startswith(("data:image/", file.as_uri()))] == []
    lines = page.locator("body").inner_text().splitlines()
    assert [line.removeprefix("after ") for line in lines if line.startswith("after ")] == NAMES
