"""The loop: train one epoch, evaluate, and both of them several times over, with checkpoints."""

import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from tlhelpers.machine import pick_device
from tlhelpers.training.checkpoint import load_checkpoint, save_checkpoint
from tlhelpers.training.loop import check_positive, evaluate, train_one_epoch


@dataclass(frozen=True)
class EpochResult:
    """One epoch: mean losses in nats, accuracies from 0 to 1, seconds."""

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
    """Train for some epochs and evaluate after each.

    With a folder, ``last.pt`` and ``best.pt`` (lowest validation loss) are kept there, and a run that was stopped
    goes on after the last whole epoch: on a CPU with the very numbers of a run that was not stopped.

    Parameters
    ----------
    model, optimizer, schedule, label_smoothing, accumulate
        As in ``train_one_epoch``.
    train_loader, val_loader : DataLoader
        The photos that judge here may choose when to stop. Then they are no test any more: keep others for that.
    epochs : int
        At the most.
    patience : int, optional
        Stop after so many epochs without a lower validation loss.
    folder : str or Path, optional
        For the checkpoints of this one training. Read them with ``load_checkpoint``.

    Returns
    -------
    list of EpochResult

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
    model.to(pick_device(), memory_format=torch.channels_last)
    how = {"schedule": schedule, "label_smoothing": label_smoothing, "accumulate": accumulate}
    keep = {"schedule": schedule, "classes": getattr(train_loader.dataset, "classes", None)}
    last, best = (Path(folder or "") / name for name in ("last.pt", "best.pt"))
    history = load_checkpoint(last, model, optimizer, **keep) if folder and last.exists() else []
    history = [EpochResult(**result) for result in history]
    while len(history) < epochs and (patience is None or _epochs_without_gain(history) < patience):
        start = time.perf_counter()
        trained = train_one_epoch(model, train_loader, optimizer, **how)
        found = evaluate(model, val_loader)
        seconds = time.perf_counter() - start
        history.append(EpochResult(len(history) + 1, *trained, found.loss, found.accuracy, seconds))
        for path in (best, last) if folder else ():
            if path is last or _epochs_without_gain(history) == 0:
                save_checkpoint(path, model, optimizer, history=[asdict(result) for result in history], **keep)
    return history


def _epochs_without_gain(history: list[EpochResult]) -> int:
    losses = [result.val_loss for result in history]
    return len(losses) - 1 - losses.index(min(losses)) if losses else 0


def _check_rates(optimizer: Optimizer) -> None:
    for group in optimizer.param_groups:
        rate = group.get("initial_lr", group["lr"])  # a schedule may begin at 0
        if not rate > 0:
            raise ValueError(f"a learning rate is {rate}, and nothing would be learned; freeze what must not change")
