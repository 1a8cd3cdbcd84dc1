"""Measure the time from a key to the changed picture: ``python -m benchmarks.browser``.

JupyterLab and Chromium are started, a notebook with the explorers is run, and a key is pressed ten times on a slider of
each. What counts is the median time from the key to the new picture; an image has 224 by 224 pixels.
"""

import statistics
import tempfile
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page

from benchmarks import store
from tests.browser.driver import SHOW_CELL, begin, chromium, finish, jupyterlab

# From here on the page notes when a key goes down, and when the picture has changed.
WATCH = """picture => {
    window.changed = undefined;
    picture.addEventListener('load', () => { window.changed = performance.now(); }, {once: true});
    document.addEventListener('keydown', () => { window.pressed = performance.now(); }, {once: true, capture: true});
}"""
KEYS = 10
START = """\
import numpy as np
import torch
from skimage.data import chelsea
import tlhelpers as tl

tl.set_seed(0)
gray = chelsea()[30:254, 100:324].mean(axis=2) / 255
photos = [np.roll(chelsea()[30:254, 100:324], 5 * shift, axis=1) for shift in range(200)]"""
EXPLORERS = {  # the slider that is moved, and the call
    "explore_convolution": ("row", "tl.explore_convolution(gray)"),
    "explore_pooling": ("row", "tl.explore_pooling(gray)"),
    "explore_softmax": ("temperature", "tl.explore_softmax([2.0, 1.0, 0.0], ['ant', 'bee', 'wasp'])"),
    "explore_descent": ("steps", "tl.explore_descent()"),
    "browse_predictions": (
        "page",
        "tl.browse_predictions(photos, torch.rand(200, 2).softmax(1), torch.randint(2, (200,)), ['ant', 'bee'])",
    ),
}


def press(page: Page, cell: str, control: str) -> list[float]:
    """Return the milliseconds from each key on a slider of a cell to the changed picture."""
    page.evaluate(SHOW_CELL, cell)
    output = page.locator(".jp-Cell.jp-mod-active .jp-OutputArea-output:has(.widget-image)")
    label = page.locator(f"label:text-is('{control}')")
    handle = output.locator(".widget-slider", has=label).locator(".noUi-handle").first
    picture, found = output.locator("img").first, []
    for _ in range(KEYS):
        picture.evaluate(WATCH)
        handle.press("ArrowRight")
        page.wait_for_function("window.changed")
        found.append(page.evaluate("window.changed - window.pressed"))
        page.wait_for_timeout(300)
    return found


def main() -> None:
    """Measure and store."""
    cells = [new_code_cell(START, id="start")]
    cells += [new_code_cell(call, id=name.replace("_", "-")) for name, (_, call) in EXPLORERS.items()]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        if browser is None:
            print("not measured, because there is neither Chromium nor Chrome here")
            return
        (Path(folder) / "notebooks").mkdir()
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}  # else the page asks for one
        notebook = new_notebook(cells=cells, metadata=kernel)
        nbformat.write(notebook, Path(folder) / "notebooks" / "explorers.ipynb")
        with jupyterlab(Path(folder)) as address:
            page = browser.new_page(viewport={"width": 1200, "height": 1000})
            begin(page, address("explorers"))
            finish(page, minutes=5)
            found = {name: press(page, name.replace("_", "-"), control) for name, (control, _) in EXPLORERS.items()}
    medians = {name: round(statistics.median(times), 1) for name, times in found.items()}
    settings = {"keys": KEYS, "pixels": 224, "chromium": browser.version}
    store("browser", {"settings": settings, "milliseconds_from_key_to_picture": medians})
    print(medians)


if __name__ == "__main__":
    main()
