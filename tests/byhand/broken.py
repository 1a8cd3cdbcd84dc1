"""Copies of the project with a changed module by hand, to test whether the tests notice the change."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
BYHAND = Path("tlhelpers") / "byhand"


def copy_project(folder: Path, name: str, source: str) -> None:
    """Copy the package and its tests into an empty folder, with ``source`` for the module ``tlhelpers.byhand.NAME``."""
    for part in ("tlhelpers", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / part, folder)
    (folder / BYHAND / f"{name}.py").write_text(source, encoding="utf-8")
