"""The command line: run the notebooks, open them, make handouts, fetch what is needed, clear it, examine this machine.

Each command imports what it needs, so that ``tlhelpers --help`` imports neither torch nor Jupyter.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

BUILD = Path("build")
HANDOUTS = BUILD / "handouts"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.
    """
    options = build_parser().parse_args(arguments)
    try:
        return options.command(options)
    except (ValueError, RuntimeError) as error:
        print(f"tlhelpers: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tlhelpers: stopped", file=sys.stderr)
        return 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line, with one subcommand for each function below."""
    parser = argparse.ArgumentParser(prog="tlhelpers", description="Transfer learning for image recognition.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command, text in (
        (run, "run every notebook; executed copies and handouts go to build/"),
        (lab, "open copies of the notebooks in JupyterLab; what you change in them is kept"),
        (handouts, "write the notebooks as they are stored for students and tutors, to build/handouts"),
        (prefetch, "fetch weights and photos into the cache folder, to be copied or used offline"),
        (cache, "list what is in the cache folder, or clear what can be made again"),
        (doctor, "print what this machine has, and what to do about what is missing"),
    ):
        added = commands.add_parser(command.__name__, help=text, description=text)
        added.set_defaults(command=command)
        if command in (run, lab, handouts):
            folder = "where the notebooks are (./notebooks)"
            added.add_argument("folder", nargs="?", type=Path, default=Path("notebooks"), help=folder)
        if command is cache:
            added.add_argument("action", choices=("list", "clear"))
            kinds = ("features", "photos", "weights", "all")
            added.add_argument("kind", nargs="?", choices=kinds, help="what to clear; nothing else is touched")
        if command is doctor:
            for option, what in (
                ("--json", "print a list of objects with name, state, found and remedy, for other programs"),
                ("--offline", "ask no host whether it can be reached"),
                ("--verify", "read all that is in the cache folder in full, and look for damage"),
            ):
                added.add_argument(option, action="store_true", help=what)
    return parser


def run(options: argparse.Namespace) -> int:
    """Run every notebook, write handouts of those that ran, and print the table; return 1 if one failed."""
    from tlhelpers.classroom.handouts.printing import find_browser
    from tlhelpers.classroom.handouts.writing import write_handouts
    from tlhelpers.classroom.notebooks import find_notebooks
    from tlhelpers.classroom.runner import report, run_all
    from tlhelpers.files import photos_dir
    from tlhelpers.photos.ants_and_bees import ants_and_bees

    find_notebooks(options.folder)
    if photos_dir():  # an error in it is reported now, and not by the first notebook that needs the photos
        ants_and_bees()
    runs = []

    def executed() -> Iterator[tuple[str, Any]]:
        for notebook, finished in run_all(options.folder, BUILD / "notebooks"):
            runs.append(finished)
            if finished.error is None:
                yield finished.name, notebook

    write_handouts(options.folder, executed(), HANDOUTS, find_browser())
    print(f"\n{report(runs)}\n\nTo read or print: {HANDOUTS}")
    return int(any(finished.error for finished in runs))


def lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on copies of the notebooks."""
    from tlhelpers.classroom.lab import open_lab

    open_lab(options.folder)
    return 0


def handouts(options: argparse.Namespace) -> int:
    """Write handouts from the outputs that are stored in the notebooks; return 1 if a notebook was left out."""
    from tqdm import tqdm

    from tlhelpers.classroom.handouts.printing import find_browser
    from tlhelpers.classroom.handouts.writing import write_handouts
    from tlhelpers.classroom.notebooks import find_notebooks

    paths = find_notebooks(options.folder)
    finished = dict(_stored(paths))
    shown = tqdm(finished.items(), desc="handouts", unit="notebook")
    write_handouts(options.folder, shown, HANDOUTS, find_browser())
    print(f"To read or print: {HANDOUTS}")
    return int(len(finished) < len(paths))


def _stored(paths: list[Path]) -> Iterator[tuple[str, Any]]:
    """Yield name and notebook of each file that holds an executed one; say which others are left out, and why."""
    from tlhelpers.classroom.notebooks import is_executed, read_notebook

    for path in paths:
        try:
            notebook = read_notebook(path)
        except ValueError as error:
            print(f"{path.stem} is left out: {error}.", file=sys.stderr)
            continue
        if is_executed(notebook):
            yield path.stem, notebook
        else:
            print(f"{path.stem} is left out: run it to its end without an error, and save it.", file=sys.stderr)


def prefetch(_: argparse.Namespace) -> int:
    """Fetch the weights and photos that the notebooks use; return 1 if weights or all photos are missing."""
    from tlhelpers.doctor import describe_cache
    from tlhelpers.files import photos_dir
    from tlhelpers.network import pretrained
    from tlhelpers.network.weights import find_weights
    from tlhelpers.photos import tutorial

    print("Weights: about 100 MB each, unless they are in the cache folder already ...", flush=True)
    # the second for notebook 05, which compares both
    weights = _failure(pretrained.load_resnet50, "auto") or _failure(pretrained.obtain, find_weights("he2015"))
    print("Photos: 47 MB, unless they are in the cache folder already ...", flush=True)
    failures = {"weights": weights, "photos": _failure(tutorial.tutorial_photos)}
    print(f"Cache folder: {describe_cache()}.")
    missing = [f"Incomplete, {name} are missing: {failure}" for name, failure in failures.items() if failure]
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 1
    print("Copied to another machine and named by TLHELPERS_CACHE there, it serves without any network.")
    if photos_dir():
        print(f"The photos are not in it but in {photos_dir()}; copy that too and name it by TLHELPERS_PHOTOS.")
    return 0


def _failure(function: Callable, *arguments: Any) -> str | None:
    """Call a function; return the message of the RuntimeError that it raises, or None if it raises none."""
    try:
        function(*arguments)
    except RuntimeError as error:
        return str(error)
    return None


def cache(options: argparse.Namespace) -> int:
    """Print what is in the cache folder, or clear one kind of it."""
    from tlhelpers.storage import clear, describe

    if (options.action == "clear") != (options.kind is not None):
        raise ValueError(
            f"the kind is {options.kind}; 'clear' needs features, photos, weights or all, and 'list' none; "
            "write for example: tlhelpers cache clear features"
        )
    for line in clear(options.kind) if options.action == "clear" else describe():
        print(line)
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Print a line for each thing that the notebooks need; return 1 if one of them is not there."""
    from tlhelpers.doctor.examination import as_json, as_line, choose, examine, is_ready

    results = []
    for check, finding in examine(choose(offline=options.offline, verify=options.verify)):
        results.append((check, finding))
        if not options.json:
            print(as_line(check, finding), flush=True)
    if options.json:
        print(as_json(results))
    else:
        print("\nAll is there that the notebooks need." if is_ready(results) else "\nNot ready: see the arrows above.")
    return int(not is_ready(results))


if __name__ == "__main__":
    sys.exit(main())
