"""Transfer in one call: run a strategy, and judge it by cross-validation."""

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import nn
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR
from torch.utils.data import DataLoader

from tlhelpers.arguments import check_network, check_whole
from tlhelpers.network.identity import was_trained_further
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import PhotoDataset, check_photos
from tlhelpers.photos.folds import stratified_folds
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import eval_transform, train_transform
from tlhelpers.training.freezing import unfreeze
from tlhelpers.training.loop import Evaluation, evaluate, train_one_epoch
from tlhelpers.training.regularization import pull_to_start
from tlhelpers.training.strategies import Strategy, find_strategy

MOMENTUM = 0.9


def transfer(
    model: ResNet50,
    train: PhotoDataset,
    strategy: str | Strategy = "WiSE-FT",
    *,
    epochs: int = 3,
    peak_rate: float | None = None,
    size: int | Sequence[int] | None = None,
    batch_size: int = 32,
) -> None:
    """Teach a pretrained network new classes, with one of the strategies or a strategy of your own.

    If the network was trained since it was loaded, a line says that the transfer starts from there.

    Parameters
    ----------
    model : ResNet50
        With its ``weights``, as ``load_resnet50`` returns it. Changed in place; its ``classes`` become those of the
        photos.
    train : PhotoDataset
        Two or more photos of each class. Its own transform is not used.
    strategy : str or Strategy
        A name of ``tlhelpers.training.strategies.STRATEGIES``, or a ``Strategy``.
    epochs : int
    peak_rate : float, optional
        The largest learning rate of the one-cycle schedule, instead of the strategy's own.
    size : int or sequence of int, optional
        Side of the training images in pixels; that of the weights by default. The work grows with its square. A
        sequence has one size for each epoch: small ones first, as in (128, 160, 192), save time.
    batch_size : int

    Raises
    ------
    ValueError
        If there is no such strategy, a number is not positive, there are not as many sizes as epochs, or photos are
        missing, as for ``fit_probe``.
    RuntimeError
        If the loss is not finite.
    """
    _check(model, train)
    _say_if_trained_before(model)
    _transfer(model, train, strategy, epochs=epochs, peak_rate=peak_rate, size=size, batch_size=batch_size)


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


def _transfer(
    model: ResNet50,
    train: PhotoDataset,
    strategy: str | Strategy,
    *,
    epochs: int = 3,
    peak_rate: float | None = None,
    size: int | Sequence[int] | None = None,
    batch_size: int = 32,
) -> None:
    row = find_strategy(strategy)
    if row.trains and peak_rate is not None:
        row = replace(row, peak_rate=peak_rate)
    sizes = _sizes_by_epoch(model.weights.crop if size is None else size, epochs) if row.trains else []
    unfreeze(model)
    row.start(model, train)
    row.freeze(model)
    model.classes = list(train.classes)
    if row.trains:
        transforms = [train_transform(model.weights, size=side) for side in sizes]
        _train(model, row, [make_loader(train, t, batch_size=batch_size, shuffle=True) for t in transforms])


def _train(model: ResNet50, row: Strategy, loaders: list[DataLoader]) -> None:
    """Train as a strategy says, with one loader for each epoch."""
    before = copy.deepcopy(model) if row.pull or row.finish else None
    optimizer = SGD(row.groups(model, row.rate), row.rate, momentum=MOMENTUM, weight_decay=row.weight_decay)
    optimizer.register_step_pre_hook(lambda *_: clip_and_pull(model, before, row))
    peaks = [group["lr"] for group in optimizer.param_groups]
    schedule = OneCycleLR(optimizer, peaks, len(loaders) * len(loaders[0]), cycle_momentum=False)
    for epoch, loader in enumerate(loaders):
        if row.each_epoch:
            row.each_epoch(model, epoch)
        train_one_epoch(model, loader, optimizer, schedule=schedule)
    if row.finish and before is not None:
        row.finish(model, before)


def clip_and_pull(model: nn.Module, before: nn.Module | None, row: Strategy) -> None:
    """Clip the gradient of the loss; then add the pull toward the start, which is not clipped."""
    nn.utils.clip_grad_norm_(model.parameters(), row.max_gradient_norm)
    if row.pull and before is not None:
        pull_to_start(model, before, row.pull)


def _sizes_by_epoch(size: int | Sequence[int], epochs: int) -> list[int]:
    """Return the size of the images in each epoch."""
    check_whole(1, epochs=epochs)
    sizes: list[Any] = list(size) if isinstance(size, tuple | list | range) else [size] * epochs
    for side in sizes:
        check_whole(1, size=side)
    if len(sizes) != epochs:
        raise ValueError(f"size has {len(sizes)} values for {epochs} epochs; give one for each epoch, or one for all")
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
    results = []
    for part, judged in stratified_folds(train, count):
        trial = copy.deepcopy(model)
        _transfer(trial, part, strategy, **options)
        results.append(evaluate(trial, make_loader(judged, eval_transform(model.weights))))
    return results
