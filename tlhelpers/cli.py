"""The command line: run the notebooks, open them, make handouts, fetch what is needed, look at this machine."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tlhelpers.doctor import (
    doctor,
    megabytes,
)

LAB_OPTIONS = [
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.allow_root=True",  # in a container everybody is root; the token and the address protect
    "--ServerApp.log_level=WARN",  # the address is shown all the same, and not among twenty other lines
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]
# nobody is asked about news, and a page that is opened is shown and not edited
LAB_SETTINGS = Path(__file__).parent / "classroom" / "jupyter"


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status.

    Parameters
    ----------
    arguments : list of str, optional
        Those of the process if none are given.
    """
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except (ValueError, RuntimeError) as error:
        print(f"tlhelpers: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("tlhelpers: stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tlhelpers", description="Transfer learning for image recognition.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    folder = {"nargs": "?", "type": Path, "default": Path("notebooks"), "help": "where they are (./notebooks)"}
    for command, text in (
        (run, "run every notebook; executed copies and handouts go to build/"),
        (lab, "open copies of the notebooks in JupyterLab; what you change in them is kept"),
        (handouts, "write the notebooks as they are stored for students and tutors, to build/handouts"),
        (prefetch, "fetch weights and photos into the cache folder, to be copied or used offline"),
        (doctor, "say what this machine has, and what to do about what is missing"),
    ):
        added = commands.add_parser(command.__name__, help=text, description=text)
        added.set_defaults(command=command)
        if command in (run, lab, handouts):
            added.add_argument("folder", **folder)
    return parser


def run(options: argparse.Namespace) -> int:
    """Run every notebook and print the table; 1 if one failed."""
    from tlhelpers import ants_and_bees
    from tlhelpers.classroom import runner
    from tlhelpers.classroom.notebooks import find_notebooks
    from tlhelpers.files import photos_dir

    find_notebooks(options.folder)
    if photos_dir():  # a wrong folder is said now, not by the first notebook that looks into it
        ants_and_bees("photos")
    build = Path("build")
    runs = runner.run_all(options.folder, build)
    print(f"\n{runner.report(runs)}\n\nTo read or print: {build / 'handouts'}")
    return int(any(run.error for run in runs))


def lab(options: argparse.Namespace) -> int:
    """Open JupyterLab on copies of the notebooks, for this machine only, with a token and without Jupyter's news."""
    from jupyterlab.labapp import LabApp

    from tlhelpers.classroom.work import update_copies

    work = options.folder.resolve().parent / "work"
    print(*update_copies(options.folder, work), f"Your copies of the notebooks are in {work}.", sep="\n", flush=True)
    # the whole project is served, so that links to its pages lead somewhere; what is opened is the folder of copies
    where = [f"--ServerApp.root_dir={work.parent}", f"--LabApp.default_url=/lab/tree/{work.name}"]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(LAB_SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH", "")])
    LabApp.launch_instance([*where, *LAB_OPTIONS])
    return 0


def handouts(options: argparse.Namespace) -> int:
    """Write handouts from the outputs that are stored in the notebooks; 1 if one was left out."""
    import nbformat
    from tqdm import tqdm

    from tlhelpers.classroom.handouts import write_handouts
    from tlhelpers.classroom.notebooks import find_notebooks, is_executed

    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in find_notebooks(options.folder)}
    unfinished = [name for name, notebook in notebooks.items() if not is_executed(notebook)]
    for name in unfinished:
        print(f"{name} is left out: run it to its end without an error, and save it.", file=sys.stderr)
        del notebooks[name]
    folder = Path("build") / "handouts"
    write_handouts(options.folder, tqdm(notebooks.items(), desc="handouts", unit="notebook"), folder)
    print(f"To read or print: {folder}")
    return int(bool(unfinished))


def prefetch(_: argparse.Namespace) -> int:
    """Fetch the weights and photos that the notebooks use; 1 if there are no weights at all."""
    from tlhelpers import ants_and_bees, cache_dir, load_resnet50
    from tlhelpers.files import photos_dir
    from tlhelpers.network.weights import find_weights, obtain

    print("Weights: about 100 MB each, unless they are in the cache folder already ...", flush=True)
    missing = _failure(load_resnet50, "auto") or _failure(obtain, find_weights("he2015"))  # he2015, for notebook 05
    print("Photos: 47 MB; where they cannot be had, insects are drawn, in half a minute ...", flush=True)
    ants_and_bees()
    print(f"Cache folder: {cache_dir()} ({megabytes(cache_dir())}).")
    if missing:
        print(f"Incomplete, weights are missing: {missing}", file=sys.stderr)
        return 1
    print("Copied to another machine and named by TLHELPERS_CACHE there, it serves without any network.")
    if photos_dir():
        print(f"The photos are not in it but in {photos_dir()}; copy that too and name it by TLHELPERS_PHOTOS.")
    return 0


def _failure(function: Callable, *arguments) -> str | None:
    """Return the message of the RuntimeError that a call ends in, None if it ends well."""
    try:
        function(*arguments)
    except RuntimeError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
