"""Photos: ants and bees, or any folder with one sub-folder a class; splits and loaders."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from tlhelpers.machine import pick_device
from tlhelpers.photos.datasets import PhotoDataset
from tlhelpers.photos.reading import open_photo

MANY = 1000  # photos: for fewer, starting processes that read them takes longer than reading
STEADY = (v2.Resize, v2.CenterCrop, v2.ToImage)  # steps without chance
PIXELWISE = (v2.ToDtype, v2.Normalize)  # steps that do not look beyond a pixel


class _Batches(PhotoDataset):
    """Photos for ``make_loader``: several are a batch, ready, and the same as if each were prepared by itself.

    Threads read the photos, and prepare them too where chance has no part in it; random numbers must come in the order
    of the photos. Steps at the end that treat every pixel by itself are done once for the batch, not once a photo.
    """

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        prepare, finish = _divide(self.transform)
        steady = all(isinstance(step, STEADY) for step in prepare.transforms)
        with ThreadPoolExecutor(min(len(indices), torch.get_num_threads())) as threads:
            side_by_side = (lambda path: prepare(open_photo(path))) if steady else open_photo
            images = list(threads.map(side_by_side, [self.paths[index] for index in indices]))
        return finish(torch.stack(images if steady else [prepare(image) for image in images])), self.labels[indices]


def _divide(transform: Callable) -> tuple[v2.Compose, v2.Compose]:
    """Return the steps of a transform that photos go through one by one, and the last, which a batch can go through."""
    steps = list(transform.transforms) if isinstance(transform, v2.Compose) else [transform]
    last = next((i for i, step in reversed(list(enumerate(steps, 1))) if not isinstance(step, PIXELWISE)), 1)
    return v2.Compose(steps[:last]), v2.Compose(steps[last:] or [nn.Identity()])


def make_loader(
    dataset: PhotoDataset, transform: Callable, *, batch_size: int = 32, shuffle: bool = False
) -> DataLoader:
    """Return a loader of (images, labels) batches: (N, 3, H, W) float and (N,) int64.

    Photos are read in this process, which is safe everywhere, and as fast where the CPU computes too. Only a GPU would
    wait for them: with one, and enough photos, other processes read.

    Parameters
    ----------
    dataset : PhotoDataset
        Left as it is; the loader has a copy with the transform.
    transform : callable
        ``train_transform(model.weights)`` or ``eval_transform(model.weights)``.
    batch_size : int
    shuffle : bool
        True for training; the order comes from torch's seed.

    Raises
    ------
    ValueError
        If ``batch_size`` is not positive.
    """
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be 1 or more")
    dataset = _Batches(dataset.paths, dataset.labels, dataset.classes, transform)
    workers = pick_workers(len(dataset))
    return DataLoader(
        dataset,
        batch_size=batch_size,
        shuffle=shuffle,
        num_workers=workers,
        persistent_workers=workers > 0,
        multiprocessing_context="fork" if workers else None,
        collate_fn=_as_it_is,
    )


def _as_it_is(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return batch


def pick_workers(photos: int) -> int:
    """Return how many processes shall read so many photos."""
    can_fork = "fork" in multiprocessing.get_all_start_methods()  # started otherwise, each would first import torch
    return min(16, os.cpu_count() or 1) if pick_device().type == "cuda" and photos >= MANY and can_fork else 0
