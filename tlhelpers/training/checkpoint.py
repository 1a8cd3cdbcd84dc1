"""Checkpoints: everything that the next epoch of a training depends on, on disk.

That is more than the weights: the momentum of the optimizer, the position in the schedule, and the state of every
generator of random numbers, because shuffling and augmentation continue from there. The precision and the number of
threads affect the last digits: a training continues in the precision in which it began, and a different number of
threads is reported.
"""

import random
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tlhelpers.files import replacing
from tlhelpers.machine import pick_device
from tlhelpers.precision import keep_dtype, pick_dtype


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: Optimizer,
    *,
    schedule: LRScheduler | None = None,
    history: list[dict] | None = None,
    classes: list[str] | None = None,
) -> None:
    """Write a checkpoint; the file appears whole or not at all, and replaces an older one.

    Parameters
    ----------
    path : str or Path
    model, optimizer, schedule
        As in ``train_one_epoch``.
    history : list of dict, optional
        The epochs so far.
    classes : list of str, optional
        The names of the classes, in the order of the logits.

    Raises
    ------
    RuntimeError
        If the file cannot be written.
    """
    path = Path(path)
    state = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "schedule": None if schedule is None else schedule.state_dict(),
        "history": history or [],
        "classes": classes,
        "random": _random_states(),
        "arithmetic": _arithmetic(),
    }
    with replacing(path, way_out="name another folder for the checkpoints") as new, new.open("wb") as file:
        torch.save(state, file)  # torch reports a full disk only if Python opens the file


def load_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: Optimizer | None = None,
    *,
    schedule: LRScheduler | None = None,
    classes: list[str] | None = None,
) -> list[dict]:
    """Load the model of a checkpoint; with an optimizer, load the state of the whole training.

    Parameters
    ----------
    path : str or Path
    model : nn.Module
        With the same layers and classes. Changed in place.
    optimizer : Optimizer, optional
        With it, its state, that of the schedule and those of all random generators are loaded too.
    schedule : LRScheduler, optional
    classes : list of str, optional
        The names of the classes now; they must be those of the checkpoint.

    Returns
    -------
    list of dict
        The epochs before the checkpoint.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, or belongs to another network, other classes, or another optimizer or schedule.
    """
    state = _read(Path(path))
    _check_model(path, state, model, classes)
    if optimizer is not None:
        _load_training(path, state, optimizer, schedule)
    model.load_state_dict(state["model"])
    return state["history"]


def _read(path: Path) -> dict:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ValueError(f"path is {str(path)!r}, and there is no such file; name a checkpoint") from error
    except Exception as error:  # torch has many types of errors for a file that it cannot read
        reason = type(error).__name__
        raise ValueError(
            f"{path} cannot be read as a checkpoint ({reason}); delete it, or name another file"
        ) from error
    if not isinstance(state, dict) or not {"model", "optimizer", "random"} <= set(state):
        raise ValueError(
            f"{path} does not hold a training; load weights alone with model.load_state_dict(torch.load(path))"
        )
    return state


def _load_training(path: str | Path, state: dict, optimizer: Optimizer, schedule: LRScheduler | None) -> None:
    if (schedule is None) != (state["schedule"] is None):
        given, remedy = ("without", "leave the schedule out") if schedule else ("with", "give the schedule")
        raise ValueError(f"{path} was written {given} a schedule; it must be continued likewise; {remedy}")
    try:
        optimizer.load_state_dict(state["optimizer"])
    except ValueError as error:
        raise ValueError(
            f"{path} belongs to another optimizer ({error}); make the optimizer of that training"
        ) from error
    if schedule is not None:
        schedule.load_state_dict(state["schedule"])
    _set_random_states(state["random"])
    device, arithmetic = pick_device(), state["arithmetic"]
    if arithmetic["device"] == device.type:
        keep_dtype(device, getattr(torch, arithmetic["precision"]))
    for name, value in _arithmetic().items():
        if value != arithmetic[name]:
            print(f"{path}: {name} was {arithmetic[name]} and is {value} now, so last digits will differ.")


def _check_model(path: str | Path, state: dict, model: nn.Module, classes: list[str] | None) -> None:
    theirs, ours = _shapes(state["model"]), _shapes(model.state_dict())
    for name in [*ours, *theirs]:
        if ours.get(name) != theirs.get(name):
            raise ValueError(
                f"{path} belongs to another network: its {name!r} has shape {theirs.get(name, 'none')}, here it is "
                f"{ours.get(name, 'none')}; build the network of that training, or train in another folder"
            )
    if classes is not None and state["classes"] is not None and classes != state["classes"]:
        raise ValueError(
            f"{path} was trained for the classes {state['classes']}, got {classes}; train in another folder"
        )


def _shapes(state: dict[str, Tensor]) -> dict[str, tuple]:
    return {name: tuple(value.shape) for name, value in state.items()}


def _arithmetic() -> dict:
    """Return what the last digits depend on, in types that ``weights_only`` allows."""
    device = pick_device()
    precision = str(pick_dtype(device)).removeprefix("torch.")
    return {"number of threads": torch.get_num_threads(), "device": device.type, "precision": precision}


def _random_states() -> dict:
    name, words, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (name, np.asarray(words).tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all(),
    }


def _set_random_states(states: dict) -> None:
    random.setstate(states["python"])
    np.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    if len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
