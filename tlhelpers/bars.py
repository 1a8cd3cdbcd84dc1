"""Progress bars over the batches of a loader."""

from collections.abc import Iterable

from torch.utils.data import DataLoader
from tqdm.auto import tqdm


def with_bar(loader: DataLoader | list, description: str) -> Iterable:
    """Return the batches of a loader with a progress bar, which disappears in the end.

    tqdm would begin a loader twice, and each time the loader draws a random number; an iterator is begun once.
    """
    return tqdm(iter(loader), desc=description, unit="batch", leave=False, total=len(loader))
