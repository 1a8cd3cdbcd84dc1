"""Seed, device, precision and memory."""

import random
import time

import numpy as np
import pytest
import torch

from tlhelpers.machine import (
    autocast,
    convolve,
    keep_dtype,
    measure_faster_dtype,
    multiply_matrices,
    peak_memory,
    pick_dtype,
    set_seed,
    shortest_times,
)

CPU = torch.device("cpu")


def test_the_seed_reaches_python_numpy_and_torch():
    """The same seed gives the same random numbers in all three, another seed gives others."""

    def draw() -> tuple:
        return random.random(), np.random.rand(), torch.rand(1).item()

    set_seed(5)
    first = draw()
    set_seed(5)
    assert draw() == first
    set_seed(6)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


@pytest.mark.parametrize(
    ("product", "convolution", "dtype"),
    [
        (0.2, 0.3, torch.bfloat16),
        (0.9, 0.9, torch.bfloat16),
        (1.1, 0.3, torch.float32),
        (0.2, 1.1, torch.float32),
        (5.0, 0.2, torch.float32),
        (0.2, 170.0, torch.float32),
    ],
)
def test_bfloat16_is_chosen_only_if_it_is_faster_in_both_kinds_of_work(product, convolution, dtype):
    """The numbers are the time in bfloat16, divided by the time in float32."""
    ratios = {multiply_matrices: product, convolve: convolution}
    assert measure_faster_dtype(lambda work: (1.0, ratios[work])) is dtype


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_kept_precision_is_the_one_that_is_computed_in(dtype):
    """After keep_dtype, pick_dtype returns the type and autocast computes in it."""
    keep_dtype(CPU, dtype)
    assert pick_dtype(CPU) is dtype
    with autocast(CPU):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is dtype


def test_the_precision_is_measured_once_per_process():
    """The second call returns the same type at once."""
    first, start = pick_dtype(CPU), time.perf_counter()
    assert pick_dtype(CPU) is first and time.perf_counter() - start < 0.01


@pytest.mark.parametrize("work", [multiply_matrices, convolve])
def test_both_types_are_measured(work):
    """There are seconds for float32 and for bfloat16, of work that was done in that type."""
    assert [work(dtype)().dtype for dtype in (torch.float32, torch.bfloat16)] == [torch.float32, torch.bfloat16]
    seconds = shortest_times(work)
    assert len(seconds) == 2 and all(0 < each < 1 for each in seconds)


def test_slow_work_is_measured_only_once():
    """Work that takes longer than the limit is done once in each type, and not thirty times."""
    done = []

    def slow(dtype):
        return lambda: (done.append(dtype), time.sleep(0.02))

    shortest_times(slow, limit=0.01)
    assert done == [torch.float32, torch.bfloat16]


def test_peak_memory_only_grows():
    """A peak that was reached stays, and it is in megabytes: a process with torch has more than 50."""
    before = peak_memory()
    block = np.ones(40_000_000, dtype=np.uint8)
    assert peak_memory() >= before > 50 and block.any()
