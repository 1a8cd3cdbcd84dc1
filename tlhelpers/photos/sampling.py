"""Shuffled batches, of which the last one never holds a single item."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import BatchSampler, DataLoader, Dataset


class FoldedBatches(BatchSampler):
    """The batches of a sampler; a last batch of one item is folded into the batch before it.

    A batch norm in training cannot learn from one item: it has no spread.
    """

    def __iter__(self) -> Iterator[list[int]]:
        items = list(self.sampler)
        ends = [self.batch_size * number for number in range(1, len(self))] + [len(items)]
        yield from (items[start:end] for start, end in zip([0, *ends], ends, strict=False))

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        folded = rest == 1 and whole > 0
        return whole + (rest > 0 and not folded)


def shuffled_loader(dataset: Dataset, batch_size: int, **options: Any) -> DataLoader:
    """Return ``DataLoader(dataset, batch_size, shuffle=True, **options)`` with ``FoldedBatches``.

    The order and the random numbers are the same.
    """
    loader = DataLoader(dataset, batch_size=batch_size, shuffle=True, **options)
    # Given to DataLoader, a batch sampler would replace its ``batch_size`` by None and its ``sampler`` by another
    object.__setattr__(loader, "batch_sampler", FoldedBatches(loader.sampler, batch_size, drop_last=False))
    return loader


def sampler_of(loader: DataLoader) -> Any:
    """Return what decides the order of a loader, also of one that was given its batches."""
    return getattr(loader.batch_sampler, "sampler", loader.sampler)
