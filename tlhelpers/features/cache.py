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
from tlhelpers.files import cache_dir, replacing, set_aside
from tlhelpers.locks import remove_rests
from tlhelpers.machine import pick_device
from tlhelpers.photos.datasets import PhotoDataset
from tlhelpers.photos.reading import READER_VERSION
from tlhelpers.precision import pick_dtype


def photos_of(loader: DataLoader) -> PhotoDataset:
    """Return the photos that a loader of ``make_loader`` reads; of another loader, their files are not known."""
    if not isinstance(loader.dataset, PhotoDataset):
        raise ValueError(
            f"cache is True, but the loader reads a {type(loader.dataset).__name__}, whose changes would not be "
            "noticed; use make_loader with a PhotoDataset, or cache=False"
        )
    return loader.dataset


def cached_features(key: str, count: int, compute: Callable[[], Tensor]) -> Tensor:
    """Return the features that are stored under a key; compute and store them first if there are none.

    The name of a file ends in the first digits of a hash of the features, as those of torchvision's weights do, so that
    a damaged file is noticed. It is renamed, a line says so, and the features are computed again.

    Parameters
    ----------
    key : str
        The result of ``cache_key``.
    count : int
        The number of photos.
    compute : callable
        Returns the (count, D) float32 features.
    """
    folder = cache_dir() / "features"
    remove_rests(folder)
    for path in sorted(folder.glob(f"{key}-*.npy")):
        features = _read(path)
        if features is not None and len(features) == count:
            return torch.from_numpy(features)
        _report_damage(path)
    features = compute().numpy()
    try:
        with replacing(folder / f"{key}-{_digits(features)}.npy") as new:
            np.save(new, features)
    except RuntimeError as error:  # the features are valid all the same
        print(f"Features not kept: {error}")
    return torch.from_numpy(features)


def find_fault(path: Path) -> str | None:
    """Return what is wrong with a file of features, or None."""
    return "its content is not what its name promises" if _read(path) is None else None


def _read(path: Path) -> np.ndarray | None:
    """Return the array in a file, or None if it is not the array that the name of the file promises."""
    try:
        features = np.load(path)
    except (OSError, ValueError, EOFError):  # unreadable, not an array, empty
        return None
    return features if path.stem.endswith(f"-{_digits(features)}") else None


def _digits(features: np.ndarray) -> str:
    digest = hashlib.sha256(repr((features.shape, features.dtype)).encode())
    digest.update(np.ascontiguousarray(features).data)
    return digest.hexdigest()[:16]


def _report_damage(path: Path) -> None:
    try:
        now = f"it is now called {set_aside(path).name}"
    except OSError as error:  # in a folder that cannot be written to
        now = f"it cannot be renamed, {error.strerror}"
    print(f"Features in {path} are damaged ({now}), so they are computed again.")


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
