"""Describe transforms and networks in words, so that two that do the same have one description, and others have others.

A ``repr`` is not enough: it is the same for all lambdas, and for a class whose code was changed. What cannot be told
apart is refused, and then features are not cached.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np
import torch
from torch import nn

PACKAGES = ("torch", "torchvision", "tlhelpers", "timm")  # classes of these do what their name and options say
PLAIN = (int, float, str, bytes, type(None), torch.dtype, torch.device, torch.Size, Enum)
# transforms of torchvision that draw random numbers, besides those whose names begin with "Random"
RANDOM = {"ColorJitter", "AutoAugment", "RandAugment", "TrivialAugmentWide", "AugMix", "GaussianBlur", "GaussianNoise"}
RANDOM |= {"ElasticTransform", "ScaleJitter", "MixUp", "CutMix", "JPEG"}
HIDDEN = {"training"}  # features are computed in eval mode


class UndescribableError(ValueError):
    """Something holds code that cannot be compared."""


def describe(value: Any) -> str:
    """Return a description of a transform or of an option of it.

    Parameters
    ----------
    value : object
        Plain values, arrays, lists and dicts of them, and objects of torch, torchvision, timm and this package.

    Raises
    ------
    UndescribableError
        If it holds a function, or an object of another class.
    """
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(describe, value))})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{describe(name)}: {describe(part)}' for name, part in value.items())}}}"
    if isinstance(value, torch.Tensor | np.ndarray):
        return f"{value.dtype} {tuple(value.shape)} {np.asarray(value).tobytes().hex()}"
    _check_class(value)
    if hasattr(value, "__qualname__"):  # a function or a class of one of the packages
        return _name(value)
    _check_not_random(value)
    options = {name: part for name, part in vars(value).items() if name not in HIDDEN and not _is_empty(part)}
    return f"{_name(type(value))}{describe(options)}"


def describe_network(model: nn.Module, layers: Mapping[str, nn.Module]) -> str:
    """Return a description of some layers of a network, with their options and without their weights.

    Raises
    ------
    UndescribableError
        If one of their modules, or the network itself, is not of torch, torchvision, timm or this package, or has
        hooks or another ``forward`` than its class.
    """
    _check_module(model)
    modules = [(f"{layer}.{name}", module) for layer, child in layers.items() for name, module in child.named_modules()]
    return repr([type(model), *((name, _describe_module(module)) for name, module in modules)])


def _describe_module(module: nn.Module) -> str:
    _check_module(module)
    options = {name: part for name, part in vars(module).items() if not name.startswith("_") and name not in HIDDEN}
    return f"{_name(type(module))}{describe(options)}"


def _check_module(module: nn.Module) -> None:
    _check_class(module)
    if module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module):
        raise UndescribableError(
            f"a {type(module).__name__} has hooks or another 'forward', of which a change would not be noticed"
        )


def _check_class(value: Any) -> None:
    kind = value if hasattr(value, "__qualname__") else type(value)  # a function or a class, or an object
    if kind.__module__.partition(".")[0] not in PACKAGES or "<" in kind.__qualname__:
        raise UndescribableError(f"{kind.__qualname__!r} is code of your own, of which a change would not be noticed")


def _check_not_random(value: Any) -> None:
    name = type(value).__name__
    if name.startswith("Random") or name in RANDOM:
        raise UndescribableError(f"a {name} makes another image every time; use eval_transform")


def _name(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _is_empty(value: Any) -> bool:
    """Tell whether an option is an empty dict or set, such as the hooks of a module without hooks."""
    return isinstance(value, dict | set) and not value
