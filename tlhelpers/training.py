"""The loop: train one epoch, evaluate, and both of them several times over, with checkpoints."""

import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from tlhelpers.checkpoint import load_checkpoint, save_checkpoint
from tlhelpers.runtime import autocast, keep_memory, pick_device


@dataclass(frozen=True)
class Evaluation:
    """What a model says of every photo of a loader: mean loss, accuracy (0 to 1), (N, C) logits, (N,) labels."""

    loss: float
    accuracy: float
    logits: Tensor
    labels: Tensor


@dataclass(frozen=True)
class EpochResult:
    """One epoch: mean losses in nats, accuracies from 0 to 1, seconds."""

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


def train_mode(model: nn.Module) -> None:
    """Put a model into training mode, but for the modules whose parameters are all frozen.

    ``requires_grad=False`` alone does not freeze a batch norm: in training mode its running statistics move
    with every batch. So a module that has parameters of its own, none of which is trained, stays in eval mode.
    """
    model.train()
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.eval()


@keep_memory()
def train_one_epoch(
    model: nn.Module,
    loader: DataLoader,
    optimizer: Optimizer,
    *,
    schedule: LRScheduler | None = None,
    label_smoothing: float = 0.0,
    accumulate: int = 1,
) -> tuple[float, float]:
    """Train on every batch of a loader once, with cross-entropy.

    Parameters
    ----------
    model : nn.Module
        (N, 3, H, W) images to (N, C) logits. Trained in place on the fastest device.
    loader : DataLoader
    optimizer : Optimizer
    schedule : LRScheduler, optional
        Stepped with the optimizer.
    label_smoothing : float
        The part of every target, from 0 to 1, that is spread over all classes.
    accumulate : int
        Batches for one step of the optimizer, along their mean gradient: the step of a batch so many times as large, in
        the memory of one. Batch norms that are trained still see one batch at a time.

    Returns
    -------
    loss, accuracy : float
        Means over the photos, each as it was when its batch came by.

    Raises
    ------
    ValueError
        If a label is no class of the model, or ``accumulate`` is not positive.
    RuntimeError
        If the loss is not finite.
    """
    _check_positive(accumulate=accumulate)
    device = pick_device()
    train_mode(model.to(device, memory_format=torch.channels_last))
    total_loss = total_right = total = 0
    for number, (images, labels) in enumerate(tqdm(loader, desc="training", unit="batch", leave=False)):
        images, labels = images.to(device, memory_format=torch.channels_last), labels.to(device)
        with autocast(device):
            logits = model(images)  # (N, C)
        _check_labels(labels, logits.shape[1])
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)
        if not math.isfinite(loss.item()):
            raise RuntimeError(f"the loss became {loss.item()}; lower the learning rate and start again")
        first = number - number % accumulate  # batch of the step that is being prepared
        if number == first:
            optimizer.zero_grad()
        (loss / min(accumulate, len(loader) - first)).backward()
        if number + 1 in (first + accumulate, len(loader)):
            optimizer.step()
            if schedule is not None:
                schedule.step()
        total_loss += loss.item() * len(labels)
        total_right += (logits.argmax(dim=1) == labels).sum().item()
        total += len(labels)
    return total_loss / total, total_right / total


@torch.no_grad()
@keep_memory()
def evaluate(model: nn.Module, loader: DataLoader) -> Evaluation:
    """Return loss, accuracy, logits and labels of a model in eval mode.

    Parameters
    ----------
    model : nn.Module
    loader : DataLoader

    Returns
    -------
    Evaluation
        On the CPU, in the order of the loader.

    Raises
    ------
    ValueError
        If a label is no class of the model.
    """
    device = pick_device()
    model.eval().to(device, memory_format=torch.channels_last)
    all_logits, all_labels = [], []
    for images, labels in tqdm(loader, desc="evaluating", unit="batch", leave=False):
        with autocast(device):
            logits = model(images.to(device, memory_format=torch.channels_last))
        all_logits.append(logits.float().cpu())
        all_labels.append(labels)
    logits, labels = torch.cat(all_logits), torch.cat(all_labels)
    _check_labels(labels, logits.shape[1])
    accuracy = (logits.argmax(dim=1) == labels).double().mean().item()
    return Evaluation(F.cross_entropy(logits, labels).item(), accuracy, logits, labels)


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
    _check_positive(epochs=epochs, patience=patience, accumulate=accumulate)
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


def _check_positive(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} is {number}; it must be 1 or more")


def _check_rates(optimizer: Optimizer) -> None:
    for group in optimizer.param_groups:
        rate = group.get("initial_lr", group["lr"])  # a schedule may begin at 0
        if not rate > 0:
            raise ValueError(f"a learning rate is {rate}, and nothing would be learned; freeze what must not change")


def _check_labels(labels: Tensor, classes: int) -> None:
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise ValueError(
            f"a label is {wrong[0].item()}, but the model has {classes} classes, numbered from 0; "
            "give it a head for all of them: replace_head"
        )
