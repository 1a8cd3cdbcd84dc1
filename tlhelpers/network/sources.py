"""What torch keeps of every graph for ever: a hundred kilobytes for each fast copy of a network."""

import linecache
from collections.abc import Iterator
from contextlib import contextmanager

from torch.fx import _symbolic_trace, graph_module


@contextmanager
def forgetting_sources() -> Iterator[None]:
    """Remove what torch keeps of the graphs that are made in the block, at its end.

    torch turns each graph into a function. It keeps the text, so that an error can quote a line of it, and the names in
    it, so that it could be traced once more. It never removes them, so a process that computes features again and again
    would need more and more memory.
    """
    texts = getattr(getattr(graph_module, "_loader", None), "eval_cache", {})  # private, so it may be missing one day
    kept = [texts, getattr(_symbolic_trace, "_wrapped_fns_to_patch", {}), linecache.cache]
    before = [set(each) for each in kept]
    try:
        yield
    finally:
        for each, old in zip(kept, before, strict=True):
            for name in set(each) - old:
                each.pop(name, None)  # another thread may have been quicker
