"""The notebooks in JupyterLab, in a real browser: they run without an error, sliders move pictures, bars move."""

import pytest

from tests.browser.driver import MINUTE, SHOW_CELL, begin, finish

pytestmark = pytest.mark.slow

BEGUN = """() => jupyterapp.shell.currentWidget.content.widgets.some(cell =>
    cell.model.id === 'nb07-norm-train' && (cell.model.toJSON().outputs ?? []).length > 0)"""
MOVED = """() => [...document.querySelectorAll('.jp-OutputArea-output')].some(output =>
    /training:\\s*[1-9]\\d?%/.test(output.textContent))"""


def errors(cells):
    """Return what the cells ended in, if they ended in an error, and what they wrote to stderr."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [each for each in outputs if each["output_type"] == "error" or each.get("name") == "stderr"]


def test_an_explorer_follows_its_slider(lab, page):
    """Notebook 01 runs; a key on a slider of its explorer changes the picture and the sentence below."""
    begin(page, lab("01_convolution_by_hand"))
    assert errors(finish(page, minutes=5)) == []
    page.evaluate(SHOW_CELL, "nb01-explore")
    output = page.locator(".jp-OutputArea-output:has(.widget-image)").first
    picture, sentence = output.locator("img"), output.locator(".widget-html-content").last
    image, words = picture.get_attribute("src"), sentence.inner_text()
    output.locator(".widget-slider:has-text('row') .noUi-handle").first.press("ArrowRight")
    page.wait_for_function("([picture, old]) => picture.src !== old", arg=[picture.element_handle(), image])
    assert sentence.inner_text() != words
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth > 100)")


def test_a_training_shows_its_progress(lab, page):
    """Notebook 07 fine-tunes a ResNet-50: its bar is seen, and moves. Another test runs the notebook to its end."""
    begin(page, lab("07_fine_tuning"))
    page.wait_for_function(BEGUN, timeout=15 * MINUTE)
    page.evaluate(SHOW_CELL, "nb07-norm-train")
    page.wait_for_function(MOVED, timeout=5 * MINUTE)


def test_a_training_by_hand_ends(lab, page):
    """Notebook 04 runs from top to bottom."""
    begin(page, lab("04_training_from_scratch"))
    assert errors(finish(page, minutes=15)) == []


def test_nobody_is_asked_about_news(lab, page):
    """No notice covers the page of a learner who opens a notebook."""
    begin(page, lab("02_pooling_by_hand"))
    assert errors(finish(page, minutes=5)) == []
    assert page.locator(".Toastify__toast").count() == 0
