"""The cache of features on disk: the key, which covers everything that changes the features, and the file."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tlhelpers.features.description import describe, describe_network
from tlhelpers.files import cache_dir, replacing
from tlhelpers.machine import pick_device
from tlhelpers.photos.datasets import PhotoDataset
from tlhelpers.photos.reading import READER_VERSION
from tlhelpers.precision import pick_dtype


def photos_of(loader: DataLoader) -> PhotoDataset:
    """Return the photos that a loader of ``make_loader`` reads."""
    return loader.dataset  # type: ignore[return-value]


def cached_features(key: str, compute: Callable[[], Tensor]) -> Tensor:
    """Return the features that are stored under a key; compute and store them first if there are none."""
    path = cache_dir() / "features" / f"{key}.npy"
    if path.exists():
        return torch.from_numpy(np.load(path))
    features = compute()
    try:
        with replacing(path) as new:
            np.save(new, features.numpy())
    except RuntimeError as error:  # the features are valid all the same
        print(f"Features not kept: {error}")
    return features


def cache_key(model: nn.Module, loader: DataLoader, layer: str, *, reader: int = READER_VERSION) -> str:
    """Return a hash of everything that changes the features: a change of any part of it gives another key.

    It covers the layers of the network with their options and weights, the precision, the transform, the layer that is
    asked for, how photos are read, and the contents and the order of the photos. The head is left out, because it does
    not influence the layers before it, unless it is the layer that is asked for.

    Parameters
    ----------
    model : nn.Module
    loader : DataLoader
    layer : str
        As in ``extract_features``.
    reader : int
        The version of ``open_photo``.

    Raises
    ------
    UndescribableError
        If network or transform hold code of your own, which could change unnoticed.
    """
    photos = photos_of(loader)
    head = None if layer.split(".")[0] in ("fc", "") else "fc"
    layers = {name: child for name, child in model.named_children() if name != head}
    network = describe_network(model, layers)
    reading = (reader, PIL.__version__, torchvision.__version__, describe(photos.transform))
    digest = hashlib.sha256(repr((network, layer, pick_dtype(pick_device()), reading)).encode())
    for name, values in model.state_dict().items():
        if name.split(".")[0] != head:
            digest.update(np.ascontiguousarray(values.detach().cpu().numpy()).data)
    for path in photos.paths:
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()[:32]
