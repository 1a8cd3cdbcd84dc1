"""Where the time goes: the best rates that this processor reaches, and the rates that a network reaches."""

import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from tlhelpers.arguments import check_function, check_kind, check_network, check_tensor, check_whole

# Kinds of work, with parts of the names that torch's profiler gives to them on a CPU. The first kind that fits counts.
KINDS = {
    "reading photos": ("DataLoader",),
    "convolution, back": ("convolution_backward",),
    "convolution": ("convolution", "conv2d"),
    "batch norm": ("batch_norm",),
    "ReLU": ("relu", "clamp_min", "threshold_backward"),
    "copies": ("copy_",),
}


def shortest_time(work: Callable[[], object], rounds: int = 5) -> float:
    """Return the shortest time that some work takes in several rounds, in seconds.

    Other work of the machine can make a round longer, but never shorter, so the shortest is the best estimate. The work
    is done once before, and that time does not count.

    Parameters
    ----------
    work : callable
        Called without arguments.
    rounds : int

    Returns
    -------
    float
        Seconds.
    """
    check_function("work", work)
    check_whole(1, rounds=rounds)
    work()
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def measure_peak_flops(dtype: torch.dtype) -> float:
    """Return the floating-point operations per second of the fastest of three matrix products on the CPU.

    The product of two matrices of n rows and n columns takes 2 n**3 operations, one multiplication and one addition for
    each of n**3 terms.

    Parameters
    ----------
    dtype : torch.dtype
        The type of the numbers in the matrices.

    Returns
    -------
    float
        Operations per second.
    """
    matrices = [torch.full((side, side), 0.5, dtype=dtype) for side in (512, 1024, 2048)]
    return max(2 * len(each) ** 3 / shortest_time(partial(torch.mm, each, each), 20) for each in matrices)


def measure_bandwidth() -> float:
    """Return the bytes per second that the CPU reads and writes when it copies a tensor of 200 MB."""
    source = torch.zeros(50_000_000)
    target = torch.empty_like(source)
    return 2 * source.nbytes / shortest_time(partial(target.copy_, source))


def measure_convolutions(model: nn.Module, images: Tensor, dtype: torch.dtype) -> Tensor:
    """Time each convolution of a network alone, on the CPU, with the input that it gets in a forward pass.

    Parameters
    ----------
    model : nn.Module
    images : Tensor
        (N, 3, H, W).
    dtype : torch.dtype
        The type in which the convolutions are computed.

    Returns
    -------
    Tensor
        (L, 3), one row for each of L convolutions in the order of the forward pass: operations per byte, where input,
        kernels and output are moved once; operations per second; height of the kernels in pixels.
    """
    check_network(model)
    check_tensor(images, "images")
    check_kind("dtype", dtype, torch.dtype, "be a type of numbers", "give torch.float32")
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
    """Return how long each kind of work takes in a training step on the CPU, measured by torch's profiler.

    Parameters
    ----------
    step : callable
        Called without arguments, twice. Only the second call is measured, because the first one also prepares what
        later calls reuse.

    Returns
    -------
    dict
        Milliseconds by the name of the kind; "all else" comes last.
    """
    check_function("step", step)
    step()
    with profile(activities=[ProfilerActivity.CPU]) as found:
        step()
    times = dict.fromkeys([*KINDS, "all else"], 0.0)
    for event in found.key_averages():
        kind = next((kind for kind, parts in KINDS.items() if any(part in event.key for part in parts)), "all else")
        times[kind] += event.self_cpu_time_total / 1000
    return times
