"""Transfer in one call: run a strategy, and judge it by cross-validation."""

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from tlhelpers.arguments import check_network, check_whole
from tlhelpers.byhand.arguments import require
from tlhelpers.machine import pick_device
from tlhelpers.network.identity import was_trained_further
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import PhotoDataset, check_photos
from tlhelpers.photos.folds import stratified_folds
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import MIRROR, eval_transform, train_transform
from tlhelpers.precision import autocast
from tlhelpers.training.freezing import unfreeze
from tlhelpers.training.loop import Evaluation, evaluate, train_one_epoch
from tlhelpers.training.regularization import pull_to_start
from tlhelpers.training.strategies import Strategy, find_strategy

STEPS = 200
WARM_UP = 0.1  # share of the steps in which the learning rate rises
MAX_GRADIENT_NORM = 1.0  # a longer gradient, all parameters taken together, is shortened to this length


def transfer(
    model: ResNet50,
    train: PhotoDataset,
    strategy: str | Strategy = "averaged weights",
    *,
    steps: int = STEPS,
    peak_rate: float | None = None,
    batch_size: int = 32,
    size: int | Sequence[int] | None = None,
    augment: Callable = MIRROR,
) -> None:
    """Teach a pretrained network new classes, with one of the strategies or a strategy of your own.

    The length is counted in steps of the optimizer and not in epochs: after three epochs with 200 photos the optimizer
    has hardly moved, and after three with 20,000 it may have done enough. If the network was trained since it was
    loaded, a line says that the transfer starts from there.

    Parameters
    ----------
    model : ResNet50
        With its ``weights``, as ``load_resnet50`` returns it. Changed in place; its ``classes`` become those of the
        photos.
    train : PhotoDataset
        Two or more photos of each class. Its own transform is not used.
    strategy : str or Strategy
        A name of ``tlhelpers.training.strategies.STRATEGIES``, or a ``Strategy``.
    steps : int
        The number of batches that the network is trained with; photos are taken again and again.
    peak_rate : float, optional
        The largest learning rate, instead of the strategy's own.
    batch_size : int
    size : int or sequence of int, optional
        Side of the training images in pixels; that of the weights by default. The work grows with its square. A
        sequence divides the training into equal parts, one for each size: small ones first, as in (128, 160, 192),
        save time.
    augment : callable
        As for ``train_transform``: what is changed at random in each photo.

    Raises
    ------
    ValueError
        If there is no such strategy, a number is not positive, there are fewer steps than sizes, or photos are missing,
        as for ``fit_probe``.
    RuntimeError
        If the loss is not finite.
    """
    _check(model, train)
    _say_if_trained_before(model)
    options: dict[str, Any] = {"batch_size": batch_size, "size": size, "augment": augment}
    _transfer(model, train, strategy, steps=steps, peak_rate=peak_rate, **options)


def _check(model: ResNet50, train: PhotoDataset) -> None:
    check_network(model, "weights", "stages")
    check_photos(train, "train")


def _say_if_trained_before(model: ResNet50) -> None:
    if was_trained_further(model):
        name = model.weights.name
        print(
            f"This network was trained before: transfer starts from its present weights, not from those of {name}; "
            "load_resnet50 gives a new one."
        )


def _say_how_long(model: ResNet50, side: int, batch_size: int, steps: int) -> None:
    """Print how long a training will take, from the time of one step with all layers trained."""
    seconds = steps * seconds_of_a_step(model, side, batch_size)
    about = f"{max(2, seconds):.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
    print(f"Training: {steps} steps with {batch_size} photos of {side} x {side} pixels, about {about}.")


def seconds_of_a_step(model: ResNet50, side: int, batch_size: int) -> float:
    """Return the time of a forward and a backward pass; the second of two, because the first one prepares much."""
    device = pick_device()
    trial = copy.deepcopy(model).eval().to(device).to(memory_format=torch.channels_last)
    images = torch.zeros(batch_size, 3, side, side, device=device).to(memory_format=torch.channels_last)
    unfreeze(trial)
    for _ in range(2):
        start = time.perf_counter()
        with autocast(device):
            loss = trial(images).sum()
        loss.backward()
        loss.item()  # waits for a GPU
        seconds = time.perf_counter() - start
    return seconds


