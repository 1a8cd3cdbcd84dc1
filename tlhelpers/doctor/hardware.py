"""The machine itself: processor, GPU, memory and disk, and what torch computes on."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tlhelpers.doctor.findings import Finding, ok, wrong

GIGABYTE = 1e9


def find_processor() -> Finding:
    """Return the name of the processor, its cores, and the widest instructions that torch uses on it."""
    import psutil
    import torch

    cores, threads = psutil.cpu_count(logical=False) or "?", os.cpu_count()
    return ok(f"{_processor()}, {cores} cores, {threads} threads, {torch.backends.cpu.get_cpu_capability()}")


def _processor() -> str:
    """Return the name of the processor as its maker gives it, which each system keeps elsewhere."""
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5).stdout.strip()
    file = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*:\s*(.+)$", file.read_text(), re.MULTILINE) if file.exists() else None
    return named[1] if named else platform.processor() or platform.machine()


def find_device() -> Finding:
    """Return the device that torch computes on, and in which precision."""
    import torch

    from tlhelpers.machine import pick_device
    from tlhelpers.precision import pick_dtype

    device = pick_device()
    threads = f" with {torch.get_num_threads()} threads" if device.type == "cpu" else ""
    return ok(f"{device}{threads}, computing in {str(pick_dtype(device)).removeprefix('torch.')}")


def find_gpu() -> Finding:
    """Return the name and the memory of the GPU, or that there is none, which the notebooks do not need."""
    import torch

    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        return ok(f"{properties.name}, {properties.total_memory / GIGABYTE:.0f} GB")
    if torch.backends.mps.is_available():
        return ok("the one of Apple's processor")
    if shutil.which("nvidia-smi"):
        remedy = "update its driver, or install a torch that is built for it; the notebooks run without it too"
        return wrong("there is one of NVIDIA, which torch cannot use", remedy)
    return ok("none; the notebooks do not need one")


def find_memory() -> Finding:
    """Return how much memory is free."""
    import psutil

    memory = psutil.virtual_memory()
    found = f"{memory.available / GIGABYTE:.1f} GB free of {memory.total / GIGABYTE:.1f} GB"
    if memory.available > 4 * GIGABYTE:
        return ok(found)
    return wrong(f"{found}; fine-tuning needs 4 GB", "close other programs, or lower BATCH_SIZE")


def find_disk() -> Finding:
    """Return the free space of the disk that holds the cache folder."""
    from tlhelpers.files import cache_dir

    existing = next(folder for folder in (cache_dir(), *cache_dir().absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    found = f"{free / GIGABYTE:.1f} GB free for the cache folder"
    if free > GIGABYTE:
        return ok(found)
    return wrong(f"{found}; weights and photos need 1 GB", "free some, or let TLHELPERS_CACHE name another disk")
