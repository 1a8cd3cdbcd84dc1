"""Memory is kept while it pays, and returned afterwards."""

import ctypes
import sys

import pytest
import torch

from tlhelpers.allocator import M_MMAP_MAX, M_TRIM_THRESHOLD, keep_memory


class Library:
    """Stands for the C library, and remembers how it was called."""

    def __init__(self):
        self.calls = []

    def mallopt(self, option, value):
        self.calls.append((option, value))

    def malloc_trim(self, rest):
        self.calls.append("return")


def test_memory_is_kept_in_the_block_and_returned_after_it(monkeypatch):
    """The options are set back and free memory is returned, also after an error."""
    library = Library()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    with pytest.raises(ZeroDivisionError), keep_memory():
        assert library.calls == [(M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1)]
        raise ZeroDivisionError
    assert {M_MMAP_MAX: 65536, M_TRIM_THRESHOLD: 2**26}.items() <= dict(library.calls[2:-1]).items()
    assert library.calls[-1] == "return"


@pytest.mark.parametrize(("platform", "library"), [("win32", None), ("darwin", object()), ("linux", object())])
def test_other_c_libraries_are_left_alone(monkeypatch, platform, library):
    """Where the C library has no such options, the block runs as if nothing were around it."""
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    with keep_memory():
        assert torch.ones(2).sum() == 2


@pytest.mark.skipif(sys.platform != "linux", reason="counts new pages as Linux does")
def test_large_tensors_use_the_same_pages_again():
    """Ten tensors of a hundred megabytes, one after the other, need new pages only for the first."""
    import resource

    def new_pages() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            torch.zeros(25_000_000)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    with keep_memory():
        new_pages()
        kept = new_pages()
    assert kept < 1000 < new_pages()
