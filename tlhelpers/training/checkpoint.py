"""Checkpoints: everything that the next epoch of a training depends on, on disk.

That is more than the weights: the momentum of the optimizer, the position in the schedule, and the state of every
generator of random numbers, because shuffling and augmentation continue from there. The precision and the number of
threads affect the last digits: a training continues in the precision in which it began, and a different number of
threads is reported.
"""

import io
import random
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ChainedScheduler, LRScheduler

from tlhelpers.arguments import check_network, check_optimizer, check_path
from tlhelpers.files import replacing
from tlhelpers.machine import pick_device
from tlhelpers.network.identity import check_same_network, describe_attributes, describe_network
from tlhelpers.network.weight_files import read_file
from tlhelpers.precision import keep_dtype, pick_dtype
from tlhelpers.training.checkpoint_parts import check_parts, plain_numbers
from tlhelpers.training.settings import Settings, compare_settings, describe_optimizer


def save_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: Optimizer,
    *,
    schedule: LRScheduler | None = None,
    history: list[dict] | None = None,
    classes: list[str] | None = None,
    settings: Settings | None = None,
) -> None:
    """Write a checkpoint; the file appears whole or not at all, and replaces an older one.

    Parameters
    ----------
    path : str or Path
    model, optimizer, schedule
        As in ``train_one_epoch``. Of a ResNet-50 stride and preprocessing are kept too, so that ``load_resnet50(path)``
        gives the whole network.
    history : list of dict, optional
        The epochs so far.
    classes : list of str, optional
        The names of the classes, in the order of the logits; by default ``model.classes``.
    settings : dict, optional
        What else the training was begun with (``describe_training``).

    Raises
    ------
    ValueError
        If there is not one name for each class of a ResNet-50.
    RuntimeError
        If the file cannot be written.
    """
    check_path(path)
    check_network(model)
    check_optimizer(optimizer)
    path, network, names = Path(path), describe_network(model), classes or getattr(model, "classes", None)
    _check_names(names, network)
    state = {
        "model": model.state_dict(),
        "network": network,
        "classes": plain_numbers(names),
        "optimizer": optimizer.state_dict()["state"],
        "steps": _steps_of(schedule),
        "settings": plain_numbers((settings or {}) | describe_optimizer(optimizer, schedule)),
        "history": plain_numbers(history or []),
        "random": _random_states(),
        "arithmetic": _arithmetic(),
    }
    content = io.BytesIO()
    torch.save(state, content)
    with replacing(path, way_out="name another folder for the checkpoints") as new:
        new.write_bytes(content.getbuffer())  # torch itself would not say that the disk is full


def _check_names(names: list[str] | None, network: dict | None) -> None:
    if names and network and network["num_classes"] not in (None, len(names)):
        raise ValueError(
            f"classes has {len(names)} names and the network has {network['num_classes']} outputs; there must be one "
            "name for each; give the names of this network with classes="
        )


def load_checkpoint(
    path: str | Path,
    model: nn.Module,
    optimizer: Optimizer | None = None,
    *,
    schedule: LRScheduler | None = None,
    classes: list[str] | None = None,
    settings: Settings | None = None,
) -> list[dict]:
    """Load the model of a checkpoint; with an optimizer, load the state of the whole training.

    Nothing is changed unless everything fits.

    Parameters
    ----------
    path : str or Path
    model : nn.Module
        With the same layers, stride and preprocessing. Changed in place.
    optimizer : Optimizer, optional
        A new one with the settings of that training. With it, its state, the position of the schedule and the states of
        all random generators are loaded too.
    schedule : LRScheduler, optional
        A new one, which is moved to the position of the checkpoint.
    classes : list of str, optional
        The names of the classes now; they must be those of the checkpoint.
    settings : dict, optional
        What else the training has to have in common (``describe_training``).

    Returns
    -------
    list of dict
        The epochs before the checkpoint.

    Raises
    ------
    ValueError
        If the file is not a checkpoint, or belongs to another network, other classes, or other settings.
    """
    check_path(path)
    check_network(model)
    path = Path(path)
    state = _read(path)
    _check_model(path, state, model, classes)
    if optimizer is not None:
        check_optimizer(optimizer)
        compare_settings(path, state["settings"], (settings or {}) | describe_optimizer(optimizer, schedule))
        _load_training(path, state, optimizer, schedule)
    model.load_state_dict(state["model"])
    for name, value in describe_attributes(state["network"], state["classes"]).items():
        setattr(model, name, value)
    return state["history"]


def _read(path: Path) -> dict:
    state = read_file(path)
    check_parts(path, state)
    return state


def _load_training(path: Path, state: dict, optimizer: Optimizer, schedule: LRScheduler | None) -> None:
    _check_shapes(path, state["optimizer"], optimizer)
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state["optimizer"]})
    if schedule is not None:
        _move(schedule, state["steps"])
    _set_random_states(state["random"])
    device, arithmetic = pick_device(), state["arithmetic"]
    if arithmetic["device"] == device.type:
        keep_dtype(device, getattr(torch, arithmetic["precision"]))
    for name, value in _arithmetic().items():
        if value != arithmetic[name]:
            print(f"{path}: {name} was {arithmetic[name]} and is {value} now, so last digits will differ.")


def _steps_of(schedule: LRScheduler | None) -> int:
    """Return how many steps a schedule has taken; a ChainedScheduler counts only those of its parts."""
    counting = schedule._schedulers[0] if isinstance(schedule, ChainedScheduler) else schedule
    return 0 if counting is None else counting.last_epoch


def _move(schedule: LRScheduler, steps: int) -> None:
    """Let a new schedule take so many steps at once; a longer one than at first then has its own rates."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch misses the steps of the optimizer between those of the schedule
        for _ in range(steps):
            schedule.step()


def _check_shapes(path: Path, stored: dict, optimizer: Optimizer) -> None:
    """Raise ValueError if a tensor of the optimizer, such as a momentum, has another shape than its parameter."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    fits = all(
        index < len(parameters)
        and (not isinstance(value, Tensor) or value.ndim == 0 or _fits(value, parameters[index]))
        for index, values in stored.items()
        for value in values.values()
    )
    if not fits:
        raise ValueError(
            f"{path} belongs to an optimizer of other parameters; give the optimizer the parameters of that training"
        )


def _fits(value: Tensor, parameter: Tensor) -> bool:
    return value.shape == parameter.shape and bool(value.isfinite().all())


def _check_model(path: Path, state: dict, model: nn.Module, classes: list[str] | None) -> None:
    for kind, describe in (("shape", _shape), ("type", _type)):
        theirs, ours = ({n: describe(v) for n, v in s.items()} for s in (state["model"], model.state_dict()))
        for name in [*ours, *theirs]:
            if ours.get(name) != theirs.get(name):
                was, is_now = theirs.get(name, "none"), ours.get(name, "none")
                raise ValueError(
                    f"{path} belongs to another network: its {name!r} has {kind} {was}, here it is {is_now}; build the "
                    "network of that training, or train in another folder"
                )
    check_same_network(path, state["network"], model)
    if classes is not None and state["classes"] is not None and classes != state["classes"]:
        raise ValueError(
            f"{path} was trained for the classes {state['classes']}, got {classes}; train in another folder"
        )


def _shape(value: Tensor) -> tuple[int, ...]:
    return tuple(value.shape)


def _type(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


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
