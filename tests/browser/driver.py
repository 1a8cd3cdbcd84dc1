"""Start JupyterLab and Chromium, and run a notebook in them, for tests and for benchmarks."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tlhelpers.classroom.handouts.printing import find_browser

MINUTE = 60_000  # in milliseconds, as Playwright counts
# The page draws a cell only when it is scrolled to, but JupyterLab knows which cells ran, and with which outputs.
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
    """Run ``tlhelpers lab`` in a folder with ``notebooks``; yield a function from a notebook's name to its address."""
    with tempfile.TemporaryDirectory() as config:
        settings = {"ServerApp": {"open_browser": False}, "LabApp": {"expose_app_in_browser": True}}
        Path(config, "jupyter_server_config.json").write_text(json.dumps(settings))
        port, token = _free_port(), "for-this-run-only"
        own = {"JUPYTER_CONFIG_DIR": config, "JUPYTER_PORT": str(port), "JUPYTER_TOKEN": token}
        own["PYTHONPATH"] = str(Path(__file__).parents[2])  # the package beside these tests, wherever it is installed
        log = project / "log.txt"
        with log.open("w") as file:
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
