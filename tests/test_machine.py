"""Seed, device, precision, cache folder."""

import random
import sys
import time

import numpy as np
import pytest
import torch

from tlhelpers import allocator, machine


def test_the_seed_reaches_python_numpy_and_torch():
    def draw() -> tuple:
        return random.random(), np.random.rand(), torch.rand(1).item()

    machine.set_seed(5)
    first = draw()
    machine.set_seed(5)
    assert draw() == first
    machine.set_seed(6)
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
    ratios = {machine._product: product, machine._convolution: convolution}
    monkeypatch.setattr(machine, "_seconds", lambda work: [1.0, ratios[work]])
    monkeypatch.setattr(machine, "_dtypes", {})
    cpu = torch.device("cpu")
    assert machine.pick_dtype(cpu) is dtype
    with machine.autocast(cpu):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is dtype


@pytest.mark.parametrize("work", [machine._product, machine._convolution])
def test_both_types_are_timed(work):
    """Seconds for float32 and for bfloat16, of work that was done in that type."""
    assert [work(dtype)().dtype for dtype in (torch.float32, torch.bfloat16)] == [torch.float32, torch.bfloat16]
    seconds = machine._seconds(work)
    assert len(seconds) == 2 and all(0 < each < 1 for each in seconds)


def test_timing_is_cut_off(monkeypatch):
    """Work that is slow is done twice, once in each type, and not thirty times."""
    done = []

    def slow(dtype):
        return lambda: (done.append(dtype), time.sleep(0.1))

    machine._seconds(slow)
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
    monkeypatch.setattr(allocator.sys, "platform", "linux")
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: library)
    with pytest.raises(ZeroDivisionError), allocator.keep_memory():
        assert library.asked == [(machine.M_MMAP_MAX, 0), (machine.M_TRIM_THRESHOLD, 2**31 - 1)]
        raise ZeroDivisionError
    assert {machine.M_MMAP_MAX: 65536, machine.M_TRIM_THRESHOLD: 2**26}.items() <= dict(library.asked[2:-1]).items()
    assert library.asked[-1] == "give back"


@pytest.mark.parametrize(("platform", "library"), [("win32", None), ("darwin", object()), ("linux", object())])
def test_other_c_libraries_are_left_alone(monkeypatch, platform, library):
    monkeypatch.setattr(allocator.sys, "platform", platform)
    monkeypatch.setattr(allocator.ctypes, "CDLL", lambda name: library)
    with allocator.keep_memory():
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

    with allocator.keep_memory():
        new_pages()
        kept = new_pages()
    assert kept < 1000 < new_pages()


def test_the_cache_folder_is_the_one_named_and_is_not_made_by_asking(monkeypatch, tmp_path):
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "mine"))
    assert machine.cache_dir() == tmp_path / "mine" and not machine.cache_dir().exists()
    monkeypatch.delenv("TLHELPERS_CACHE")
    assert machine.cache_dir().name == "tlhelpers"


def test_an_empty_name_is_no_name(monkeypatch):
    monkeypatch.setenv("TLHELPERS_PHOTOS", "")
    assert machine.photos_dir() is None


def test_memory_only_grows():
    before = machine.peak_memory()
    block = np.ones(40_000_000, dtype=np.uint8)
    assert machine.peak_memory() >= before > 50 and block.any()
