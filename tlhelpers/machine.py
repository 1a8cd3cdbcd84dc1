"""Seed, device, precision and memory of the machine that a notebook runs on."""

import random
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

Work = Callable[[torch.dtype], Callable[[], Tensor]]  # prepares a computation in a precision, and returns it
_dtypes: dict[str, torch.dtype] = {}  # by device type; what pick_dtype returns in this process


def set_seed(seed: int = 0) -> None:
    """Set the seed of Python, numpy and torch, so that a run can be repeated.

    Examples
    --------
    >>> set_seed(0); first = torch.rand(1); set_seed(0); bool(first == torch.rand(1))
    True
    """
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def pick_device() -> torch.device:
    """Return the fastest available device: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_dtype(device: torch.device) -> torch.dtype:
    """Return the faster precision of a device, bfloat16 or float32; on a CPU it is measured once per process.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    torch.dtype
        What ``keep_dtype`` was given, if it was called. Otherwise on a CPU the result of ``measure_faster_dtype``, on
        a GPU bfloat16 if CUDA supports it, else float32.
    """
    if device.type not in _dtypes:
        _dtypes[device.type] = measure_faster_dtype() if device.type == "cpu" else _supported_dtype(device)
    return _dtypes[device.type]


def _supported_dtype(gpu: torch.device) -> torch.dtype:
    return torch.bfloat16 if gpu.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32


def keep_dtype(device: torch.device, dtype: torch.dtype) -> None:
    """Let ``pick_dtype`` return this type for the rest of the process, such as that of a training to be continued."""
    _dtypes[device.type] = dtype


def multiply_matrices(dtype: torch.dtype) -> Callable[[], Tensor]:
    """Return a function that multiplies two (512, 512) matrices of a type."""
    matrix = torch.ones(512, 512, dtype=dtype)
    return lambda: matrix @ matrix


def convolve(dtype: torch.dtype) -> Callable[[], Tensor]:
    """Return a function that computes a convolution from the first stage of ResNet-50 in a type."""
    images = torch.ones(1, 64, 56, 56, dtype=dtype).to(memory_format=torch.channels_last)
    kernels = torch.ones(64, 64, 3, 3, dtype=dtype).to(memory_format=torch.channels_last)
    return lambda: F.conv2d(images, kernels, padding=1)


def shortest_times(work: Work, *, rounds: int = 30, limit: float = 0.07) -> tuple[float, float]:
    """Return the shortest time of a computation in float32 and in bfloat16.

    The two types take turns, so that other work of the machine slows both of them down alike.

    Parameters
    ----------
    work : callable
        From a dtype to a function without arguments, which is timed.
    rounds : int
        The largest number of times that each type is measured.
    limit : float
        Seconds after which no new round begins.

    Returns
    -------
    tuple of float
        Seconds for float32 and for bfloat16.
    """
    computations, shortest = [work(dtype) for dtype in (torch.float32, torch.bfloat16)], [float("inf")] * 2
    end = time.perf_counter() + limit
    for _ in range(rounds):
        for i, compute in enumerate(computations):
            start = time.perf_counter()
            compute()
            shortest[i] = min(shortest[i], time.perf_counter() - start)
        if time.perf_counter() > end:
            break
    return shortest[0], shortest[1]


def measure_faster_dtype(measure: Callable[[Work], tuple[float, float]] = shortest_times) -> torch.dtype:
    """Return bfloat16 if the CPU both multiplies matrices and convolves faster in it, else float32.

    A processor can report that it supports bfloat16 and still be slower with it, so both are measured, which takes
    about 150 ms. With real support both need half the time or less, without it twice the time or more. The limit lies
    between the two, so that other work of the machine rarely changes the result.

    Parameters
    ----------
    measure : callable
        Returns the seconds of a computation in float32 and in bfloat16.
    """
    times = [measure(work) for work in (multiply_matrices, convolve)]
    return torch.bfloat16 if max(bfloat16 / float32 for float32, bfloat16 in times) < 1 else torch.float32


def autocast(device: torch.device) -> torch.autocast:
    """Return a context for a ``with`` block in which torch computes in the precision of ``pick_dtype``."""
    dtype = pick_dtype(device)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype is torch.bfloat16)


def peak_memory() -> float:
    """Return the largest amount of memory that this process has used so far, in MB (10**6 bytes)."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
