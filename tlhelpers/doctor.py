"""What this machine has of the things that the notebooks need, and what to do about what is missing."""

import shutil
import sys
from collections.abc import Iterator
from importlib import import_module


def examine() -> Iterator[str]:
    """Yield one line for each thing that the notebooks need, with a remedy where it is missing."""
    for name, describe in (
        ("Python", describe_python),
        ("torch", lambda: describe_package("torch")),
        ("torchvision", lambda: describe_package("torchvision")),
        ("device", describe_device),
        ("weights", describe_weights),
        ("photos", describe_photos),
        ("disk", describe_disk),
        ("memory", describe_memory),
    ):
        try:
            found = describe()
        except ImportError as error:
            found = f"unknown, because {error.name} is missing"
        yield f"{name:12} {found}"


def describe_python() -> str:
    """Return the version of Python and its path."""
    version = ".".join(map(str, sys.version_info[:3]))
    remedy = "" if sys.version_info >= (3, 11) else "; too old: install 3.11 or newer"
    return f"{version}, {sys.executable}{remedy}"


def describe_package(name: str) -> str:
    """Return the version of an installed package."""
    try:
        return import_module(name).__version__
    except ImportError:
        return "missing; install the project: pip install -e ."
    except RuntimeError as error:
        return f"does not load ({error}); install torch and torchvision again, together and from one place"


def describe_device() -> str:
    """Return the device that torch computes on, and in which precision."""
    import torch

    from tlhelpers.machine import pick_device, pick_dtype

    device = pick_device()
    threads = f" with {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    return f"{device}{threads}, computing in {str(pick_dtype(device)).removeprefix('torch.')}"


def describe_weights() -> str:
    """Return the names of the weights in the cache folder."""
    from tlhelpers.network.pretrained import cached_file
    from tlhelpers.network.weights import list_weights

    found = [entry.name for entry in list_weights() if cached_file(entry).exists()]
    names = ", ".join(found) or "none yet; fetch them: tlhelpers prefetch"
    return f"{names}, in {describe_cache()}"


def describe_photos() -> str:
    """Return where the photos are."""
    from tlhelpers.files import photos_dir
    from tlhelpers.photos.ants_and_bees import cached_photos
    from tlhelpers.photos.datasets import read_folder

    named, cached = photos_dir(), cached_photos()
    if named:
        try:
            read_folder(named)
        except ValueError as error:
            return f"named by TLHELPERS_PHOTOS, but not available: {error}"
        return f"{named}, named by TLHELPERS_PHOTOS"
    return str(cached) if cached.is_dir() else "drawn ones; where there is a network, fetch photos: tlhelpers prefetch"


def describe_disk() -> str:
    """Return the free space of the disk that holds the cache folder."""
    from tlhelpers.files import cache_dir

    existing = next(folder for folder in (cache_dir(), *cache_dir().absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 1e9
    remedy = "" if free > 1 else "; weights and photos need 1 GB: free some, or let TLHELPERS_CACHE name another disk"
    return f"{free:.1f} GB free for the cache folder{remedy}"


def describe_memory() -> str:
    """Return the free memory of this machine."""
    import psutil

    free = psutil.virtual_memory().available / 1e9
    remedy = "" if free > 4 else "; fine-tuning needs 4 GB: close other programs, or lower BATCH_SIZE"
    return f"{free:.1f} GB free of {psutil.virtual_memory().total / 1e9:.1f} GB{remedy}"


def describe_cache() -> str:
    """Return the cache folder and the size of all files in it."""
    from tlhelpers.files import cache_dir

    size = sum(file.stat().st_size for file in cache_dir().rglob("*") if file.is_file())
    return f"{cache_dir()} ({size / 1e6:,.0f} MB)"
