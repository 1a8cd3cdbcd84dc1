"""The command line: run the notebooks, open them, make handouts, fetch what is needed, look at this machine."""

import argparse
import shutil
import sys
from importlib import import_module
from pathlib import Path


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
    from tlhelpers.network.weights import cached_file

    found = [entry.name for entry in list_weights() if cached_file(entry).exists()]
    names = ", ".join(found) or "none yet; fetch them: tlhelpers prefetch"
    return f"{names}, in {cache_dir()} ({megabytes(cache_dir())})"


def _look_at_photos() -> str:
    from tlhelpers.files import cache_dir, photos_dir
    from tlhelpers.photos.datasets import image_folder

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


def megabytes(folder: Path) -> str:
    return f"{sum(file.stat().st_size for file in folder.rglob('*') if file.is_file()) / 1e6:,.0f} MB"
