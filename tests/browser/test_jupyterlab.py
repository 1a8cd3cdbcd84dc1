"""The notebooks in JupyterLab, in a real browser: they run without an error, sliders move pictures, bars move."""

import pytest

pytestmark = pytest.mark.slow

# so that it is drawn: cells far from what is seen are not
SHOW_CELL = """id => {
    const notebook = jupyterapp.shell.currentWidget.content;
    const index = notebook.widgets.findIndex(cell => cell.model.id === id);
    notebook.activeCellIndex = index;
    return notebook.scrollToItem(index, 'start');
}"""


def errors(cells):
    """Return what the cells ended in, if they ended in an error, and what they wrote to stderr."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [each for each in outputs if each["output_type"] == "error" or each.get("name") == "stderr"]


def test_an_explorer_follows_its_slider(run_all, finished, page):
    """Notebook 01 runs; a key on a slider of its explorer changes the picture and the sentence below."""
    run_all("01_convolution_by_hand")
    assert errors(finished(5)) == []
    page.evaluate(SHOW_CELL, "nb01-explore")
    output = page.locator(".jp-OutputArea-output:has(.widget-image)").first
    picture, sentence = output.locator("img"), output.locator(".widget-html-content").last
    before = picture.get_attribute("src"), sentence.inner_text()
    output.locator(".widget-slider:has-text('row') .noUi-handle").first.press("ArrowRight")
    page.wait_for_function("([image, old]) => image.src !== old", arg=[picture.element_handle(), before[0]])
    assert picture.get_attribute("src") != before[0] and sentence.inner_text() != before[1]
    assert picture.evaluate("image => image.complete && image.naturalWidth > 100")


def test_a_training_shows_its_progress_and_ends(run_all, finished, page):
    """Notebook 04 trains: a bar is seen on the way, none is left behind, and no cell fails."""
    run_all("04_training_from_scratch")
    page.wait_for_function(
        """() => jupyterapp.shell.currentWidget.content.widgets.some(cell =>
            (cell.model.toJSON().outputs ?? []).some(output =>
                'application/vnd.jupyter.widget-view+json' in (output.data ?? {})
                && /it|batch|epoch|%/.test(output.data['text/plain'] ?? '')))""",
        timeout=5 * 60_000,
    )
    assert errors(finished(15)) == []


def test_nobody_asks_about_news(run_all, finished, page):
    """No notice covers the page of a learner who opens the first notebook."""
    run_all("02_pooling_by_hand")
    finished(5)
    assert page.locator(".Toastify__toast").count() == 0
