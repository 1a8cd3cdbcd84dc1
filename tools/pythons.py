"""Run the unit tests on every supported Python of this machine, and with the oldest dependencies: make test-pythons.

Each Python gets a virtual environment of its own below build/pythons, with the versions of constraints.txt. The oldest
Python gets one more, with the lowest versions that pyproject.toml allows. An environment takes 5 to 6 GB.
"""

import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "pythons"
PYTHONS = ("3.11", "3.12", "3.13")
PINNED, LOWEST = ("--constraint", "constraints.txt"), ("--resolution", "lowest-direct")
ROW = "{:12} {:12} {:>7} {:>7} {:>8} {:>8}"


def main() -> int:
    """Test each environment and print one line for each; return 1 if a test failed or none ran."""
    found = {version: find_python(version) for version in PYTHONS}
    present = [version for version in PYTHONS if found[version]]
    environments = [(version, version, PINNED) for version in present]
    environments += [(f"{version}-lowest", version, LOWEST) for version in present[:1]]
    rows = [run_tests(FOLDER / name, found[version], versions) for name, version, versions in environments]
    print(ROW.format("Python", "torch", "passed", "failed", "skipped", "seconds"))
    for (name, _, _), row in zip(environments, rows, strict=True):
        print(ROW.format(name, *row))
    for version in PYTHONS:
        if not found[version]:
            print(f"Python {version} is not on this machine: nothing was tested on it.")
    return int(not rows or any(failed != 0 for _, _, failed, *_ in rows))


def find_python(version: str) -> str | None:
    """Return the path of a Python that starts, on the PATH or in the folder of pyenv; None if there is none."""
    name = f"python{version}"
    candidates = [shutil.which(name)]
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip()
        candidates += sorted(Path(root).glob(f"versions/*/bin/{name}"))
    # pyenv puts commands on the PATH that only say that their Python is not selected
    starts = (path for path in candidates if path and not subprocess.run([path, "-V"], capture_output=True).returncode)
    return next(map(str, starts), None)


def run_tests(folder: Path, python: str, versions: tuple[str, str]) -> tuple:
    """Return torch's version, how many tests passed, failed and were skipped, and the seconds that they took.

    Where the installation or pytest itself broke off, a word stands in place of the number of failed tests.
    """
    print(f"== {folder.name}: installing into {folder}", flush=True)
    if not install(folder, python, versions):
        return "-", 0, "install", 0, 0
    report, started = folder / "report.xml", time.perf_counter()
    command = [folder / "bin" / "pytest", "-q", "-n", "auto", "--dist", "worksteal", f"--junitxml={report}"]
    subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"})
    seconds = round(time.perf_counter() - started)
    print_torch = [folder / "bin" / "python", "-c", "import torch; print(torch.__version__)"]
    torch = subprocess.run(print_torch, capture_output=True, text=True).stdout.strip()
    return torch, *(count(report) if report.exists() else (0, "crash", 0)), seconds


def install(folder: Path, python: str, versions: tuple[str, str]) -> bool:
    """Make a new virtual environment with the project and its tests; return whether that succeeded."""
    uv = [sys.executable, "-m", "uv"]
    made = subprocess.run([*uv, "venv", "-q", "--clear", "--python", python, folder], cwd=ROOT)
    into = [*uv, "pip", "install", "-q", "--python", folder, *versions, "--editable", ".[heic,photos,registry,test]"]
    return made.returncode == 0 and subprocess.run(into, cwd=ROOT).returncode == 0


def count(report: Path) -> tuple[int, int, int]:
    """Return how many tests passed, failed (with those that could not start) and were skipped."""
    suite = ElementTree.parse(report).find("testsuite")
    total, failures, errors, skipped = (int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped"))
    return total - failures - errors - skipped, failures + errors, skipped


if __name__ == "__main__":
    sys.exit(main())
