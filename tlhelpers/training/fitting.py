"""Several epochs of training, each followed by an evaluation, with checkpoints and early stopping."""

import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from tlhelpers.machine import pick_device
from tlhelpers.training.checkpoint import load_checkpoint, save_checkpoint
from tlhelpers.training.loop import check_positive, evaluate, train_one_epoch

BEST, LAST = "best.pt", "last.pt"


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
) -> list[EpochResult]:
    """Train for some epochs, and evaluate after each.

    With a folder, it keeps ``last.pt`` and ``best.pt`` (the epoch with the lowest validation loss) there. If a run was
    stopped, the same call continues after the last complete epoch. On a CPU, the results are exactly those of a run
    that was not stopped.

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
        For the checkpoints of this one training. ``load_checkpoint`` reads them.

    Returns
    -------
    list of EpochResult
        One for each epoch, those before an interruption included.

    Raises
    ------
    ValueError
        If ``epochs``, ``patience``, ``accumulate`` or a learning rate is not positive, or the folder holds another
        training.
    RuntimeError
        If the loss is not finite, or a checkpoint cannot be written.
    """
    check_positive(epochs=epochs, patience=patience, accumulate=accumulate)
    _check_rates(optimizer)
    model.to(pick_device()).to(memory_format=torch.channels_last)
    about: dict[str, Any] = {"schedule": schedule, "classes": getattr(train_loader.dataset, "classes", None)}
    save = partial(save_checkpoint, model=model, optimizer=optimizer, **about)
    train = partial(train_one_epoch, schedule=schedule, label_smoothing=label_smoothing, accumulate=accumulate)
    last = Path(folder) / LAST if folder else None
    stored = load_checkpoint(last, model, optimizer, **about) if last and last.exists() else []
    history = [EpochResult(**result) for result in stored]
    while len(history) < epochs and (patience is None or _epochs_without_gain(history) < patience):
        start = time.perf_counter()
        trained, judged = train(model, train_loader, optimizer), evaluate(model, val_loader)
        seconds = time.perf_counter() - start
        history.append(EpochResult(len(history) + 1, *trained, judged.loss, judged.accuracy, seconds))
        for path in _checkpoints(folder, history):
            save(path=path, history=[asdict(result) for result in history])
    return history


def _checkpoints(folder: str | Path | None, history: list[EpochResult]) -> list[Path]:
    """Return the files to write after an epoch; last.pt comes last, so that best.pt is never older than it."""
    if folder is None:
        return []
    names = [BEST, LAST] if _epochs_without_gain(history) == 0 else [LAST]
    return [Path(folder) / name for name in names]


def _epochs_without_gain(history: list[EpochResult]) -> int:
    losses = [result.val_loss for result in history]
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def _check_rates(optimizer: Optimizer) -> None:
    for group in optimizer.param_groups:
        rate = group.get("initial_lr", group["lr"])  # a schedule may begin at 0
        if not rate > 0:
            raise ValueError(f"a learning rate is {rate}; it must be positive; freeze what must not change instead")
