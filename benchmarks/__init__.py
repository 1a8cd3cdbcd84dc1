"""The measurements behind the numbers of the series: one script a question, its result a JSON file in results/."""

import json
import multiprocessing
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

import tlhelpers.photos.datasets
from tlhelpers.photos.datasets import PhotoDataset

RESULTS = Path(__file__).parent / "results"
PACKAGES = ("torch", "torchvision", "numpy", "pillow", "scikit-learn", "scikit-image")


def environment() -> dict:
    """Return what a figure depends on besides the code: the date, the machine and the versions.

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
    """Return the name of the processor; Linux keeps it in a file, elsewhere Python knows it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def stored_runs(name: str) -> list[dict]:
    """Return the runs in ``results/NAME.json``, for a study that goes on; none if it begins, or with --again."""
    path = RESULTS / f"{name}.json"
    if not path.exists() or "--again" in sys.argv:
        return []
    return json.loads(path.read_text(encoding="utf-8"))["runs"]


def is_stored(run: dict, runs: list[dict]) -> bool:
    """Tell whether there is one of these settings among the runs."""
    return any(run.items() <= old.items() for old in runs)


def each_result(measure: Callable[[dict], dict], runs: list[dict]) -> Iterator[dict]:
    """Yield every run together with its result: one after the other, or beside each other on a GPU, as they are done.

    One training keeps a CPU busy. A GPU waits for the photos, which many processes read sooner than one.
    """
    if not torch.cuda.is_available():
        yield from (run | measure(run) for run in runs)
        return
    spawn, workers = multiprocessing.get_context("spawn"), max(1, min(os.cpu_count(), len(runs)))
    threads = (os.cpu_count() // workers,)
    with ProcessPoolExecutor(workers, spawn, initializer=_limit_threads, initargs=threads) as pool:
        futures = {pool.submit(measure, run): run for run in runs}
        yield from (futures[done] | done.result() for done in as_completed(futures))


def in_own_process(module: str, run: dict | int) -> dict:
    """Return what ``python -m MODULE --run RUN`` prints last: a run whose memory can be told, since it is alone."""
    command = [sys.executable, "-m", module, "--run", json.dumps(run)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def spread(photos: PhotoDataset, count: int) -> PhotoDataset:
    """Return so many of the photos, from first to last at equal distances, so that all classes are there."""
    return photos.subset(torch.linspace(0, len(photos) - 1, count).long().tolist())


def over_and_over(photos: PhotoDataset, count: int) -> PhotoDataset:
    """Return so many photos, the same ones again where there are fewer."""
    return photos.subset([index % len(photos) for index in range(count)])


def _limit_threads(count: int) -> None:
    """Keep to a share of the cores: so many threads, and photos read in this process."""
    torch.set_num_threads(count)
    threadpool_limits(count)
    tlhelpers.photos.loading.MANY = sys.maxsize


def store(name: str, result: dict) -> Path:
    """Write a result, together with the environment, to ``results/NAME.json``.

    Parameters
    ----------
    name : str
        Of the benchmark.
    result : dict
        What was measured and how, in types that JSON knows.

    Returns
    -------
    Path
        Of the file.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**environment(), **result}, indent=2) + "\n", encoding="utf-8")
    return path
