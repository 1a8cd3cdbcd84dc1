"""A JupyterLab on this machine, and a browser that reads it as a learner would."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.driver import chromium, jupyterlab

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the machine's Chromium, if it has one."""
    with chromium() as found:
        if found is None:
            pytest.skip("no browser: there is neither Chromium nor Chrome here")
        yield found


@pytest.fixture
def page(browser, request) -> Iterator[Page]:
    """Open an empty page; what it shows at the end of the test is stored in build/screenshots."""
    page = browser.new_page(viewport={"width": 1200, "height": 1000})
    yield page
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{request.node.name}.png")
    page.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory) -> Iterator[Callable[[str], str]]:
    """Run ``tlhelpers lab`` on a copy of the project; yield a function from a notebook's name to its address."""
    project = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "notebooks", project / "notebooks", ignore=shutil.ignore_patterns(".*"))
    for name in ("benchmarks", "docs"):
        (project / name).symlink_to(ROOT / name)
    with jupyterlab(project) as address:
        yield address
