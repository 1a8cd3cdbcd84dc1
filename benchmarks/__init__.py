"""The measurements behind the numbers of the series: one script per question, with a JSON file in results/."""

import argparse
import json
import multiprocessing
import os
import platform
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from tlhelpers.photos.datasets import PhotoDataset

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "torchvision", "numpy", "pillow", "scikit-learn", "scikit-image")


def environment() -> dict:
    """Return what a measurement depends on besides the code: the date, the machine and the versions.

    Returns
    -------
    dict
        Keys "date" (ISO), "machine" (processor, cores, system, GPU if any) and "versions" (Python and packages).
    """
    gpu = {"gpu": torch.cuda.get_device_name()} if torch.cuda.is_available() else {}
    return {
        "date": date.today().isoformat(),
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()} | gpu,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
    }


def _processor() -> str:
    """Return the name of the processor, on Linux from a file, elsewhere from Python."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def study_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the command line with the option that all studies have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--again", action="store_true", help="measure the stored runs again as well")
    return parser


def stored_runs(name: str, *, again: bool) -> list[dict]:
    """Return the runs in ``results/NAME.json``; none if there is no such file, or all are to be measured again."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8"))["runs"] if path.exists() and not again else []


def is_stored(run: dict, runs: list[dict]) -> bool:
    """Return whether one of the runs has these settings."""
    return any(run.items() <= old.items() for old in runs)


def in_own_process(measure: Callable[[Any], dict], run: Any) -> dict:
    """Return the result of a run in a new process, so that the memory of other runs does not count."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, run).result()


def measure_missing(
    name: str, runs: list[dict], measure: Callable[[dict], dict], settings: dict, *, again: bool
) -> None:
    """Measure the runs that are not stored, each in its own process, and store each when it is done."""
    found = stored_runs(name, again=again)
    for run in runs:
        if not is_stored(run, found):
            found.append(run | in_own_process(measure, run))
            store(name, {"settings": settings, "runs": found})
            print({key: value for key, value in found[-1].items() if key != "right"}, flush=True)


def spread(photos: PhotoDataset, count: int) -> PhotoDataset:
    """Return ``count`` of the photos, from the first to the last at equal distances, so that all classes occur."""
    return photos.subset(torch.linspace(0, len(photos) - 1, count).long().tolist())


def over_and_over(photos: PhotoDataset, count: int) -> PhotoDataset:
    """Return ``count`` photos; the same ones are repeated if there are fewer."""
    return photos.subset([index % len(photos) for index in range(count)])


def store(name: str, result: dict) -> Path:
    """Write a result, together with the environment, to ``results/NAME.json``.

    Parameters
    ----------
    name : str
        The name of the benchmark.
    result : dict
        The measurements and their settings, in types that JSON has.

    Returns
    -------
    Path
        The file.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**environment(), **result}, indent=2) + "\n", encoding="utf-8")
    return path