def _transfer(
    model: ResNet50,
    train: PhotoDataset,
    strategy: str | Strategy,
    *,
    steps: int = STEPS,
    peak_rate: float | None = None,
    batch_size: int = 32,
    size: int | Sequence[int] | None = None,
    augment: Callable = MIRROR,
    announce: bool = True,
) -> None:
    row = find_strategy(strategy)
    if row.trains and peak_rate is not None:
        row = replace(row, peak_rate=peak_rate)
    sizes = _sizes_of_parts(model.weights.crop if size is None else size, row.parts, steps)
    if row.trains and announce:
        _say_how_long(model, max(sizes), min(batch_size, len(train)), steps)
    unfreeze(model)
    row.start(model, train)
    row.freeze(model)
    model.classes = list(train.classes)
    if row.trains:
        ends = [steps * part // len(sizes) for part in range(len(sizes) + 1)]
        counts = [end - begin for begin, end in pairwise(ends)]
        transforms = [train_transform(model.weights, size=side, augment=augment) for side in sizes]
        loaders = zip(transforms, counts, strict=True)
        train_with(model, row, [make_loader(train, t, batch_size=batch_size, steps=count) for t, count in loaders])


def train_with(model: ResNet50, row: Strategy, loaders: list[DataLoader]) -> None:
    """Train as a strategy says, from the network as it is, with one loader for each part of the training."""
    before = copy.deepcopy(model) if row.pull or row.finish else None
    optimizer = AdamW(row.groups(model, row.rate), row.rate, weight_decay=row.weight_decay)
    optimizer.register_step_pre_hook(lambda *_: _clip(model))
    if row.pull and before is not None:
        optimizer.register_step_post_hook(lambda *_: pull_to_start(optimizer, model, before, row.pull))
    mean = AveragedModel(model.to(pick_device())) if row.averaged else None
    if mean is not None:
        optimizer.register_step_post_hook(lambda *_: mean.update_parameters(model))
    schedule = LambdaLR(optimizer, partial(share_of_peak, steps=sum(map(len, loaders))))
    for part, loader in enumerate(loaders):
        if row.each_part:
            row.each_part(model, part)
        train_one_epoch(model, loader, optimizer, schedule=schedule, mode=row.mode)
    if mean is not None:
        model.load_state_dict(mean.module.state_dict())
    if row.finish and before is not None:
        row.finish(model, before)


def _clip(model: nn.Module) -> None:
    nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)


def share_of_peak(step: int, steps: int) -> float:
    """Return the learning rate of a step, as a share of the peak: a straight rise, and then half a wave of a cosine.

    Parameters
    ----------
    step : int
        Counted from 0.
    steps : int
        Of the whole training.

    Examples
    --------
    >>> [round(share_of_peak(step, 10), 2) for step in range(10)]
    [1.0, 1.0, 0.97, 0.88, 0.75, 0.59, 0.41, 0.25, 0.12, 0.03]
    """
    rise = max(1, round(WARM_UP * steps))
    fall = (step - rise) / max(1, steps - rise)  # from 0 to 1
    return (step + 1) / rise if step < rise else (1 + math.cos(math.pi * fall)) / 2


def _sizes_of_parts(size: int | Sequence[int], parts: int, steps: int) -> list[int]:
    """Return the size of the images in each part of the training."""
    sizes: list[Any] = list(size) if isinstance(size, tuple | list | range) else [size] * parts
    for side in sizes:
        check_whole(1, size=side)
    check_whole(max(1, len(sizes)), steps=steps)
    require(len(sizes) > 0, "size", "empty", "have a number or more", "give one size for the whole training")
    return sizes


def cross_validate(
    model: ResNet50, train: PhotoDataset, strategy: str | Strategy, *, count: int = 5, **options: Any
) -> list[Evaluation]:
    """Judge a strategy by the training photos alone: each photo by a copy of the model that was not trained on it.

    Parameters
    ----------
    model : ResNet50
        Not changed.
    train : PhotoDataset
    strategy : str or Strategy
        As for ``transfer``; so are further options.
    count : int
        The number of folds.

    Returns
    -------
    list of Evaluation
        One for each fold, with loss and accuracy.

    Raises
    ------
    ValueError
        As ``transfer`` and ``stratified_folds``.
    """
    _check(model, train)
    _say_if_trained_before(model)
    results: list[Evaluation] = []
    for part, judged in stratified_folds(train, count):
        trial = copy.deepcopy(model)
        _transfer(trial, part, strategy, announce=not results, **options)
        results.append(evaluate(trial, make_loader(judged, eval_transform(model.weights))))
    return results
