"""Seed, device and memory of the machine that a notebook runs on."""

import random
import sys

import numpy as np
import torch

from tlhelpers.arguments import check_whole
from tlhelpers.byhand.arguments import require


def set_seed(seed: int = 0) -> None:
    """Set the seed of Python, numpy and torch, so that a run can be repeated.

    Examples
    --------
    >>> set_seed(0); first = torch.rand(1); set_seed(0); bool(first == torch.rand(1))
    True
    """
    check_whole(0, seed=seed)
    rule = "be below 2**32, which is where numpy's seeds end"
    require(seed < 2**32, "seed", str(seed), rule, "give a smaller number")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def pick_device() -> torch.device:
    """Return the fastest available device: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def peak_memory() -> float:
    """Return the largest amount of memory that this process has used so far, in MB (10**6 bytes)."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
