"""Run notebooks with a filled cache and without a network, and say which addresses they tried to reach.

``python -m tools.offline [NOTEBOOK ...]``; without names, all of them. ``tlhelpers prefetch`` fills the cache.
"""

import os
import sys
import tempfile
from pathlib import Path

from tlhelpers.classroom.notebooks import find_notebooks
from tlhelpers.classroom.runner import run_notebook

HOOK = Path(__file__).parent
ROOT = HOOK.parents[1]


def main(paths: list[Path]) -> int:
    """Run each notebook and print one line for it; return 1 if one failed or tried to reach another machine."""
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(HOOK), os.environ.get("PYTHONPATH")]))
    faults = 0
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            attempts = Path(folder, "attempts.txt")
            attempts.touch()
            os.environ["OFFLINE_ATTEMPTS"] = str(attempts)
            _, run = run_notebook(path)
            tried = attempts.read_text(encoding="utf-8").splitlines()
        faults += bool(tried or run.error)
        print(f"{run.name}: {run.error or f'{run.seconds:.0f} s'}; {describe(tried)}", flush=True)
    return int(faults > 0)


def describe(tried: list[str]) -> str:
    """Return a few words about the attempts to reach another machine."""
    return f"TRIED {', '.join(sorted(set(tried)))}" if tried else "no other machine was asked"


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or find_notebooks(ROOT / "notebooks")))
