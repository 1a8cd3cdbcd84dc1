"""Run the unit tests on every Python that the machine has, and with the oldest dependencies: make test-pythons.

Each run has an environment of its own in build/pythons. uv makes and fills them; it has to be on the path of this Python.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13")
PINNED = ("-c", "constraints.txt")
OLDEST = ("--resolution", "lowest-direct")  # the lower bounds of pyproject.toml, and whatever fits them


@dataclass(frozen=True)
class Environment:
    """One environment to test in: its name, its Python, and how its dependencies are chosen."""

    name: str
    python: str
    versions: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Return the folder of the environment."""
        return ROOT / "build" / "pythons" / self.name


def find_python(version: str) -> str | None:
    """Return the path of a Python of this version, from the path or from pyenv, or None."""
    found = shutil.which(f"python{version}")
    if found and "shims" not in found:
        return found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return next((str(path) for path in sorted(pyenv.glob(f"{version}.*/bin/python{version}"))), None)


def environments() -> list[Environment]:
    """Return an environment for each Python that is there, and one with the oldest dependencies on the first of them."""
    pythons = {version: find_python(version) for version in VERSIONS}
    for version in [version for version, python in pythons.items() if python is None]:
        print(f"Python {version} is not on this machine, so it is not tried.")
    there = {version: python for version, python in pythons.items() if python}
    found = [Environment(version, python, PINNED) for version, python in there.items()]
    return found + [Environment(f"{found[0].name}-oldest", found[0].python, OLDEST)] if found else []


def run_tests(environment: Environment) -> str:
    """Make an environment, run the unit tests in it, and return one line about them."""
    uv, python = [sys.executable, "-m", "uv"], str(environment.folder / "bin" / "python")
    subprocess.run([*uv, "venv", "-q", "--clear", "--python", environment.python, str(environment.folder)], check=True)
    install = [*uv, "pip", "install", "-q", "--python", python, *environment.versions, "-e", f"{ROOT}[registry,test]"]
    if subprocess.run(install, cwd=ROOT).returncode:
        return "FAILED to install"
    torch = subprocess.run([python, "-c", "import torch; print(torch.__version__)"], capture_output=True, text=True)
    start = time.perf_counter()
    command = [python, "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    print(*re.findall(r"^(?:FAILED|ERROR) .*", done.stdout, re.M), sep="\n")
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-300:]
    seconds = time.perf_counter() - start
    return f"{'passed' if done.returncode == 0 else 'FAILED'}, torch {torch.stdout.strip()}, {seconds:.0f} s: {last}"


def main() -> None:
    """Run all environments; exit with 1 if the tests failed in one of them, or if there was none."""
    results = {environment.name: run_tests(environment) for environment in environments()}
    print(*(f"Python {name:12} {line}" for name, line in results.items()), sep="\n")
    sys.exit(not results or any(line.startswith("FAILED") for line in results.values()))


if __name__ == "__main__":
    main()
