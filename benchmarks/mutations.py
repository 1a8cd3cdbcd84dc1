"""Check that tests notice every small change of the by-hand modules: ``python -m benchmarks.mutations [MODULE ...]``.

It needs cosmic-ray (the extra ``mutation``, which ``make mutations`` installs) and fork, so it does not run on Windows.
Each mutant is a copy of one module with one operator, number or comparison exchanged. The tests and doctests of that
module, and the tests of arguments, run on the mutant, and if they notice nothing, the tests of all by-hand modules.
"""

import argparse
import difflib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from tests.byhand.broken import BYHAND, ROOT, copy_project

RESULT = ROOT / "benchmarks" / "results" / "mutations.json"
JOBS = 2  # mutants that are tested at a time
SECONDS, MEMORY = 180, 8 * 10**9  # processor time and bytes that one mutant may use
# The tests of drawn examples alone are slow and run no mutated code; and a failing example need not be made small.
HASTE = ["-k", "not drawn", "--hypothesis-profile=hasty", "-p", "no:cacheprovider", "--assert=plain"]
HASTE += ["-p", "_hypothesis_pytestplugin"]  # and no other plugin, see main
# Bit operations occur in type hints ("Tensor | None") and between masks only, where others give the same or nothing.
# Exceptions, decorators and variables would be exchanged for names that do not exist, which proves nothing.
LEFT_OUT = ("Bit", "Shift", "_Is", "Decorator", "Variable", "Exception", "UAdd")
TO = ("_Mod", "_Pow", "_FloorDiv", "_Invert")  # each operator is exchanged for others, but not for these rare ones


def mutants(source: str) -> Iterator[str]:
    """Yield the source with one change at a time, no two of them alike."""
    seen = {source}
    for name in operator_names():
        if any(word in name for word in LEFT_OUT) or (name.endswith(TO) and "Delete" not in name):
            continue
        occurrence = 0
        while (mutant := mutate_code(source, get_operator(name)(), occurrence)) is not None:
            occurrence += 1
            if mutant not in seen:
                seen.add(mutant)
                yield mutant


def change(source: str, mutant: str) -> tuple[str, str]:
    """Return the lines that differ, before and after the change."""
    lines = list(difflib.ndiff(source.splitlines(), mutant.splitlines()))
    return tuple(" ".join(line[2:].strip() for line in lines if line.startswith(sign)) for sign in "-+")


def notices(tests: list[str]) -> bool:
    """Run tests in this process and return whether one fails."""
    return pytest.main(["-qx", *HASTE, *tests]) != pytest.ExitCode.OK


def start(name: str, mutant: str) -> tuple[int, Path]:
    """Start a process that tests one mutant in a copy of the project; its exit status is 0 if nothing was noticed."""
    folder = Path(tempfile.mkdtemp())
    copy_project(folder, name, mutant)
    child = os.fork()
    if child:
        return child, folder
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    sys.dont_write_bytecode = True
    others = [str(path) for path in sorted(Path("tests/byhand").glob("test_*.py"))]
    own = ["tests/byhand/test_arguments.py", f"tests/byhand/test_{name}.py", str(BYHAND / f"{name}.py")]
    everything = [sys.executable, "-B", "-m", "pytest", "-qx", *HASTE, *others]
    os._exit(int(notices(own) or subprocess.run(everything).returncode != 0))


def survivors(name: str) -> tuple[int, list[dict]]:
    """Return how many mutants of a module there are, and the changes that no test noticed."""
    source = (ROOT / BYHAND / f"{name}.py").read_text(encoding="utf-8")
    found, running, count = [], {}, 0

    def wait() -> str | None:
        child, status = os.wait()
        mutant, folder = running.pop(child)
        shutil.rmtree(folder)
        return None if status else mutant

    def begin(mutant: str) -> None:
        child, folder = start(name, mutant)
        running[child] = mutant, folder

    def collect() -> None:
        if (mutant := wait()) is not None:
            right, wrong = change(source, mutant)
            found.append({"right": right, "wrong": wrong})
            print(f"{name}: not noticed: {right}  ->  {wrong}", flush=True)

    begin(source)
    assert wait() == source, f"{name} fails its tests as it is, so that every mutant would seem noticed"
    for mutant in mutants(source):
        count += 1
        if len(running) == JOBS:
            collect()
        begin(mutant)
    while running:
        collect()
    return count, found


def main(names: list[str]) -> None:
    """Test the mutants of the named modules; store the changes that no test noticed, with their known reasons."""
    import _hypothesis_pytestplugin  # noqa: F401  imported once, before the processes fork
    import hypothesis  # noqa: F401
    import torch

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    torch.set_num_threads(1)
    stored = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    for name in names:
        count, found = survivors(name)
        known = {(old["right"], old["wrong"]): old["why"] for old in stored.get(name, {}).get("survivors", [])}
        for survivor in found:
            survivor["why"] = known.get((survivor["right"], survivor["wrong"]), "NOT EXPLAINED")
        stored[name] = {"mutants": count, "noticed": count - len(found), "survivors": found}
        RESULT.write_text(json.dumps(stored, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{name}: {count - len(found)} of {count} noticed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="a by-hand module such as softmax; default: all")
    main(parser.parse_args().modules or [path.stem for path in sorted((ROOT / BYHAND).glob("[a-z]*.py"))])
