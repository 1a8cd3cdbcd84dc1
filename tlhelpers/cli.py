"""The command line: run the notebooks, open them, make handouts, fetch what is needed, look at this machine."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

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
    from tlhelpers import ants_and_bees, runner
    from tlhelpers.runtime import photos_dir

    runner.find_notebooks(options.folder)
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

    from tlhelpers import runner
    from tlhelpers.classroom.handouts import write_handouts

    notebooks = {path.stem: nbformat.read(path, as_version=4) for path in runner.find_notebooks(options.folder)}
    unfinished = [name for name, notebook in notebooks.items() if not runner.is_executed(notebook)]
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
    from tlhelpers.runtime import photos_dir
    from tlhelpers.weights import list_weights, obtain

    print("Weights: about 100 MB each, unless they are in the cache folder already ...", flush=True)
    missing = _failure(load_resnet50, "auto") or _failure(obtain, list_weights()[-1])  # he2015, for notebook 05
    print("Photos: 47 MB; where they cannot be had, insects are drawn, in half a minute ...", flush=True)
    ants_and_bees()
    print(f"Cache folder: {cache_dir()} ({_megabytes(cache_dir())}).")
    if missing:
        print(f"Incomplete, weights are missing: {missing}", file=sys.stderr)
        return 1
    print("Copied to another machine and named by TLHELPERS_CACHE there, it serves without any network.")
    if photos_dir():
        print(f"The photos are not in it but in {photos_dir()}; copy that too and name it by TLHELPERS_PHOTOS.")
    return 0


def doctor(_: argparse.Namespace) -> int:
    """Print one line for each thing that the notebooks need, with a remedy where it is missing."""
    for name, look in (
        ("Python", _look_at_python),
        ("torch", lambda: _look_at_package("torch")),
        ("torchvision", lambda: _look_at_package("torchvision")),
        ("device", _look_at_device),
        ("weights", _look_at_weights),
        ("photos", _look_at_photos),
        ("disk", _look_at_disk),
        ("memory", _look_at_memory),
    ):
        try:
            found = look()
        except ImportError as error:
            found = f"unknown, because {error.name} is missing"
        print(f"{name:12} {found}")
    return 0


def _look_at_python() -> str:
    version = ".".join(map(str, sys.version_info[:3]))
    remedy = "" if sys.version_info >= (3, 11) else "; too old: install 3.11 or newer"
    return f"{version}, {sys.executable}{remedy}"


def _look_at_package(name: str) -> str:
    try:
        return import_module(name).__version__
    except ImportError:
        return "missing; install the project: pip install -e ."
    except RuntimeError as error:
        return f"does not load ({error}); install torch and torchvision again, together and from one place"


def _look_at_device() -> str:
    import torch

    from tlhelpers import pick_device, pick_dtype

    device = pick_device()
    threads = f" with {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    return f"{device}{threads}, computing in {str(pick_dtype(device)).removeprefix('torch.')}"


def _look_at_weights() -> str:
    from tlhelpers import cache_dir, list_weights
    from tlhelpers.weights import stored

    found = [entry.name for entry in list_weights() if stored(entry).exists()]
    names = ", ".join(found) or "none yet; fetch them: tlhelpers prefetch"
    return f"{names}, in {cache_dir()} ({_megabytes(cache_dir())})"


def _look_at_photos() -> str:
    from tlhelpers.data import image_folder
    from tlhelpers.runtime import cache_dir, photos_dir

    named, cached = photos_dir(), cache_dir() / "photos" / "hymenoptera_data"
    if named:
        try:
            image_folder(named)
        except ValueError as error:
            return f"named by TLHELPERS_PHOTOS, but not to be had: {error}"
        return f"{named}, named by TLHELPERS_PHOTOS"
    return str(cached) if cached.is_dir() else "drawn ones; where there is a network, fetch photos: tlhelpers prefetch"


def _look_at_disk() -> str:
    from tlhelpers import cache_dir

    existing = next(folder for folder in (cache_dir(), *cache_dir().absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 1e9
    remedy = "" if free > 1 else "; weights and photos need 1 GB: free some, or let TLHELPERS_CACHE name another disk"
    return f"{free:.1f} GB free for the cache folder{remedy}"


def _look_at_memory() -> str:
    import psutil

    free = psutil.virtual_memory().available / 1e9
    remedy = "" if free > 4 else "; fine-tuning needs 4 GB: close other programs, or lower BATCH_SIZE"
    return f"{free:.1f} GB free of {psutil.virtual_memory().total / 1e9:.1f} GB{remedy}"


def _failure(function: Callable, *arguments) -> str | None:
    """Return the message of the RuntimeError that a call ends in, None if it ends well."""
    try:
        function(*arguments)
    except RuntimeError as error:
        return str(error)
    return None


def _megabytes(folder: Path) -> str:
    return f"{sum(file.stat().st_size for file in folder.rglob('*') if file.is_file()) / 1e6:,.0f} MB"


if __name__ == "__main__":
    sys.exit(main())
