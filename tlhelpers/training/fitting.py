"""Several epochs of training, each followed by an evaluation, with checkpoints and early stopping."""

import time
from dataclasses import asdict, dataclass, fields
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from tlhelpers.arguments import check_loader, check_path, check_whole
from tlhelpers.locks import remove_rests
from tlhelpers.machine import pick_device
from tlhelpers.training.checkpoint import load_checkpoint, save_checkpoint
from tlhelpers.training.failures import check_length, check_names, check_training, saying_where
from tlhelpers.training.loop import evaluate, train_one_epoch
from tlhelpers.training.settings import OtherSettingsError, describe_training

BEST, LAST = "best.pt", "last.pt"
SAME, NEW = "with the same settings", "with new settings"


@dataclass(frozen=True)
class EpochResult:
    """The results of one epoch, counted from 1: mean losses in nats, accuracies from 0 to 1, time in seconds."""

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


def fit(
    model: nn.Module,
    train_loader: DataLoader,
    val_loader: DataLoader,
    optimizer: Optimizer,
    *,
    epochs: int,
    schedule: LRScheduler | None = None,
    label_smoothing: float = 0.0,
    accumulate: int = 1,
    patience: int | None = None,
    folder: str | Path | None = None,
    resume: str = SAME,
) -> list[EpochResult]:
    """Train for some epochs, and evaluate after each.

    With a folder, it keeps ``last.pt`` and ``best.pt`` (the epoch with the lowest validation loss) there. If a run was
    stopped, the same call continues after the last complete epoch. On a CPU, the results are exactly those of a run
    that was not stopped. A call with other settings is refused, except that it may ask for more epochs.

    Parameters
    ----------
    model, optimizer, schedule, label_smoothing, accumulate
        As in ``train_one_epoch``.
    train_loader, val_loader : DataLoader
        The validation photos may decide when to stop. Judge the result with other photos, the test set.
    epochs : int
        The largest number of epochs.
    patience : int, optional
        Stop after this many epochs without a lower validation loss.
    folder : str or Path, optional
        For the checkpoints of this one training. ``load_checkpoint`` and ``load_resnet50`` read them.
    resume : str
        "with the same settings"; or "with new settings": if the folder holds a training with other settings, its
        checkpoints are moved to a folder in it, and a new training begins with the weights of its last epoch.

    Returns
    -------
    list of EpochResult
        One for each epoch, those before an interruption included.

    Raises
    ------
    ValueError
        If ``epochs``, ``patience``, ``accumulate`` or a learning rate is not positive, or the folder holds another
        training; the message names the setting and both values.
    RuntimeError
        If the loss is not finite, there is not enough memory, or a checkpoint cannot be written.
    """
    how: dict[str, Any] = {"label_smoothing": label_smoothing, "accumulate": accumulate}
    _check_loaders(model, train_loader=train_loader, val_loader=val_loader)
    check_training(model, train_loader, optimizer, schedule, **how)
    _check(optimizer, folder, epochs=epochs, patience=1 if patience is None else patience)
    check_length(schedule, epochs * -(-len(train_loader) // accumulate))  # rounded up
    model.to(pick_device()).to(memory_format=torch.channels_last)
    about: dict[str, Any] = {"schedule": schedule, "classes": getattr(train_loader.dataset, "classes", None)}
    # they are only stored in checkpoints, and all photos are read for them
    about["settings"] = describe_training(model, train_loader, val_loader, epochs=epochs, **how) if folder else {}
    last = Path(folder) / LAST if folder else None
    history = _resume(last, resume, model, optimizer, about)
    while len(history) < epochs and (patience is None or _epochs_without_gain(history) < patience):
        with saying_where(len(history) + 1, last):
            history.append(_one_epoch(len(history) + 1, model, train_loader, val_loader, optimizer, schedule, how))
        for path in _checkpoints(folder, history):
            save_checkpoint(path, model, optimizer, history=[asdict(result) for result in history], **about)
    return history


def _one_epoch(
    number: int,
    model: nn.Module,
    train_loader: DataLoader,
    val_loader: DataLoader,
    optimizer: Optimizer,
    schedule: LRScheduler | None,
    how: dict[str, Any],
) -> EpochResult:
    """Train once on every batch, and evaluate."""
    start = time.perf_counter()
    trained = train_one_epoch(model, train_loader, optimizer, schedule=schedule, **how)
    judged = evaluate(model, val_loader)
    return EpochResult(number, *trained, judged.loss, judged.accuracy, time.perf_counter() - start)


def _resume(
    last: Path | None, resume: str, model: nn.Module, optimizer: Optimizer, about: dict[str, Any]
) -> list[EpochResult]:
    """Load what there is of this training, and return its epochs."""
    if resume not in (SAME, NEW):
        raise ValueError(f"resume is {resume!r}; it must be {SAME!r} or {NEW!r}; choose one")
    if last is None or not last.exists():
        if last is not None and last.with_name(BEST).exists():  # of somebody else, or of a process that was killed
            _set_aside(last.parent)
        return []
    remove_rests(last.parent)
    try:
        stored = load_checkpoint(last, model, optimizer, **about)
    except OtherSettingsError:
        if resume == SAME:
            raise
        load_checkpoint(last, model, classes=about["classes"])
        print(
            f"A new training begins with the weights of {last}; its checkpoints are now in {_set_aside(last.parent)}."
        )
        return []
    if len(stored) > about["settings"]["epochs"]:
        print(f"{last} has {len(stored)} epochs already, so nothing is trained.")
    return [_epoch(result, last) for result in stored]


def _epoch(stored: dict[str, Any], last: Path) -> EpochResult:
    """Return an epoch of a checkpoint, whose history could also be one of another program."""
    names = [field.name for field in fields(EpochResult)]
    if list(stored) != names:
        raise ValueError(
            f"{last} has a history with {', '.join(stored) or 'nothing'} instead of {', '.join(names)}; train in "
            "another folder, or load its weights with load_checkpoint"
        )
    return EpochResult(**stored)


def _set_aside(folder: Path) -> Path:
    """Move the checkpoints into a new folder below theirs, and return it."""
    number = next(number for number in count(1) if not (folder / f"earlier-{number}").exists())
    aside = folder / f"earlier-{number}"
    aside.mkdir()
    for name in (BEST, LAST):
        if (folder / name).exists():
            (folder / name).rename(aside / name)
    return aside


def _checkpoints(folder: str | Path | None, history: list[EpochResult]) -> list[Path]:
    """Return the files to write after an epoch; last.pt comes last, so that best.pt is never older than it."""
    if folder is None:
        return []
    names = [BEST, LAST] if _epochs_without_gain(history) == 0 else [LAST]
    return [Path(folder) / name for name in names]


def _epochs_without_gain(history: list[EpochResult]) -> int:
    losses = [result.val_loss for result in history]
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def _check_loaders(model: nn.Module, **loaders: DataLoader) -> None:
    for name, loader in loaders.items():
        check_loader(loader, name)
        check_names(model, loader)


def _check(optimizer: Optimizer, folder: str | Path | None, **numbers: int) -> None:
    """Raise ValueError if a number or a learning rate is not positive, or the folder is no path."""
    check_whole(1, **numbers)
    if folder is not None:
        check_path(folder, "folder")
    for group in optimizer.param_groups:
        rate = group.get("initial_lr", group["lr"])  # a schedule may begin at 0
        if not rate > 0:
            raise ValueError(f"a learning rate is {rate}; it must be positive; freeze what must not change instead")
