"""The loop: train one epoch, evaluate, and both of them several times over."""

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from tlhelpers.runtime import autocast, pick_device


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


def train_one_epoch(
    model: nn.Module, loader: DataLoader, optimizer: Optimizer, *, schedule: LRScheduler | None = None
) -> tuple[float, float]:
    """Train on every batch of a loader once, with cross-entropy.

    Parameters
    ----------
    model : nn.Module
        (N, 3, H, W) images to (N, C) logits. Trained in place on the fastest device.
    loader : DataLoader
    optimizer : Optimizer
    schedule : LRScheduler, optional
        Stepped after every batch.

    Returns
    -------
    loss, accuracy : float
        Means over the photos, each as it was when its batch came by.

    Raises
    ------
    RuntimeError
        If the loss is not finite.
    """
    device = pick_device()
    train_mode(model.to(device, memory_format=torch.channels_last))
    total_loss = total_right = total = 0
    for images, labels in tqdm(loader, desc="training", unit="batch", leave=False):
        images, labels = images.to(device, memory_format=torch.channels_last), labels.to(device)
        with autocast(device):
            logits = model(images)  # (N, C)
        loss = F.cross_entropy(logits.float(), labels)
        if not math.isfinite(loss.item()):
            raise RuntimeError(f"the loss became {loss.item()}; lower the learning rate and start again")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if schedule is not None:
            schedule.step()
        total_loss += loss.item() * len(labels)
        total_right += (logits.argmax(dim=1) == labels).sum().item()
        total += len(labels)
    return total_loss / total, total_right / total


@torch.no_grad()
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
) -> list[EpochResult]:
    """Train for some epochs and evaluate after each.

    Parameters
    ----------
    model, optimizer, schedule
        As in ``train_one_epoch``.
    train_loader, val_loader : DataLoader
    epochs : int

    Returns
    -------
    list of EpochResult

    Raises
    ------
    ValueError
        If ``epochs`` is not positive.
    """
    if epochs < 1:
        raise ValueError(f"epochs is {epochs}; it must be 1 or more")
    history = []
    for epoch in range(1, epochs + 1):
        start = time.perf_counter()
        train_loss, train_accuracy = train_one_epoch(model, train_loader, optimizer, schedule=schedule)
        found = evaluate(model, val_loader)
        seconds = time.perf_counter() - start
        history.append(EpochResult(epoch, train_loss, train_accuracy, found.loss, found.accuracy, seconds))
    return history
