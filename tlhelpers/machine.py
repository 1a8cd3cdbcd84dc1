"""What this machine offers: seed, device, precision, cache folder. The only reader of environment variables."""

import random
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

_dtypes: dict[str, torch.dtype] = {}  # by the type of the device, once chosen


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
    """Return the fastest device there is: CUDA, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def pick_dtype(device: torch.device) -> torch.dtype:
    """Return bfloat16 where a matrix product and a convolution in it were timed faster, else float32.

    What a processor says of itself is not to be trusted here (the flag for bfloat16 can be set on a machine where it is
    slower), so both are timed, small ones, once in a process, in about 150 ms. Where the processor knows bfloat16, both
    take about half the time or less, where it does not, twice or more: in between lies what other work may disturb.
    """
    if device.type not in _dtypes:
        _dtypes[device.type] = _faster_dtype(device)
    return _dtypes[device.type]


def keep_dtype(device: torch.device, dtype: torch.dtype) -> None:
    """Let ``pick_dtype`` return this type from now on in this process, as for a training that began with it."""
    _dtypes[device.type] = dtype


def _faster_dtype(device: torch.device) -> torch.dtype:
    if device.type != "cpu":
        return torch.bfloat16 if device.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32
    ratios = [fast / slow for slow, fast in (_seconds(_product), _seconds(_convolution))]
    return torch.bfloat16 if max(ratios) < 1 else torch.float32


def _product(dtype: torch.dtype) -> Callable[[], Tensor]:
    matrix = torch.ones(512, 512, dtype=dtype)
    return lambda: matrix @ matrix


def _convolution(dtype: torch.dtype) -> Callable[[], Tensor]:
    """A convolution of the first stage of ResNet-50."""
    images = torch.ones(1, 64, 56, 56, dtype=dtype).to(memory_format=torch.channels_last)
    kernels = torch.ones(64, 64, 3, 3, dtype=dtype).to(memory_format=torch.channels_last)
    return lambda: functional.conv2d(images, kernels, padding=1)


def _seconds(work: Callable[[torch.dtype], Callable[[], Tensor]]) -> list[float]:
    """Return the best of many timings of some work in float32 and in bfloat16, fewer timings if it is slow.

    The two take turns, so that what else the machine has to do disturbs them alike.
    """
    works, best = [work(dtype) for dtype in (torch.float32, torch.bfloat16)], [float("inf")] * 2
    end = time.perf_counter() + 0.07
    for _ in range(30):
        for i, once in enumerate(works):
            start = time.perf_counter()
            once()
            best[i] = min(best[i], time.perf_counter() - start)
        if time.perf_counter() > end:
            break
    return best


def autocast(device: torch.device) -> torch.autocast:
    """Return a ``with`` block in which torch computes in the precision of ``pick_dtype``."""
    dtype = pick_dtype(device)
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype is torch.bfloat16)


def peak_memory() -> float:
    """Return the most memory that this process has held so far, in MB (10**6 bytes)."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
