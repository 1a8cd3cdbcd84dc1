"""The precision that a device computes in: bfloat16 where it is faster, else float32. One answer for each machine.

The precision changes the last digits of every result. So it is decided once for each processor and version of torch,
kept in the cache folder, and printed at that time. The environment variable ``TLHELPERS_PRECISION`` overrides it.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from tlhelpers.arguments import check_kind
from tlhelpers.files import cache_dir, replacing

PRECISIONS = {"bfloat16": torch.bfloat16, "float32": torch.float32}
BFLOAT16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16")  # as torch names what an x86 or an ARM processor has

Work = Callable[[torch.dtype], Callable[[], Tensor]]  # prepares a computation in a precision, and returns it
_dtypes: dict[str, torch.dtype] = {}  # by device type; what pick_dtype returns in this process


def pick_dtype(device: torch.device) -> torch.dtype:
    """Return the precision of a device, bfloat16 or float32.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    torch.dtype
        What ``TLHELPERS_PRECISION`` names; else what ``keep_dtype`` was given, if it was called. Otherwise on a CPU the
        result of ``decide_dtype``, on a GPU bfloat16 if CUDA supports it, else float32.

    Raises
    ------
    ValueError
        If ``TLHELPERS_PRECISION`` names anything else.
    """
    check_kind("device", device, torch.device, "be a device of torch", "give torch.device('cpu') or pick_device()")
    if named := precision_named():
        return named
    if device.type not in _dtypes:
        _dtypes[device.type] = decide_dtype() if device.type == "cpu" else _supported_dtype(device)
    return _dtypes[device.type]


def precision_named() -> torch.dtype | None:
    """Return the precision that ``TLHELPERS_PRECISION`` names, or None."""
    named = os.environ.get("TLHELPERS_PRECISION")
    if named and named not in PRECISIONS:
        raise ValueError(f"TLHELPERS_PRECISION is {named!r}; it must be bfloat16 or float32; correct it, or unset it")
    return PRECISIONS[named] if named else None


def keep_dtype(device: torch.device, dtype: torch.dtype) -> None:
    """Let ``pick_dtype`` return this type for the rest of the process, such as that of a training to be continued."""
    _dtypes[device.type] = dtype


def autocast(device: torch.device) -> torch.autocast:
    """Return a context for a ``with`` block in which torch computes in the precision of ``pick_dtype``."""
    dtype = pick_dtype(device)  # which also checks the device
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype is torch.bfloat16)


def _supported_dtype(gpu: torch.device) -> torch.dtype:
    return torch.bfloat16 if gpu.type == "cuda" and torch.cuda.is_bf16_supported() else torch.float32


def decide_dtype(capabilities: dict | None = None, measure: Callable[[Work], float] | None = None) -> torch.dtype:
    """Return the precision of this processor, as it was decided before, or decide it now and keep it.

    A processor without instructions for bfloat16 computes in float32. One that has them is measured, because some are
    slower with them all the same.

    Parameters
    ----------
    capabilities : dict, optional
        By default what torch knows about this processor.
    measure : callable, optional
        The time of a computation in bfloat16, divided by its time in float32; by default ``time_ratio``.
    """
    known = capabilities or torch.cpu.get_capabilities()
    instructions = [name for name in BFLOAT16_INSTRUCTIONS if known.get(name)]
    processor = f"{known.get('cpu_name')}, {' '.join(instructions) or 'no bfloat16'}, torch {torch.__version__}"
    kept = _read_kept()
    if kept.get(processor) in PRECISIONS:
        return PRECISIONS[kept[processor]]
    precision, reason = _decide(instructions, measure or time_ratio)
    print(f"This processor computes in {precision}: {reason}. TLHELPERS_PRECISION can name another precision.")
    try:
        with replacing(_path()) as new:
            new.write_text(json.dumps(kept | {processor: precision}, indent=2), encoding="utf-8")
    except RuntimeError:
        pass  # a cache that cannot be written: the next process decides again, in the same way
    return PRECISIONS[precision]


def _decide(instructions: list[str], measure: Callable[[Work], float]) -> tuple[str, str]:
    """Return the name of the precision, and the reason."""
    if not instructions:
        return "float32", "it has no instructions for bfloat16"
    ratio = max(measure(work) for work in (multiply_matrices, convolve))
    reason = f"bfloat16 takes {ratio:.2f} times as long as float32"
    return ("bfloat16" if ratio < 1 else "float32"), reason


def _path() -> Path:
    return cache_dir() / "precision.json"


def _read_kept() -> dict[str, str]:
    """Return the decisions so far; none if the file is missing or damaged."""
    try:
        kept = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def multiply_matrices(dtype: torch.dtype) -> Callable[[], Tensor]:
    """Return a function that multiplies two (512, 512) matrices of a type."""
    matrix = torch.ones(512, 512, dtype=dtype)
    return lambda: matrix @ matrix


def convolve(dtype: torch.dtype) -> Callable[[], Tensor]:
    """Return a function that computes a convolution from the first stage of ResNet-50 in a type."""
    images = torch.ones(1, 64, 56, 56, dtype=dtype).to(memory_format=torch.channels_last)
    kernels = torch.ones(64, 64, 3, 3, dtype=dtype).to(memory_format=torch.channels_last)
    return lambda: F.conv2d(images, kernels, padding=1)


def time_ratio(work: Work, *, seconds: float = 0.1) -> float:
    """Return the time of a computation in bfloat16, divided by its time in float32.

    Other work of the machine does not change the result: the processor time of one thread is measured, which does not
    pass while other processes run, and the two types take turns.

    Parameters
    ----------
    work : callable
        From a dtype to a function without arguments, which is timed.
    seconds : float
        The processor time to measure, both types together.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _time_ratio([work(dtype) for dtype in (torch.float32, torch.bfloat16)], seconds)
    finally:
        torch.set_num_threads(threads)


def _time_ratio(computations: list[Callable[[], Tensor]], seconds: float) -> float:
    for compute in computations:
        compute()  # the first call also prepares
    times = [0.0, 0.0]
    while sum(times) < seconds:
        for i, compute in enumerate(computations):
            start = time.thread_time()
            compute()
            times[i] += time.thread_time() - start
    return times[1] / max(times[0], 1e-9)
