"""Seed, device, precision, cache folder."""

import random
import sys
import time

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
def test_bfloat16_is_taken_only_where_it_was_timed_faster(monkeypatch, product, convolution, dtype):
    """In both kinds of work: a flag of the processor has no say."""
    ratios = {runtime._product: product, runtime._convolution: convolution}
    monkeypatch.setattr(runtime, "_seconds", lambda work: [1.0, ratios[work]])
    monkeypatch.setattr(runtime, "_dtypes", {})
    cpu = torch.device("cpu")
    assert runtime.pick_dtype(cpu) is dtype
    with runtime.autocast(cpu):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is dtype


@pytest.mark.parametrize("work", [runtime._product, runtime._convolution])
def test_both_types_are_timed(work):
    """Seconds for float32 and for bfloat16, of work that was done in that type."""
    assert [work(dtype)().dtype for dtype in (torch.float32, torch.bfloat16)] == [torch.float32, torch.bfloat16]
    seconds = runtime._seconds(work)
    assert len(seconds) == 2 and all(0 < each < 1 for each in seconds)


def test_timing_is_cut_off(monkeypatch):
    """Work that is slow is done twice, once in each type, and not thirty times."""
    done = []

    def slow(dtype):
        return lambda: (done.append(dtype), time.sleep(0.1))

    runtime._seconds(slow)
    assert done == [torch.float32, torch.bfloat16]


class Library:
    """In the place of the C library: notes what it was asked."""

    def __init__(self):
        self.asked = []

    def mallopt(self, option, value):
        self.asked.append((option, value))

    def malloc_trim(self, rest):
        self.asked.append("give back")


def test_memory_is_kept_in_the_block_and_given_back_after_it(monkeypatch):
    """Also after an error."""
    library = Library()
    monkeypatch.setattr(runtime.sys, "platform", "linux")
    monkeypatch.setattr(runtime.ctypes, "CDLL", lambda name: library)
    with pytest.raises(ZeroDivisionError), runtime.keep_memory():
        assert library.asked == [(runtime.M_MMAP_MAX, 0), (runtime.M_TRIM_THRESHOLD, 2**31 - 1)]
        raise ZeroDivisionError
    assert {runtime.M_MMAP_MAX: 65536, runtime.M_TRIM_THRESHOLD: 2**26}.items() <= dict(library.asked[2:-1]).items()
    assert library.asked[-1] == "give back"


@pytest.mark.parametrize(("platform", "library"), [("win32", None), ("darwin", object()), ("linux", object())])
def test_other_c_libraries_are_left_alone(monkeypatch, platform, library):
    monkeypatch.setattr(runtime.sys, "platform", platform)
    monkeypatch.setattr(runtime.ctypes, "CDLL", lambda name: library)
    with runtime.keep_memory():
        assert torch.ones(2).sum() == 2


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how many pages came anew")
def test_large_tensors_take_the_same_pages_again():
    """A hundred megabytes, over and over, cost new pages once."""
    import resource

    def new_pages() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            torch.zeros(25_000_000)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with runtime.keep_memory():
        new_pages()
        kept = new_pages()
    assert kept < 1000 < new_pages()


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
