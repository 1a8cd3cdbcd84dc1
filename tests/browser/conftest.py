"""A JupyterLab on this machine, and a browser that reads it as a learner would."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MINUTE = 60_000  # in milliseconds, as Playwright counts
# What the page does not draw until it is scrolled to, JupyterLab knows: which cells ran, and what came out.
STATE = """() => {
    const panel = jupyterapp.shell.currentWidget;
    const status = panel?.sessionContext?.session?.kernel?.status ?? "none";
    return {status, cells: (panel?.content?.widgets ?? []).map(cell => cell.model.toJSON())};
}"""
IDLE = f"({STATE})().status === 'idle'"
ALL_RAN = f"({STATE})().cells.every(cell => cell.cell_type !== 'code' || cell.execution_count)"
NOTHING_RAN = f"({STATE})().cells.every(cell => !cell.execution_count)"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the machine's Chromium, without a window."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    with sync_playwright() as playwright:
        # in a container everybody is root, and the shared memory is small
        options = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=found, args=options)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, request) -> Iterator[Page]:
    """Open an empty page; what is seen in the end is kept in build/screenshots."""
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    yield page
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    page.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Callable[[str], str]]:
    """Run ``tlhelpers lab`` on copies of the notebooks; yield what makes an address of a notebook's name."""
    project, config = tmp_path_factory.mktemp("project"), tmp_path_factory.mktemp("config")
    shutil.copytree(ROOT / "notebooks", project / "notebooks", ignore=shutil.ignore_patterns(".*"))
    for name in ("benchmarks", "docs"):
        (project / name).symlink_to(ROOT / name)
    settings = {"ServerApp": {"open_browser": False}, "LabApp": {"expose_app_in_browser": True}}
    (config / "jupyter_server_config.json").write_text(json.dumps(settings))
    port, token = free_port(), "only-for-this-test"
    own = {"JUPYTER_CONFIG_DIR": str(config), "JUPYTER_PORT": str(port), "JUPYTER_TOKEN": token}
    log = project / "log.txt"
    with open(log, "w") as file:
        command = [sys.executable, "-m", "tlhelpers.cli", "lab"]
        server = subprocess.Popen(command, cwd=project, stdout=file, stderr=file, env=os.environ | own)
        try:
            wait_for(f"http://127.0.0.1:{port}/api", server, log)
            yield lambda name: f"http://127.0.0.1:{port}/lab/tree/work/{name}?reset&token={token}"
        finally:
            server.terminate()
            server.wait(timeout=30)


@pytest.fixture
def run_all(lab, page) -> Callable[[str], None]:
    """Return a function that opens a notebook and begins to run all its cells."""

    def run(name: str) -> None:
        page.goto(lab(f"{name}.ipynb"), timeout=2 * MINUTE)
        page.wait_for_function(IDLE, timeout=3 * MINUTE)
        page.evaluate("jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        page.wait_for_function(NOTHING_RAN, timeout=MINUTE)
        page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")  # and does not wait for it

    return run


@pytest.fixture
def finished(page) -> Callable[[float], list[dict]]:
    """Return a function that waits until every cell has run, and returns the cells with their outputs."""

    def wait(minutes: float) -> list[dict]:
        page.wait_for_function(f"{ALL_RAN} && {IDLE}", timeout=minutes * MINUTE)
        return page.evaluate(STATE)["cells"]

    return wait


def free_port() -> int:
    """Return a port of this machine at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
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
