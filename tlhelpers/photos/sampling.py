"""Shuffled batches: of one pass, whose last batch never holds a single item, or as many batches as wanted."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler


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


def steps_loader(dataset: Dataset, batch_size: int, steps: int, **options: Any) -> DataLoader:
    """Return a loader of so many batches, all of the same size.

    It goes through all items in a random order, then through all in another order, and so on. A batch at the end of one
    pass takes its other items from the next one.
    """
    batch_size = min(batch_size, len(dataset))  # type: ignore[arg-type]
    sampler = RandomSampler(dataset, num_samples=steps * batch_size)  # type: ignore[arg-type]
    return DataLoader(dataset, batch_size=batch_size, sampler=sampler, **options)


def sampler_of(loader: DataLoader) -> Any:
    """Return what decides the order of a loader, also of one that was given its batches."""
    return getattr(loader.batch_sampler, "sampler", loader.sampler)
