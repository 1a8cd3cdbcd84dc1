"""The training loop: train for one epoch, and evaluate."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader

from tlhelpers.allocator import keep_memory
from tlhelpers.arguments import check_batches, check_network
from tlhelpers.bars import with_bar
from tlhelpers.machine import pick_device
from tlhelpers.network.finite import check_outputs
from tlhelpers.precision import autocast
from tlhelpers.training.failures import (
    check_batch,
    check_finite,
    check_labels,
    check_names,
    check_training,
    naming_batch_size,
)
from tlhelpers.training.freezing import train_mode


@dataclass(frozen=True)
class Evaluation:
    """The results of a model on all photos of a loader.

    Parameters
    ----------
    loss : float
        Mean cross-entropy in nats.
    accuracy : float
        From 0 to 1.
    logits : (N, C) tensor
    labels : (N,) tensor of class numbers
    """

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
    mode: Callable[[nn.Module], None] = train_mode,
) -> tuple[float, float]:
    """Train once on every batch of a loader, with cross-entropy.

    Parameters
    ----------
    model : nn.Module
        From (N, 3, H, W) images to (N, C) logits. Trained in place, on the fastest device.
    loader : DataLoader
    optimizer : Optimizer
    schedule : LRScheduler, optional
        Its step follows each step of the optimizer.
    label_smoothing : float
        The share of each target, from 0 to 1, that is spread over all classes.
    accumulate : int
        Batches for each step of the optimizer, which then follows their mean gradient. With batches of equal
        size this is the step of one large batch, in the memory of a small one; batch norms still see a small batch.
    mode : callable
        (model): what puts it into training mode; with ``keep_statistics`` batch norms keep theirs.

    Returns
    -------
    loss, accuracy : float
        Means over the photos, each judged during the epoch, before the step of its batch. The loss includes the label
        smoothing, which that of ``evaluate`` does not.

    Raises
    ------
    ValueError
        If a label is not a class of the model, the photos have more or fewer classes, a number is out of its range, the
        loader is empty, or its last batch is a single photo for a model with batch norms.
    RuntimeError
        If the loss is not finite, or there is not enough memory.
    """
    check_training(model, loader, optimizer, schedule, accumulate, label_smoothing)
    device = pick_device()
    mode(model.to(device).to(memory_format=torch.channels_last))
    total_loss, total_right, total = 0.0, 0, 0
    with naming_batch_size(loader):
        for step, batches in enumerate(_grouped(with_bar(loader, "training"), accumulate), start=1):
            optimizer.zero_grad()
            for images, labels in batches:
                check_batch(images, model, loader)
                images, labels = images.to(device, memory_format=torch.channels_last), labels.to(device)
                logits, loss = _forward(model, images, labels, loader, label_smoothing)
                check_finite(loss, step, optimizer)
                (loss / len(batches)).backward()  # gradients add up to that of the mean loss
                total_loss += loss.item() * len(labels)
                total_right += int((logits.argmax(dim=1) == labels).sum())
                total += len(labels)
            optimizer.step()
            if schedule is not None:
                schedule.step()
    return total_loss / total, total_right / total


def _forward(
    model: nn.Module, images: Tensor, labels: Tensor, loader: DataLoader, label_smoothing: float
) -> tuple[Tensor, Tensor]:
    """Return the (N, C) logits of a batch and their mean cross-entropy."""
    with autocast(images.device):
        logits = model(images)
    check_labels(labels, logits.shape[1], loader)
    return logits, F.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)


def _grouped(batches: Iterable, size: int) -> Iterator[list]:
    """Yield lists of so many batches; the last list may be shorter."""
    iterator = iter(batches)
    while group := list(islice(iterator, size)):
        yield group


@torch.no_grad()
@keep_memory()
def evaluate(model: nn.Module, loader: DataLoader) -> Evaluation:
    """Return loss, accuracy, logits and labels of a model in eval mode.

    Parameters
    ----------
    model : nn.Module
        Left in eval mode, on the fastest device.
    loader : DataLoader

    Returns
    -------
    Evaluation
        Its tensors are on the CPU, in the order of the loader.

    Raises
    ------
    ValueError
        If a label is not a class of the model, or the photos have other classes.
    RuntimeError
        If a logit is NaN or infinite.
    """
    check_network(model)
    check_batches(loader)
    check_names(model, loader)
    device = pick_device()
    model.eval().to(device).to(memory_format=torch.channels_last)
    all_logits, all_labels = [], []
    with naming_batch_size(loader):
        for images, labels in with_bar(loader, "evaluating"):
            with autocast(device):
                logits = model(images.to(device, memory_format=torch.channels_last))
            all_logits.append(logits.float().cpu())
            all_labels.append(labels)
    logits, labels = torch.cat(all_logits), torch.cat(all_labels)
    check_labels(labels, logits.shape[1], loader)
    check_outputs(logits, model, "logits")
    accuracy = (logits.argmax(dim=1) == labels).double().mean().item()
    return Evaluation(F.cross_entropy(logits, labels).item(), accuracy, logits, labels)
