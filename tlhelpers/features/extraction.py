"""Compute the activations of one layer of a frozen network for every photo, once."""

from collections.abc import Callable, Iterator
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, SequentialSampler, TensorDataset
from tqdm.auto import tqdm

from tlhelpers.allocator import keep_memory
from tlhelpers.arguments import check_loader, check_network, first_line
from tlhelpers.features.cache import cache_key, cached_features, photos_of
from tlhelpers.features.description import UndescribableError
from tlhelpers.features.recording import record_layers
from tlhelpers.machine import pick_device
from tlhelpers.network.finite import check_outputs
from tlhelpers.network.frozen import FrozenNetwork
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.sampling import sampler_of, shuffled_loader
from tlhelpers.precision import autocast

MAX_DIFFERENCE = 0.05  # of a fast copy, relative to the length of the output; bfloat16 alone makes about 0.01

Activations = Callable[[Tensor], Tensor]  # from (N, 3, H, W) images to what a layer computes for them


def extract_features(
    model: nn.Module, loader: DataLoader, *, layer: str = "avgpool", cache: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the activations of one layer of a frozen network for every photo, and the labels.

    Parameters
    ----------
    model : nn.Module
        Put into eval mode and moved to the fastest device. A faster copy of it does the work where there can be one
        (``FrozenNetwork``).
    loader : DataLoader
        Of (images, labels), not shuffled: ``make_loader``, or a loader over another dataset such as torchvision's
        ``ImageFolder``.
    layer : str
        A name as for ``record_layers``. Feature maps of shape (N, C, H, W) are averaged over H and W.
    cache : bool
        Store the features on disk, and read them from there the next time; only with ``make_loader``. A change of the
        photos, the transform, the network or the precision is noticed, and the features are computed again. If the
        transform or the network holds functions or classes of your own, whose changes would not be noticed, nothing is
        stored, and a line says so.

    Returns
    -------
    features : Tensor
        (N, D) float32 on the CPU.
    labels : Tensor
        (N,) int64.

    Raises
    ------
    ValueError
        If the loader shuffles, or its batches are not pairs, or there is no such layer.
    RuntimeError
        If a feature is NaN or infinite.
    """
    check_network(model)
    check_loader(loader)
    _check_order(loader)
    compute = partial(_extract, model, loader, layer, _mean_over_positions)
    key = _key(model, loader, layer) if cache else None
    if key is None:
        return compute()
    labels = photos_of(loader).labels
    return cached_features(key, len(labels), lambda: compute()[0]), labels


def _key(model: nn.Module, loader: DataLoader, layer: str) -> str | None:
    """Return the key of cached features; None, and a line that says why, if they cannot be cached."""
    try:
        return cache_key(model, loader, layer)
    except UndescribableError as error:
        _say_once(f"Features are not kept but computed every time: {error}.")
        return None


def keep_below(model: ResNet50, stage: str, loader: DataLoader) -> tuple[nn.Sequential, DataLoader]:
    """Compute the activations before a stage once for every photo, to train the stage and the rest with them.

    The frozen layers give the same activations in every epoch, so computing them once is enough.

    Parameters
    ----------
    model : ResNet50
    stage : str
        "layer1" to "layer4", or "head".
    loader : DataLoader
        Of (images, labels), not shuffled, with ``eval_transform``: a random crop would be the same one in every epoch.

    Returns
    -------
    rest : nn.Sequential
        The layers from the stage to the head. They are those of the model: training them trains the model in place.
    kept : DataLoader
        Of (activations, labels), shuffled, in batches of the same size. It is in memory: for "layer4", a photo of 224
        pixels takes 0.8 MB.

    Raises
    ------
    ValueError
        If the loader shuffles, or there is no such stage.
    """
    check_network(model, "stages")
    check_loader(loader)
    _check_order(loader)
    stages = list(model.stages())[1:]  # the stem has no layers before it
    if stage not in stages:
        raise ValueError(f"stage is {stage!r}; it must be one of {', '.join(stages)}")
    names = [name for name, _ in model.named_children()]
    first = names.index("fc" if stage == "head" else stage)
    maps, labels = _extract(model, loader, names[first - 1], nn.Identity())
    layers = [getattr(model, name) for name in names[first:]]
    rest = nn.Sequential(*layers[:-1], nn.Flatten(), layers[-1])
    return rest, shuffled_loader(TensorDataset(maps, labels), loader.batch_size or len(labels))


def _check_order(loader: DataLoader) -> None:
    if not isinstance(sampler_of(loader), SequentialSampler):
        raise ValueError("the loader shuffles, so the features would not match the labels; make it with shuffle=False")


def _mean_over_positions(output: Tensor) -> Tensor:
    return output.mean(dim=(2, 3)) if output.ndim == 4 else output.flatten(1)  # (n, D)


@torch.no_grad()
@keep_memory()
def _extract(model: nn.Module, loader: DataLoader, layer: str, finish: Activations) -> tuple[Tensor, Tensor]:
    """Return what a layer computes for every photo, and the labels as they come in the batches."""
    activations: Activations | None = None
    features, labels, done = torch.empty(0), [], 0
    for batch in tqdm(_batches(loader), desc="features", unit="batch", leave=False, total=len(loader)):
        images, batch_labels = _pair(batch)
        activations = activations or fastest(model, layer, images[:2])
        output = finish(activations(images))
        if done == 0:  # room for all photos at once: joining the batches at the end would take twice the memory
            features = torch.empty(len(loader.dataset), *output.shape[1:])  # type: ignore[arg-type]
        features[done : done + len(output)] = output.cpu()
        labels.append(batch_labels.cpu())
        done += len(output)
    check_outputs(features[:done], model, "features")
    return features[:done], torch.cat(labels) if labels else torch.empty(0, dtype=torch.long)


def _pair(batch: object) -> tuple[Tensor, Tensor]:
    """Return the images and the labels of a batch, or say what the batch is instead."""
    if not isinstance(batch, list | tuple) or len(batch) != 2 or not all(isinstance(part, Tensor) for part in batch):
        parts = [type(part).__name__ for part in batch] if isinstance(batch, list | tuple) else type(batch).__name__
        raise ValueError(
            f"a batch of the loader is {parts}; it must be a pair of tensors, images (N, 3, H, W) and labels"
        )
    return batch[0], batch[1]


def _batches(loader: DataLoader) -> Iterator:
    """Return the batches of a loader without drawing the random number that every loader draws when it begins.

    So a training that follows is the same whether features were computed or read from the cache. Processes that read
    photos need the number for their own random numbers.
    """
    if loader.num_workers:
        return iter(loader)
    with torch.random.fork_rng(devices=[]):
        return iter(loader)


def fastest(
    model: nn.Module, layer: str, images: Tensor, *, make_copy: Callable[[nn.Module, str], Activations] = FrozenNetwork
) -> Activations:
    """Return the fast copy of a network if there can be one and it agrees on some images, else the network itself.

    If it is the network itself, a line says why, once.

    Parameters
    ----------
    model : nn.Module
    layer : str
    images : (n, 3, H, W) tensor
        On which the two are compared.
    make_copy : callable
        (model, layer): the fast copy.
    """
    plain = partial(_plain, model, layer)
    expected = plain(images)
    try:
        frozen = make_copy(model, layer)
        difference = (frozen(images) - expected).norm()
    except Exception as error:  # torch has many types for a network that cannot be turned into a graph or fused
        _say_slow(f"{type(error).__name__}: {first_line(error)}")
        return plain
    if not difference <= MAX_DIFFERENCE * expected.norm():  # nor if one of them is not a number
        _say_slow(f"its activations differ by {100 * (difference / expected.norm()).item():.0f} %")
        return plain
    return frozen


def _plain(model: nn.Module, layer: str, images: Tensor) -> Tensor:
    """Return the activations of a layer as the network itself computes them."""
    device = pick_device()
    model.eval().to(device).to(memory_format=torch.channels_last)
    with record_layers(model, layer) as recorded, autocast(device):
        model(images.to(device, memory_format=torch.channels_last))
    return recorded[layer].float()


def _say_slow(reason: str) -> None:
    _say_once(f"Features come from the network itself, without the fast copy ({reason}).")


@cache
def _say_once(sentence: str) -> None:
    print(sentence)
