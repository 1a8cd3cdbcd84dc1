"""Keep freed memory for the next batch. Nothing here is needed to understand the series."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4  # from glibc's malloc.h


@contextmanager
def keep_memory() -> Iterator[None]:
    """Keep freed memory for reuse during a ``with`` block or a decorated function, and return it to the system after.

    The activations of a batch are so large that the C library of Linux asks the system for new memory for each of
    them, and the system fills every new page with zeros. On a CPU this takes a tenth to a third of the training time.
    With another C library, and on other systems, nothing is changed.
    """
    library: Any = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not hasattr(library, "mallopt"):
        yield
        return
    library.mallopt(M_MMAP_MAX, 0)
    library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    try:
        yield
    finally:  # glibc raises its thresholds to 32 and 64 MiB by itself once large tensors were freed
        for option, value in ((M_MMAP_MAX, 65536), (M_MMAP_THRESHOLD, 2**25), (M_TRIM_THRESHOLD, 2**26)):
            library.mallopt(option, value)
        library.malloc_trim(0)
