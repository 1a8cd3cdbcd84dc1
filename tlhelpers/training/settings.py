"""The settings of a training, in plain values: a training is resumed only with the settings that it began with."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader, Subset, TensorDataset
from torchvision.datasets import DatasetFolder

from tlhelpers.network.weight_files import content_hash
from tlhelpers.training.functions import functions_in, hash_functions, short_hash

Settings = dict[str, Any]

# what a schedule counts while it runs
COUNTERS = {"last_epoch", "_step_count", "_last_lr", "_get_lr_called_within_step", "_is_initial", "T_cur", "T_i"}
# what a schedule may change in a group of parameters, besides the learning rate
SCHEDULED = {"momentum", "betas"}
# what may differ because more epochs were asked for
FOLLOWS_FROM_EPOCHS = {"epochs", "schedule settings"}


class OtherSettingsError(ValueError):
    """A checkpoint belongs to a training with other settings."""


def describe_training(
    model: nn.Module, train_loader: DataLoader, val_loader: DataLoader, **numbers: float | None
) -> Settings:
    """Return the settings of a training that its optimizer and schedule do not tell.

    Parameters
    ----------
    model : nn.Module
    train_loader, val_loader : DataLoader
    numbers : float
        Further settings by name.
    """
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    return {
        "trained parameters": f"{len(trained)} tensors ({short_hash(trained)})",
        "training photos": _describe_photos(train_loader.dataset),
        "validation photos": _describe_photos(val_loader.dataset),
        "training transform": _describe_transform(getattr(train_loader.dataset, "transform", None)),
        "validation transform": _describe_transform(getattr(val_loader.dataset, "transform", None)),
        "batch size": getattr(train_loader.batch_sampler, "batch_size", train_loader.batch_size),
        "seed": torch.initial_seed(),
        **{name.replace("_", " "): number for name, number in numbers.items()},
    }


def describe_optimizer(optimizer: Optimizer, schedule: LRScheduler | None) -> Settings:
    """Return the kind and the settings of an optimizer and of its schedule, wherever the schedule is now."""
    changing = {"params", "lr", "initial_lr"} | (SCHEDULED if schedule else set())
    groups = [
        {name: _plain(value) for name, value in g.items() if name not in changing} for g in optimizer.param_groups
    ]
    return {
        "optimizer": type(optimizer).__name__,
        "schedule": type(schedule).__name__ if schedule else "none",
        "learning rate": [group.get("initial_lr", group["lr"]) for group in optimizer.param_groups],
        "optimizer settings": groups,
        "schedule settings": _describe_schedule(schedule) if schedule else {},
    }


def _describe_schedule(schedule: LRScheduler) -> Settings:
    """Return what a schedule and those in it would store, and a hash of their functions of the learning rate."""
    functions = [function for function in getattr(schedule, "lr_lambdas", ()) if callable(function)]
    hashed = {"functions": hash_functions(functions)} if functions else {}
    parts = [_describe_schedule(part) for part in getattr(schedule, "_schedulers", ())]
    return _plain(schedule.state_dict()) | hashed | ({"_schedulers": parts} if parts else {})


def compare_settings(path: Path, stored: Settings, now: Settings) -> None:
    """Raise OtherSettingsError if a training is to be resumed with other settings; it names the first that differs.

    More epochs than at first are not an error. If the schedule becomes longer with them, one line says so.

    Parameters
    ----------
    path : Path
        Of the checkpoint, for messages.
    stored, now : dict
        The settings of the checkpoint and those of the training that is to be resumed.
    """
    different = [name for name in now if name in stored and stored[name] != now[name]]
    longer = "epochs" in different
    refused = [name for name in different if not (longer and name in FOLLOWS_FROM_EPOCHS)]
    if refused:
        name = refused[0]
        theirs, ours = _difference(stored[name], now[name])
        raise OtherSettingsError(
            f"{path} belongs to a training with {name} {theirs}, and now it is {ours}; train in a new folder, or "
            'continue from its weights alone with resume="with new settings"'
        )
    if longer and "schedule settings" in different:
        was, is_now = stored["epochs"], now["epochs"]
        print(f"{path}: the schedule was made for {was} epochs; the other epochs follow the new one for {is_now}.")


def _difference(theirs: Any, ours: Any) -> tuple[Any, Any]:
    """Return the first part in which two settings differ, with its name where it has one."""
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return next((_difference(a, b) for a, b in zip(theirs, ours, strict=True) if a != b), (theirs, ours))
    if isinstance(theirs, dict) and isinstance(ours, dict):
        name = next(name for name in {**theirs, **ours} if theirs.get(name) != ours.get(name))
        return f"{name}={theirs.get(name)}", f"{name}={ours.get(name)}"
    return theirs, ours


def _describe_photos(dataset: Any) -> str:
    """Return the number of photos, and a hash: of names, contents and labels of files, or of values in memory."""
    if isinstance(dataset, TensorDataset):
        values = {str(number): tensor.float() for number, tensor in enumerate(dataset.tensors)}
        return f"{len(dataset)} photos in memory ({content_hash(values)[:8]})"
    if isinstance(dataset, Subset):
        return f"{len(dataset)} ({short_hash(list(map(int, dataset.indices)))}) of {_describe_photos(dataset.dataset)}"
    if isinstance(dataset, DatasetFolder):  # such as torchvision's ImageFolder
        paths, labels = [path for path, _ in dataset.samples], dataset.targets
    elif hasattr(dataset, "paths"):
        paths, labels = dataset.paths, dataset.labels.tolist()
    else:
        return f"{len(dataset)} of {type(dataset).__name__}"
    files = [("/".join(path.parts[-3:]), _content(path)) for path in map(Path, paths)]
    return f"{len(dataset)} photos ({short_hash([files, labels])})"


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _describe_transform(value: Any) -> str:
    """Return the repr of a transform without the addresses in memory, which differ in every process.

    The functions in it are told by a hash.
    """
    functions = list(functions_in(value))
    told = f" with functions ({hash_functions(functions)})" if functions else ""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value)) + told


def _plain(value: Any) -> Any:
    """Return the numbers, words, lists and dicts in a value, without counters; anything else becomes its type."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items() if name not in COUNTERS}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, torch.Tensor):
        return value.tolist()
    return value if isinstance(value, int | float | str | None) else type(value).__name__
