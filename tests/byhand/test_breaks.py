"""The tests of the functions by hand notice mistakes: with each of these in the code, at least one of them fails.

The mistakes are listed in the test files: ``BREAKS`` in ``test_NAME.py`` has pairs of the code as it is in
``tlhelpers/byhand/NAME.py`` and the code with a mistake.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest

from tests.byhand.broken import BYHAND, ROOT, copy_project

NAMES = [path.stem for path in sorted((ROOT / BYHAND).glob("[a-z]*.py"))]
TESTS = {name: f"tests.byhand.test_{name}" for name in NAMES}
BREAKS = [(name, right, wrong) for name in NAMES for right, wrong in getattr(import_module(TESTS[name]), "BREAKS", [])]


@pytest.fixture(scope="session")
def outcomes(request, tmp_path_factory):
    """Run the tests for all selected mistakes, as many at a time as there are cores."""
    asked = [item.callspec.params["mistake"] for item in request.session.items if item.path == Path(__file__)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {mistake: pool.submit(run_with, mistake, tmp_path_factory.mktemp("broken")) for mistake in asked}
        pool.shutdown(cancel_futures=True)


def run_with(mistake, folder):
    """Run the tests of a module in a copy of the project with the mistake."""
    name, right, wrong = mistake
    source = (ROOT / BYHAND / f"{name}.py").read_text(encoding="utf-8")
    assert source.count(right) == 1, f"{right!r} stands {source.count(right)} times in {name}.py"
    copy_project(folder, name, source.replace(right, wrong))
    command = [sys.executable, "-B", "-m", "pytest", "-qx", "-k", "not drawn", "--hypothesis-profile=hasty"]
    command += ["-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"]  # and no other plugin, which take long
    command.append(f"tests/byhand/test_{name}.py")
    environment = os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    shutil.rmtree(folder)
    return done


@pytest.mark.slow
@pytest.mark.parametrize("mistake", BREAKS, ids=[f"{name}: {wrong.strip()}" for name, _, wrong in BREAKS])
def test_a_mistake_is_noticed(outcomes, mistake):
    """With the mistake, at least one test of the module fails."""
    done = outcomes[mistake].result()
    assert done.returncode == 1 and " failed" in done.stdout, done.stdout[-2000:]
