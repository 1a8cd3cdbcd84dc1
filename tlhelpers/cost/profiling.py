"""Where the time goes: what this machine's processor can do at best, and what a network gets of it."""

import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

KINDS = {  # parts of the names that torch's profiler gives to work on a CPU; the first that fits counts
    "reading photos": ("DataLoader",),
    "convolution, back": ("convolution_backward",),
    "convolution": ("convolution", "conv2d"),
    "batch norm": ("batch_norm",),
    "ReLU": ("relu", "clamp_min", "threshold_backward"),
    "copies": ("copy_",),
}


def shortest_time(work: Callable[[], object], rounds: int = 5) -> float:
    """Return the seconds of the shortest of some rounds, after one that does not count.

    The shortest, since what else a machine has to do makes a round longer and never shorter.

    Parameters
    ----------
    work : callable
        Called without arguments.
    rounds : int
    """
    work()
    return min(_seconds(work) for _ in range(rounds))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure_peak(dtype: torch.dtype) -> float:
    """Return the operations a second of the fastest of three matrix products, on the CPU.

    A product and an addition are two operations: 2 n**3 of them for two matrices of n rows and columns.
    """
    matrices = [torch.full((side, side), 0.5, dtype=dtype) for side in (512, 1024, 2048)]
    return max(2 * len(each) ** 3 / shortest_time(partial(torch.mm, each, each), 20) for each in matrices)


def measure_bandwidth() -> float:
    """Return the bytes a second that are read and written when a tensor of 200 MB is copied, on the CPU."""
    source = torch.zeros(50_000_000)
    target = torch.empty_like(source)
    return 2 * source.nbytes / shortest_time(partial(target.copy_, source))


def measure_convolutions(model: nn.Module, images: Tensor, dtype: torch.dtype) -> Tensor:
    """Time every convolution of a network by itself, on the CPU, on what reaches it in a forward pass.

    Parameters
    ----------
    model : nn.Module
    images : Tensor
        (N, 3, H, W).
    dtype : torch.dtype
        What the convolutions are computed in.

    Returns
    -------
    Tensor
        (L, 3), one row for each convolution, in the order of their work: operations per byte of its input, kernels and
        output, each moved once; operations a second; the side of its kernels.
    """
    rows, handles = [], []

    def measure(layer: nn.Conv2d, inputs: tuple[Tensor], output: Tensor) -> None:
        x, weight = (part.detach().to(dtype, memory_format=torch.channels_last) for part in (*inputs, layer.weight))
        work = partial(F.conv2d, x, weight, None, layer.stride, layer.padding, layer.dilation, layer.groups)
        operations = 2 * output.numel() * weight[0].numel()
        moved = dtype.itemsize * (x.numel() + weight.numel() + output.numel())
        rows.append((operations / moved, operations / shortest_time(work), layer.kernel_size[0]))

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            handles.append(layer.register_forward_hook(measure))
    try:
        with torch.no_grad():
            model(images)
    finally:
        for handle in handles:
            handle.remove()
    return torch.tensor(rows, dtype=torch.float64)


def time_by_kind(step: Callable[[], object]) -> dict[str, float]:
    """Return the milliseconds of a step of training on the CPU, by kind of work, as torch's profiler counts them.

    Parameters
    ----------
    step : callable
        Called twice: what happens once, as the choice of a way to compute, is over when it is counted.
    """
    step()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        step()
    times = dict.fromkeys([*KINDS, "all else"], 0.0)
    for event in found.key_averages():
        kind = next((kind for kind, parts in KINDS.items() if any(part in event.key for part in parts)), "all else")
        times[kind] += event.self_cpu_time_total / 1000
    return times
