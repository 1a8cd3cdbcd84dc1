"""What frozen layers say: record them in a ``with`` block, extract features once, keep them, ask the nearest."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, SequentialSampler, TensorDataset
from tqdm.auto import tqdm

from tlhelpers.allocator import keep_memory
from tlhelpers.features.cache import cache_key
from tlhelpers.features.recording import record_layers
from tlhelpers.files import cache_dir, replacing
from tlhelpers.machine import autocast, pick_device
from tlhelpers.network.frozen import FrozenNetwork
from tlhelpers.network.resnet import ResNet50

MOST_DIFFERENT = 0.05  # of the length of an output; bfloat16 alone makes it 0.01
KEEPABLE = ("layer1", "layer2", "layer3", "layer4", "head")  # stages with layers before them


def extract_features(
    model: nn.Module, loader: DataLoader, *, layer: str = "avgpool", cache: bool = False
) -> tuple[Tensor, Tensor]:
    """Return what one layer of a frozen network says of every photo, and the labels.

    Parameters
    ----------
    model : nn.Module
        Put into eval mode; moved to the fastest device. A frozen copy of it does the work (``FrozenNetwork``).
    loader : DataLoader
        Not shuffled (``make_loader``).
    layer : str
        A name as for ``record_layers``. Maps of (N, C, H, W) are averaged over H and W.
    cache : bool
        Keep the features on disk and read them from there the next time. The key is made of the weights, the
        precision, the transform, the layer and the photos' contents, so that a change in any of them is noticed.

    Returns
    -------
    features : Tensor
        (N, D) float32 on the CPU.
    labels : Tensor
        (N,) int64.

    Raises
    ------
    ValueError
        If the loader shuffles, or the layer does not exist.
    """
    _check_order(loader)
    if not cache:
        return _extract(model, loader, layer), loader.dataset.labels
    path = cache_dir() / "features" / f"{cache_key(model, loader, layer)}.npy"
    if path.exists():
        return torch.from_numpy(np.load(path)), loader.dataset.labels
    features = _extract(model, loader, layer)
    try:
        with replacing(path) as folder:
            np.save(folder / path.name, features.numpy())
            (folder / path.name).replace(path)
    except RuntimeError as error:  # the features are there all the same
        print(f"Features not kept: {error}")
    return features, loader.dataset.labels


def keep_below(model: ResNet50, stage: str, loader: DataLoader) -> tuple[nn.Sequential, DataLoader]:
    """Keep what the layers before a stage say of every photo, to train the stage and what follows with.

    It stays the same as long as those layers and the photos do, so once is enough.

    Parameters
    ----------
    model : ResNet50
    stage : str
        "layer1" to "layer4", or "head".
    loader : DataLoader
        Not shuffled, with ``eval_transform``: a random crop would be the same one in every epoch.

    Returns
    -------
    rest : nn.Sequential
        From the stage to the head. Its layers are those of the model, so training it trains the model in place.
    kept : DataLoader
        Of (maps, labels), shuffled, in batches as before. In memory: for "layer4" a photo of 224 pixels takes 0.8 MB.

    Raises
    ------
    ValueError
        If the loader shuffles, or there is no such stage.
    """
    _check_order(loader)
    if stage not in KEEPABLE:
        raise ValueError(f"stage is {stage!r}; it must be one of {', '.join(KEEPABLE)}")
    names = [name for name, _ in model.named_children()]
    place = names.index("fc" if stage == "head" else stage)
    maps = _extract(model, loader, names[place - 1], nn.Identity())
    layers = [getattr(model, name) for name in names[place:]]
    rest = nn.Sequential(*layers[:-1], nn.Flatten(), layers[-1])
    kept = TensorDataset(maps, loader.dataset.labels)
    return rest, DataLoader(kept, batch_size=loader.batch_size, shuffle=True)


def _check_order(loader: DataLoader) -> None:
    if not isinstance(loader.sampler, SequentialSampler):
        raise ValueError("the loader shuffles, so features would lose their photos; make it with shuffle=False")


def _means(output: Tensor) -> Tensor:
    return output.mean(dim=(2, 3)) if output.ndim == 4 else output.flatten(1)  # (n, D)


@torch.no_grad()
@keep_memory()
def _extract(model: nn.Module, loader: DataLoader, layer: str, finish: Callable[[Tensor], Tensor] = _means) -> Tensor:
    look = features = None
    for images, _ in tqdm(loader, desc="features", unit="batch", leave=False):
        look = look or _quickest(model, layer, images[:2])
        output = finish(look(images))
        if features is None:  # all at once: batches that are joined in the end take twice the memory
            features, done = torch.empty(len(loader.dataset), *output.shape[1:]), 0
        features[done : done + len(output)] = output.cpu()
        done += len(output)
    return features


class _Plain:
    """The network itself as it is, for those that cannot be frozen."""

    def __init__(self, model: nn.Module, layer: str) -> None:
        self.layer, self.device = layer, pick_device()
        self.model = model.eval().to(self.device, memory_format=torch.channels_last)

    def __call__(self, images: Tensor) -> Tensor:
        with record_layers(self.model, self.layer) as recorded, autocast(self.device):
            self.model(images.to(self.device, memory_format=torch.channels_last))
        return recorded[self.layer].float()


def _quickest(model: nn.Module, layer: str, images: Tensor) -> FrozenNetwork | _Plain:
    """Return the frozen network if there can be one, and if it agrees on some images with the network itself."""
    plain = _Plain(model, layer)
    expected = plain(images)
    try:
        frozen = FrozenNetwork(model, layer)
        differs = (frozen(images) - expected).norm() > MOST_DIFFERENT * expected.norm()
    except Exception:  # torch writes down most networks, and says of the others in many ways that it cannot
        return plain
    return plain if differs else frozen
