"""Load photos in batches: threads or other processes read and prepare them."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from tlhelpers.arguments import check_whole, shown
from tlhelpers.byhand.arguments import require
from tlhelpers.machine import pick_device
from tlhelpers.photos.datasets import PhotoDataset, check_photos
from tlhelpers.photos.reading import open_photo
from tlhelpers.photos.sampling import shuffled_loader, steps_loader
from tlhelpers.photos.transforms import ToRGB

MIN_PHOTOS_FOR_PROCESSES = 1000  # with fewer, it takes longer to start processes than to read the photos
MAX_PROCESSES = 16
CAN_FORK = "fork" in multiprocessing.get_all_start_methods()  # started otherwise, each process would import torch first
WITHOUT_RANDOMNESS = (ToRGB, v2.Resize, v2.CenterCrop, v2.ToImage)
PIXELWISE = (v2.ToDtype, v2.Normalize)  # these transform every pixel by itself


class _Batches(PhotoDataset):
    """Photos that are prepared as whole batches, with the same results as one by one.

    Threads read the photos. They prepare them too if the transform has no randomness, because random numbers must be
    drawn in the order of the photos. Pixelwise steps at the end of the transform are applied to the batch at once.
    """

    transform: Callable

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        prepare, finish = _split(self.transform)
        in_threads = all(isinstance(step, WITHOUT_RANDOMNESS) for step in prepare.transforms)
        read: Callable = (lambda path: prepare(open_photo(path))) if in_threads else open_photo
        with ThreadPoolExecutor(min(len(indices), torch.get_num_threads())) as threads:
            images = list(threads.map(read, [self.paths[index] for index in indices]))
        prepared = images if in_threads else [prepare(image) for image in images]
        _check_prepared(prepared)
        return finish(torch.stack(prepared)), self.labels[indices]


def _check_prepared(images: list) -> None:
    """Raise ValueError if a transform does not make tensors of equal shape, which alone can be joined to a batch."""
    kinds = sorted({str(tuple(i.shape)) if isinstance(i, Tensor) else type(i).__name__ for i in images})
    if len(kinds) > 1 or not isinstance(images[0], Tensor) or images[0].numel() == 0:
        raise ValueError(
            f"the transform makes {' and '.join(kinds[:2])} of photos; it must make tensors of one shape with pixels; "
            "end it with Resize, CenterCrop, ToImage and ToDtype(torch.float32, scale=True), as eval_transform does"
        )


def _split(transform: Callable) -> tuple[v2.Compose, v2.Compose]:
    """Return the steps of a transform for single photos, and the pixelwise steps at its end for a whole batch."""
    steps = list(transform.transforms) if isinstance(transform, v2.Compose) else [transform]
    last = next((i for i, step in reversed(list(enumerate(steps, 1))) if not isinstance(step, PIXELWISE)), 1)
    return v2.Compose(steps[:last]), v2.Compose(steps[last:] or [nn.Identity()])


def make_loader(
    dataset: PhotoDataset,
    transform: Callable,
    *,
    batch_size: int = 32,
    shuffle: bool = False,
    steps: int | None = None,
    workers: int | None = None,
) -> DataLoader:
    """Return a loader of batches: images (N, 3, H, W) in float32, and labels (N,) in int64.

    Parameters
    ----------
    dataset : PhotoDataset
        Not changed; the loader has a copy with the transform.
    transform : callable
        ``train_transform(model.weights)`` or ``eval_transform(model.weights)``.
    batch_size : int
    shuffle : bool
        True for training; the order follows from torch's seed. A last batch of one photo is then added to the batch
        before it, because a batch norm cannot learn from one photo.
    steps : int, optional
        The number of batches, in random order: the photos are taken again and again. By default each photo is taken
        once.
    workers : int, optional
        The number of processes that read, 0 for threads in this process. By default that of ``pick_workers``.

    Returns
    -------
    DataLoader

    Raises
    ------
    ValueError
        If ``batch_size`` is not a positive integer.
    """
    check_photos(dataset, "dataset")
    require(callable(transform), "transform", shown(transform), "be a transform", "give eval_transform(model.weights)")
    check_whole(1, batch_size=batch_size)
    check_whole(0, **({} if workers is None else {"workers": workers}))
    check_whole(1, **({} if steps is None else {"steps": steps}))
    dataset = _Batches(dataset.paths, dataset.labels, dataset.classes, transform)
    workers = pick_workers(len(dataset)) if workers is None else workers
    make = partial(steps_loader, steps=steps) if steps else shuffled_loader if shuffle else DataLoader
    return make(
        dataset,
        batch_size=batch_size,
        num_workers=workers,
        persistent_workers=workers > 0,
        multiprocessing_context="fork" if workers and CAN_FORK else None,
        collate_fn=_unchanged,
    )


def _unchanged(batch: list) -> list:
    """Return the batch, which is complete already; torch would join it from single photos."""
    return batch


def pick_workers(photos: int, device: torch.device | None = None) -> int:
    """Return how many processes to read photos with: as many as there are cores with a GPU, else 0.

    Reading in this process works on every system, and on a CPU, which is busy with the network anyway, other processes
    are not faster. A GPU would have to wait for the photos.

    Parameters
    ----------
    photos : int
        The number of photos.
    device : torch.device, optional
        The device of the network; by default that of ``pick_device``.
    """
    if (device or pick_device()).type == "cuda" and photos >= MIN_PHOTOS_FOR_PROCESSES and CAN_FORK:
        return min(MAX_PROCESSES, os.cpu_count() or 1)
    return 0
