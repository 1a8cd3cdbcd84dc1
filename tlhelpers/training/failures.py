"""Failures of a training, each as one sentence: what went wrong, where, and what to do."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import NoneType

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from torch.utils.data import DataLoader

from tlhelpers.arguments import check_batches, check_kind, check_network, check_optimizer, check_share, check_whole
from tlhelpers.byhand.arguments import require

MEMORY_MESSAGES = ("can't allocate memory", "not enough memory", "out of memory")


@contextmanager
def saying_where(epoch: int, last: Path | None) -> Iterator[None]:
    """Add to a failure of a training in which epoch it happened, and which checkpoint there is."""
    kept = last is not None and last.exists()
    rest = f"{last} holds the epochs before it" if kept else "no checkpoint was written"
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"stopped in epoch {epoch}; the model can be used as it is now, and {rest}"
            + ("; the same call continues from there" if kept else "")
        ) from None
    except RuntimeError as error:
        raise RuntimeError(f"{error} (in epoch {epoch}; {rest})") from error


@contextmanager
def naming_batch_size(loader: DataLoader) -> Iterator[None]:
    """Turn a lack of memory into a sentence that names the size of a batch."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in MEMORY_MESSAGES):
            raise
        size = loader.batch_size or 1
        raise RuntimeError(
            f"there is not enough memory for batches of {size} photos; make the loader with batch_size="
            f"{max(1, size // 2)}, or close other programs"
        ) from error


def check_finite(loss: Tensor, step: int, optimizer: Optimizer) -> None:
    """Raise RuntimeError if a loss is infinite or not a number."""
    if not math.isfinite(loss.item()):
        rate = max(group["lr"] for group in optimizer.param_groups)
        raise RuntimeError(
            f"the loss became {loss.item()} in step {step}, at a learning rate of {rate:.2g}; lower the learning rate "
            "and start again"
        )


def check_batch(images: Tensor, model: nn.Module, loader: DataLoader) -> None:
    """Raise ValueError if the last batch is a single photo by accident, from which a batch norm cannot learn."""
    if len(images) > 1 or loader.batch_size == 1:
        return
    if any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.training for module in model.modules()):
        raise ValueError(
            "a batch has a single photo, and batch norms cannot learn from one; make the loader with make_loader, "
            "which joins it to the batch before, or with drop_last=True"
        )


def check_labels(labels: Tensor, classes: int, loader: object) -> None:
    """Raise ValueError if a label is no class of the model, or the photos of a loader have more or fewer classes.

    A head for the 1,000 classes of ImageNet would call an ant a tench, its class 0, and have an accuracy all the same.
    """
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise ValueError(
            f"a label is {wrong[0].item()}; it must be below {classes}, the number of classes of the model, and not "
            "negative; give the model a head for all classes with replace_head"
        )
    dataset = getattr(loader, "dataset", None)
    theirs, mapped = getattr(dataset, "classes", None), getattr(dataset, "target_transform", None)
    if theirs and not mapped and classes != len(theirs):
        raise ValueError(
            f"the number of classes of the model is {classes}; it must be {len(theirs)}, the number of classes of the "
            f"photos; give the model a new head with replace_head(model, {len(theirs)})"
        )


def check_names(model: nn.Module, loader: object) -> None:
    """Raise ValueError if a model and the photos of a loader have classes of other names."""
    ours, theirs = getattr(model, "classes", None), getattr(getattr(loader, "dataset", None), "classes", None)
    if ours and theirs and list(ours) != list(theirs):
        raise ValueError(
            f"the model was made for the classes {list(ours)} and the photos have {list(theirs)}; they must be the "
            "same in the same order; give it its own photos, or a new head with replace_head"
        )


def check_length(schedule: LRScheduler | None, steps: int) -> None:
    """Raise ValueError if a schedule is made for fewer steps than a training has; torch would say so in the middle."""
    planned = getattr(schedule, "total_steps", None)  # of those that have an end, such as OneCycleLR
    if planned is not None and planned < steps:
        raise ValueError(f"schedule is made for {planned} steps; the training has {steps}; make it for {steps} steps")


def check_training(
    model: nn.Module,
    loader: DataLoader,
    optimizer: Optimizer,
    schedule: LRScheduler | None,
    accumulate: int,
    label_smoothing: float,
) -> None:
    """Raise ValueError if an argument of the training loop is of another type, or out of its range.

    Parameters
    ----------
    model, loader, optimizer, schedule, accumulate, label_smoothing
        As for ``train_one_epoch``.
    """
    check_network(model)
    check_batches(loader)
    check_optimizer(optimizer)
    remedy = "make it with torch.optim.lr_scheduler, or give None"
    check_kind("schedule", schedule, (LRScheduler, NoneType), "be a schedule of torch", remedy)
    rule, instead = "step with every batch, without a loss", "take another one, such as CosineAnnealingLR"
    require(not isinstance(schedule, ReduceLROnPlateau), "schedule", "a ReduceLROnPlateau", rule, instead)
    check_whole(1, accumulate=accumulate)
    check_share("label_smoothing", label_smoothing, "give 0 for none")
