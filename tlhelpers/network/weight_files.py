"""Read a file of weights: a state dict in any of the usual forms, of which no code is run."""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

INSIDE = ("state_dict", "model_state_dict", "model")  # under which name training programs keep the state dict
PREFIXES = ("module.", "_orig_mod.")  # of networks that were trained on several GPUs, or compiled

# words in the error of a library, what they mean, and the way out
REASONS = (
    (
        "Unsupported global",
        "reading it would run code",
        "where it was made, save the weights alone: torch.save(model.state_dict(), path)",
    ),
    (
        "TorchScript",
        "it is a TorchScript program",
        "save the weights alone: torch.save(torch.jit.load(path).state_dict(), other_path)",
    ),
)
OTHER_REASON = ("it is damaged, or something else", "make or download it again, or name another file")

# why weights are not finite, and the way out
OVERFLOW = ("float16 ends at 65,504, which running statistics can exceed", "save them in bfloat16 or float32")
FAILED = ("that training failed", "take another file")


def read_file(path: Path) -> Any:
    """Return what a file of torch or of safetensors holds, after its checksums were verified.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError
        If there is no such file, it is damaged, or it holds more than tensors and plain values.
    """
    if not path.is_file():
        raise ValueError(f"path is {str(path)!r}, and there is no such file; name a file of weights")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        _check_sums(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has many types of errors for a file that it cannot read
        reason, way_out = next((found for words, *found in REASONS if words in str(error)), OTHER_REASON)
        raise ValueError(f"{path} is not a checkpoint that torch can read ({reason}); {way_out}") from error


def _check_sums(path: Path) -> None:
    """Raise BadZipFile if a part of the file was changed; torch itself does not compare the checksums."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"{damaged} has another checksum")


def weights_in(content: Any, path: Path) -> dict[str, Tensor]:
    """Return the state dict in what a file holds, in float32.

    Parameters
    ----------
    content : object
        The result of ``read_file``: a state dict, or a dict that holds one. Names may begin with ``module.``, values
        may have half or double precision.
    path : Path
        For messages.

    Raises
    ------
    ValueError
        If it holds no state dict, or values that cannot be weights.
    """
    for name in INSIDE:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
    if not isinstance(content, dict) or not content or not all(map(_is_named_tensor, content.items())):
        raise ValueError(
            f"{path} holds a {type(content).__name__} instead of a state dict of tensors; save model.state_dict()"
        )
    return {_plain_name(name): _plain_values(name, value, path) for name, value in content.items()}


def _is_named_tensor(item: tuple[Any, Any]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], Tensor)


def _plain_name(name: str) -> str:
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _plain_values(name: str, values: Tensor, path: Path) -> Tensor:
    if name.endswith("num_batches_tracked"):
        return values
    if values.layout is not torch.strided or values.is_meta or not values.is_floating_point():
        kind = "no values" if values.is_meta else f"values of type {values.dtype}, {values.layout}"
        raise ValueError(f"{path} has {name!r} with {kind}; weights must be dense and real; save them as float32")
    if not values.isfinite().all():
        reason, way_out = OVERFLOW if values.dtype is torch.float16 else FAILED
        raise ValueError(f"{path} has {name!r} with values that are not finite; {reason}; {way_out}")
    return values.float()


def content_hash(state: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of the names, shapes, types and values of a state dict, without counters of batches.

    It is the same for every file that holds these weights; the hash of the file is not.
    """
    digest = hashlib.sha256()
    for name, values in sorted(state.items()):
        if not name.endswith("num_batches_tracked"):
            digest.update(f"{name} {tuple(values.shape)} {values.dtype}".encode())
            digest.update(values.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
