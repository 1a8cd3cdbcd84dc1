"""Seed, device, precision, cache folder."""

import random

import numpy as np
import pytest
import torch

from tlhelpers import runtime


def test_the_seed_reaches_python_numpy_and_torch():
    def draw() -> tuple:
        return random.random(), np.random.rand(), torch.rand(1).item()

    runtime.set_seed(5)
    first = draw()
    runtime.set_seed(5)
    assert draw() == first
    runtime.set_seed(6)
    assert all(a != b for a, b in zip(draw(), first, strict=True))


@pytest.mark.parametrize(("seconds", "dtype"), [(0.2, torch.bfloat16), (0.9, torch.float32), (5.0, torch.float32)])
def test_bfloat16_is_taken_only_where_it_was_timed_faster(monkeypatch, seconds, dtype):
    """Half as fast, as fast, or five times slower: a flag of the processor has no say."""
    monkeypatch.setattr(runtime, "_product_seconds", lambda *kinds: [1.0, seconds])
    monkeypatch.setattr(runtime, "_dtypes", {})
    cpu = torch.device("cpu")
    assert runtime.pick_dtype(cpu) is dtype
    with runtime.autocast(cpu):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is dtype


def test_products_of_both_types_are_timed():
    """Seconds for each type that is asked for."""
    seconds = runtime._product_seconds(torch.float32, torch.bfloat16, size=8)
    assert len(seconds) == 2 and all(0 < each < 1 for each in seconds)


def test_the_cache_folder_is_the_one_named_and_is_not_made_by_asking(monkeypatch, tmp_path):
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "mine"))
    assert runtime.cache_dir() == tmp_path / "mine" and not runtime.cache_dir().exists()
    monkeypatch.delenv("TLHELPERS_CACHE")
    assert runtime.cache_dir().name == "tlhelpers"


def test_an_empty_name_is_no_name(monkeypatch):
    monkeypatch.setenv("TLHELPERS_PHOTOS", "")
    assert runtime.photos_dir() is None


def test_memory_only_grows():
    before = runtime.peak_memory()
    block = np.ones(40_000_000, dtype=np.uint8)
    assert runtime.peak_memory() >= before > 50 and block.any()
