"""Seed and memory."""

import random

import numpy as np
import torch

from tlhelpers.machine import peak_memory, set_seed


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


def test_peak_memory_only_grows():
    """A peak that was reached stays, and it is in megabytes: a process with torch has more than 50."""
    before = peak_memory()
    block = np.ones(40_000_000, dtype=np.uint8)
    assert peak_memory() >= before > 50 and block.any()
