"""The measurements behind the numbers of the series: one script per question, with a JSON file in results/."""

import argparse
import json
import multiprocessing
import os
import platform
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits

import tlhelpers.photos.loading
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


def each_result(measure: Callable[[dict], dict], runs: list[dict]) -> Iterator[dict]:
    """Yield every run together with its result: one run after the other, or several at a time on a GPU.

    A single training keeps a CPU busy. A GPU would wait for the photos, which several processes read faster than one.
    """
    if not torch.cuda.is_available():
        yield from (run | measure(run) for run in runs)
        return
    spawn, workers = multiprocessing.get_context("spawn"), max(1, min(os.cpu_count(), len(runs)))
    threads = (os.cpu_count() // workers,)
    with ProcessPoolExecutor(workers, spawn, initializer=_limit_threads, initargs=threads) as pool:
        futures = {pool.submit(measure, run): run for run in runs}
        yield from (futures[done] | done.result() for done in as_completed(futures))


def in_own_process(measure: Callable[[Any], dict], run: Any) -> dict:
    """Return the result of a run in a new process, so that the memory of other runs does not count."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, run).result()


def spread(photos: PhotoDataset, count: int) -> PhotoDataset:
    """Return ``count`` of the photos, from the first to the last at equal distances, so that all classes occur."""
    return photos.subset(torch.linspace(0, len(photos) - 1, count).long().tolist())


def over_and_over(photos: PhotoDataset, count: int) -> PhotoDataset:
    """Return ``count`` photos; the same ones are repeated if there are fewer."""
    return photos.subset([index % len(photos) for index in range(count)])


def _limit_threads(count: int) -> None:
    """Let this process use ``count`` threads, and read its photos itself."""
    torch.set_num_threads(count)
    threadpool_limits(count)
    tlhelpers.photos.loading.pick_workers = lambda photos: 0


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
