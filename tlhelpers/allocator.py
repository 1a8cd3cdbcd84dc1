"""Freed memory kept for the next batch. Nothing here is needed to understand the series."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4  # of glibc's malloc.h


@contextmanager
def keep_memory() -> Iterator[None]:
    """Keep freed memory for the next use, in a ``with`` block or a decorated function, and give it back in the end.

    The activations of a batch are so large that Linux's C library would ask the system for fresh memory for each, and
    the system fills every page with zeros first: a tenth to a third of the time of a training on a CPU.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(library, "mallopt"):
        yield
        return
    library.mallopt(M_MMAP_MAX, 0)
    library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:  # 32 and 64 MiB are where the library's own thresholds end up, once large tensors have come by
        for option, value in ((M_MMAP_MAX, 65536), (M_MMAP_THRESHOLD, 2**25), (M_TRIM_THRESHOLD, 2**26)):
            library.mallopt(option, value)
        library.malloc_trim(0)
