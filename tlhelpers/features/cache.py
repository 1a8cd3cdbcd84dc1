"""The cache of features on disk: the key, which covers everything that changes the features, and the file."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from tlhelpers.files import cache_dir, replacing
from tlhelpers.machine import pick_device, pick_dtype
from tlhelpers.photos.datasets import PhotoDataset


def photos_of(loader: DataLoader) -> PhotoDataset:
    """Return the photos that a loader of ``make_loader`` reads; of another loader, their files are not known."""
    if not isinstance(loader.dataset, PhotoDataset):
        raise ValueError(
            f"cache is True, but the loader reads a {type(loader.dataset).__name__}, whose changes would not be "
            "noticed; use make_loader with a PhotoDataset, or cache=False"
        )
    return loader.dataset


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


def cache_key(model: nn.Module, loader: DataLoader, layer: str) -> str:
    """Return a hash of everything that changes the features: a change of any part of it gives another key.

    It covers the layers of the network with their options and weights, the precision, the transform, the layer that is
    asked for, and the contents and the order of the photos. The head is left out, because it does not influence the
    layers before it, unless it is the layer that is asked for.

    Parameters
    ----------
    model : nn.Module
    loader : DataLoader
    layer : str
        As in ``extract_features``.
    """
    photos = photos_of(loader)
    head = None if layer.split(".")[0] in ("fc", "") else "fc"
    layers = {name: child for name, child in model.named_children() if name != head}
    digest = hashlib.sha256(repr((type(model), layers)).encode())
    digest.update(repr((layer, pick_dtype(pick_device()), photos.transform)).encode())
    for name, values in model.state_dict().items():
        if name.split(".")[0] != head:
            digest.update(np.ascontiguousarray(values.detach().cpu().numpy()).data)
    for path in photos.paths:
        digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()[:32]
