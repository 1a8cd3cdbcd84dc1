"""The loop: train one epoch, evaluate, and both of them several times over, with checkpoints."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from tlhelpers.allocator import keep_memory
from tlhelpers.machine import autocast, pick_device
from tlhelpers.training.freezing import train_mode


@dataclass(frozen=True)
class Evaluation:
    """What a model says of every photo of a loader: mean loss, accuracy (0 to 1), (N, C) logits, (N,) labels."""

    loss: float
    accuracy: float
    logits: Tensor
    labels: Tensor


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
    check_positive(accumulate=accumulate)
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


def check_positive(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ValueError(f"{name} is {number}; it must be 1 or more")


def _check_labels(labels: Tensor, classes: int) -> None:
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise ValueError(
            f"a label is {wrong[0].item()}, but the model has {classes} classes, numbered from 0; "
            "give it a head for all of them: replace_head"
        )
