"""How long from a key to the changed picture? python -m benchmarks.browser

JupyterLab and Chromium are started, a notebook with the explorers is run, and on a slider of each a key is pressed, ten
times. From the key to the new picture counts, the median of the ten; an image has 224 pixels. The tests in a browser
start both in the same way.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import store
from tlhelpers.classroom.handouts import BROWSERS, find_browser

MINUTE = 60_000  # in milliseconds, as Playwright counts
# What the page does not draw until it is scrolled to, JupyterLab knows: which cells ran, and what came out.
STATE = """() => {
    const panel = window.jupyterapp?.shell?.currentWidget;
    const status = panel?.sessionContext?.session?.kernel?.status ?? "none";
    return {status, cells: (panel?.content?.widgets ?? []).map(cell => cell.model.toJSON())};
}"""
IDLE = f"({STATE})().status === 'idle'"
ALL_RAN = f"({STATE})().cells.every(cell => cell.cell_type !== 'code' || cell.execution_count)"
NOTHING_RAN = f"({STATE})().cells.every(cell => !cell.execution_count)"
SHOW_CELL = """id => {
    const notebook = jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.id === id);
    return notebook.scrollToItem(notebook.activeCellIndex, 'start');
}"""
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
grey = chelsea()[30:254, 100:324].mean(axis=2) / 255
photos = [np.roll(chelsea()[30:254, 100:324], 5 * shift, axis=1) for shift in range(200)]"""
EXPLORERS = {  # the slider that is moved, and the call
    "explore_convolution": ("row", "tl.explore_convolution(grey)"),
    "explore_pooling": ("row", "tl.explore_pooling(grey)"),
    "explore_softmax": ("temperature", "tl.explore_softmax([2.0, 1.0, 0.0], ['ant', 'bee', 'wasp'])"),
    "explore_descent": ("steps", "tl.explore_descent()"),
    "browse_predictions": (
        "page",
        "tl.browse_predictions(photos, torch.rand(200, 2).softmax(1), torch.randint(2, (200,)), ['ant', 'bee'])",
    ),
}


@contextmanager
def chromium() -> Iterator[Browser | None]:
    """Start the machine's Chromium without a window; yield None where none is installed."""
    found = find_browser()
    if found is None:
        yield None
        return
    with sync_playwright() as playwright:
        # in a container everybody is root, and the shared memory is small
        options = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=found, args=options)
        yield browser
        browser.close()


@contextmanager
def jupyterlab(project: Path) -> Iterator[Callable[[str], str]]:
    """Run ``tlhelpers lab`` in a folder with ``notebooks``; yield what makes a page's address of a notebook's name."""
    with tempfile.TemporaryDirectory() as config:
        settings = {"ServerApp": {"open_browser": False}, "LabApp": {"expose_app_in_browser": True}}
        Path(config, "jupyter_server_config.json").write_text(json.dumps(settings))
        port, token = _free_port(), "for-this-run-only"
        own = {"JUPYTER_CONFIG_DIR": config, "JUPYTER_PORT": str(port), "JUPYTER_TOKEN": token}
        log = project / "log.txt"
        with open(log, "w") as file:
            command = [sys.executable, "-m", "tlhelpers.cli", "lab"]
            server = subprocess.Popen(command, cwd=project, stdout=file, stderr=file, env=os.environ | own)
            try:
                _wait_for(f"http://127.0.0.1:{port}/api", server, log)
                yield lambda name: f"http://127.0.0.1:{port}/lab/tree/work/{name}.ipynb?reset&token={token}"
            finally:
                server.terminate()
                server.wait(timeout=30)


def begin(page: Page, address: str) -> None:
    """Open a notebook and begin to run all its cells."""
    page.goto(address, timeout=2 * MINUTE)
    page.wait_for_function(IDLE, timeout=3 * MINUTE)
    page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.wait_for_function(NOTHING_RAN, timeout=MINUTE)
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")  # and does not wait for it


def finish(page: Page, minutes: float) -> list[dict]:
    """Wait until every cell has run; return the cells with their outputs."""
    page.wait_for_function(f"{ALL_RAN} && {IDLE}", timeout=minutes * MINUTE)
    return page.evaluate(STATE)["cells"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    """Wait until a server answers; fail with what it wrote if it ends, or does not answer within two minutes."""
    for _ in range(480):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.25)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


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
            print(f"not measured, because none of {', '.join(BROWSERS)} is installed")
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
