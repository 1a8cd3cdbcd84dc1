"""Checks of arguments that many functions share: a wrong kind of value gets one sentence, with the way out."""

from collections.abc import Iterable, Mapping, Sequence, Sized
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader, Dataset

from tlhelpers.byhand.arguments import require

# None mostly comes from a cell that was not run, or from model = replace_head(model, 2), which returns nothing
MAKE_IT = "run the cell that makes it (a function that changes a model in place returns None)"
SHORT = 100  # letters of a text that a message shows, and of an error that it quotes


def shown(value: object) -> str:
    """Return a value as a message shows it: numbers and short texts themselves, of anything else what it is."""
    if isinstance(value, np.ndarray | Tensor):
        name = "a tensor" if isinstance(value, Tensor) else "an array"
        return f"{name} of shape {tuple(value.shape)} and type {str(value.dtype).removeprefix('torch.')}"
    if value is None or isinstance(value, Real):
        return repr(value)
    if isinstance(value, str | Path):
        text = str(value)
        return repr(text if len(text) <= SHORT else f"{text[:SHORT]}...")
    return f"of type {type(value).__name__}"


def first_line(error: BaseException) -> str:
    """Return an error of a library as a message quotes it: the first line, shortened, or the type if it has no text."""
    return next(iter(str(error).splitlines()), "")[:SHORT] or type(error).__name__


def check_kind(name: str, value: object, kind: type | tuple, rule: str, remedy: str) -> None:
    """Raise ValueError if a value is of another type than it must be; None has a remedy of its own.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
    kind : type or tuple of types
    rule, remedy : str
        What the value must be, and what to do: the ends of ``NAME is VALUE; it must RULE; REMEDY``.
    """
    require(isinstance(value, kind), name, shown(value), rule, f"{MAKE_IT}, or {remedy}" if value is None else remedy)


def check_network(model: object, *parts: str, name: str = "model") -> None:
    """Raise ValueError if a value is no network, or lacks attributes that a ResNet50 has, such as ``weights``."""
    remedy = "give the network itself, as load_resnet50 returns it, and the arguments in their order"
    check_kind(name, model, nn.Module, "be a network", remedy)
    for part in parts:
        value = f"{shown(model)} without {part!r}"
        require(hasattr(model, part), name, value, "be a ResNet50 of this package", "make it with load_resnet50")


def check_loader(loader: object, name: str = "loader") -> None:
    """Raise ValueError if a value is no loader of batches, or has no batch."""
    remedy = "make it with make_loader, such as make_loader(photos.val, eval_transform(model.weights))"
    check_kind(name, loader, DataLoader, "be a loader of batches", remedy)
    if isinstance(loader, DataLoader) and len(loader) == 0:
        raise ValueError(f"{name} has no photos; it must have one or more; make it from a dataset that has some")


def check_batches(loader: object) -> None:
    """Raise ValueError if a value is neither a loader nor holds batches, each a pair of images and labels."""
    values = (str, Mapping, Dataset, Tensor, np.ndarray, nn.Module)  # of which some have parts too
    listed = isinstance(loader, Sized) and isinstance(loader, Iterable) and not isinstance(loader, values)
    pairs = not isinstance(loader, list | tuple) or all(isinstance(each, list | tuple) for each in loader)
    if not (listed and pairs and len(loader)):  # type: ignore[arg-type]
        check_loader(loader)


def check_optimizer(optimizer: object) -> None:
    """Raise ValueError if a value is no optimizer of torch."""
    remedy = "make it with torch.optim.SGD(model.parameters(), lr=0.01)"
    check_kind("optimizer", optimizer, Optimizer, "be an optimizer of torch", remedy)


def check_tensor(value: object, name: str) -> None:
    """Raise ValueError if a value is no tensor."""
    check_kind(name, value, Tensor, "be a tensor", f"convert it with torch.as_tensor({name})")


def check_classes(classes: Sequence[str], **labels: ArrayLike) -> None:
    """Raise ValueError if a label, of those given by name, is no number of a class, or their counts differ."""
    counts = {name: len(np.ravel(np.asarray(values))) for name, values in labels.items()}
    alike, shown_counts = len(set(counts.values())) == 1, " and ".join(map(str, counts.values()))
    require(
        alike, f"the number of {' and '.join(labels)}", shown_counts, "be the same", "give those of the same photos"
    )
    for name, values in labels.items():
        wrong = [value for value in np.unique(np.asarray(values)).tolist() if value not in range(len(classes))]
        remedy = "name all classes, in the order of their numbers"
        require(not wrong, name, f"up to {max(wrong, default=0)}", f"be from 0 to {len(classes) - 1}", remedy)


def check_table(name: str, value: ArrayLike, columns: int | None = None, rows: int | None = None) -> np.ndarray:
    """Return numbers as an array with two axes; raise ValueError if they are none, or have another shape.

    Parameters
    ----------
    name : str
        Of the argument.
    value : array or tensor
    columns, rows : int, optional
        The lengths that the axes must have.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    wanted = (rows, columns)
    fits = array.ndim == 2 and all(want in (None, have) for want, have in zip(wanted, array.shape, strict=True))
    sizes = " x ".join("any" if want is None else str(want) for want in wanted)
    remedy = MAKE_IT if value is None else "give an array or a tensor of that shape"
    require(fits, name, shown(value), f"have rows and columns of numbers ({sizes})", remedy)
    return array


def check_function(name: str, value: object) -> None:
    """Raise ValueError if a value cannot be called."""
    require(callable(value), name, shown(value), "be a function", "give its name without (), or a lambda")


def check_path(path: object, name: str = "path") -> None:
    """Raise ValueError if a value cannot be the path of a file or folder."""
    check_kind(name, path, (str, Path), "be a path", "give a str or a Path, and the arguments in their order")


def check_whole(least: int, **numbers: object) -> None:
    """Raise ValueError if a number, given by its name, is not a whole number from ``least`` on."""
    for name, number in numbers.items():
        fits = isinstance(number, Integral) and not isinstance(number, bool) and int(number) >= least
        require(fits, name, shown(number), f"be an integer of {least} or more", f"give {least} or another int above it")


def check_share(name: str, share: object, remedy: str) -> None:
    """Raise ValueError if a value is not a number from 0 to 1."""
    require(isinstance(share, Real) and 0 <= float(share) <= 1, name, shown(share), "be from 0 to 1", remedy)
