"""Transfer in one call: a probe on frozen features, fine-tuning that begins with it, and training from scratch."""

import copy
from collections.abc import Sequence

import torch
from torch import nn

from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import PhotoDataset
from tlhelpers.photos.folds import stratified_folds
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import eval_transform, train_transform
from tlhelpers.training.freezing import freeze_batch_norm, freeze_below, train_only, unfreeze
from tlhelpers.training.heads import head_from_classifier, replace_head
from tlhelpers.training.loop import Evaluation, evaluate, train_one_epoch
from tlhelpers.training.probe import fit_probe
from tlhelpers.training.regularization import average_weights, decay_to_start, rates_by_stage

PEAK_RATES = {  # by strategy; what trains little, or from random numbers, needs larger steps
    "linear probe": 0.0,
    "WiSE-FT": 3e-3,
    "frozen batch norm": 3e-3,
    "LP-FT": 3e-3,
    "gradual unfreezing": 3e-3,
    "discriminative rates": 1e-2,  # of the head
    "L2-SP": 3e-3,
    "batch norm only": 1e-2,
    "bias only": 1e-2,
    "full": 3e-3,
    "from scratch": 3e-3,
}
LONGEST = 1.0  # length of a gradient; a longer one is cut to it
PULL = 1.0  # of L2-SP, back to where it began; by cross-validation 10, 30 and 100 were worse
UNFROZEN_FROM = ("layer4", "layer3", "layer2", "layer1", "stem")  # by gradual unfreezing, epoch for epoch


def transfer(
    model: ResNet50,
    train: PhotoDataset,
    strategy: str = "WiSE-FT",
    *,
    epochs: int = 3,
    peak_rate: float | None = None,
    size: int | Sequence[int] | None = None,
    batch_size: int = 32,
) -> None:
    """Teach a pretrained network new classes, by one of eleven strategies.

    "linear probe" fits a head and leaves the body as it is. Eight begin there and go on training: "LP-FT" everything;
    "frozen batch norm" all but those; "WiSE-FT" the same, and in the end every number goes half the way back to where
    it began; "L2-SP" everything, pulled back at every step; "gradual unfreezing" from layer4 on, with each epoch one
    stage more; "discriminative rates" everything, early stages more slowly; "batch norm only" and "bias only" what
    their names say. "full" begins with a random head, and "from scratch" with nothing but random numbers.

    Parameters
    ----------
    model : ResNet50
        With its ``weights``, as ``load_resnet50`` gives it. Changed in place.
    train : PhotoDataset
        Two or more photos of each class. Its transform is not used.
    strategy : str
        One of ``PEAK_RATES``.
    epochs : int
    peak_rate : float, optional
        The largest learning rate of the one cycle (that of the head, for "discriminative rates"), in place of the
        strategy's own.
    size : int or sequence of int, optional
        Side of the images that are trained with, in pixels; that of the weights if not given. The work goes with its
        square. Of several, one for each epoch: small ones first, as (128, 160, 192), take less time.
    batch_size : int

    Raises
    ------
    ValueError
        If there is no such strategy, a number is not positive, there are not as many sizes as epochs, or photos are
        missing as for ``fit_probe``.
    RuntimeError
        If the loss is not finite.
    """
    if strategy not in PEAK_RATES:
        raise ValueError(f"strategy is {strategy!r}; it must be one of {', '.join(PEAK_RATES)}")
    rate = PEAK_RATES[strategy] if peak_rate is None else peak_rate
    size = model.weights.crop if size is None else size
    sizes = [size] * epochs if isinstance(size, int) else list(size)
    for name, number in (("epochs", epochs), ("peak_rate", rate), *(("size", size) for size in sizes)):
        if not number > 0 and strategy != "linear probe":
            raise ValueError(f"{name} is {number}; it must be positive")
    if len(sizes) != epochs:
        raise ValueError(f"there are {len(sizes)} sizes for {epochs} epochs; give one for each, or one for all")
    _begin(model, train, strategy)
    if strategy == "linear probe":
        return
    start = copy.deepcopy(model) if strategy == "WiSE-FT" else None
    transforms = [train_transform(model.weights, size=size) for size in sizes]
    loaders = [make_loader(train, transform, batch_size=batch_size, shuffle=True) for transform in transforms]
    groups = rates_by_stage(model, rate) if strategy == "discriminative rates" else [{"params": model.parameters()}]
    optimizer = torch.optim.SGD(groups, rate, momentum=0.9, weight_decay=0 if strategy == "L2-SP" else 1e-4)
    optimizer.register_step_pre_hook(lambda *_: _clip(model))
    if strategy == "L2-SP":
        decay_to_start(optimizer, PULL)
    peaks = [group["lr"] for group in optimizer.param_groups]
    steps = {"epochs": epochs, "steps_per_epoch": len(loaders[0])}
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peaks, **steps, cycle_momentum=False)
    for epoch, loader in enumerate(loaders):
        if strategy == "gradual unfreezing":
            freeze_below(model, UNFROZEN_FROM[min(epoch, 4)])
        train_one_epoch(model, loader, optimizer, schedule=schedule)
    if strategy == "WiSE-FT":
        average_weights(model, start)


def _clip(model: ResNet50) -> None:
    """Shorten the gradient, all parameters taken together, to ``LONGEST`` if it is longer."""
    nn.utils.clip_grad_norm_(model.parameters(), LONGEST)


def _begin(model: ResNet50, train: PhotoDataset, strategy: str) -> None:
    """Bring head and body to where a strategy starts, and freeze what it does not train."""
    unfreeze(model)
    if strategy in ("full", "from scratch"):
        replace_head(model, len(train.classes))
    else:
        head_from_classifier(model, fit_probe(model, train))
    if strategy == "from scratch":
        model.load_state_dict(ResNet50(len(train.classes)).state_dict())
    elif strategy == "linear probe":
        freeze_below(model, "head")
    elif strategy in ("frozen batch norm", "WiSE-FT"):
        freeze_batch_norm(model)
    elif strategy.endswith(" only"):
        train_only(model, strategy.removesuffix(" only"))


def cross_validate(
    model: ResNet50, train: PhotoDataset, strategy: str, *, count: int = 5, **options
) -> list[Evaluation]:
    """Judge a strategy by the training photos alone, each of them once, by a copy that was not trained on it.

    Parameters
    ----------
    model : ResNet50
        Left as it is.
    train : PhotoDataset
    strategy : str
        As for ``transfer``; so are further options.
    count : int
        Of the folds.

    Returns
    -------
    list of Evaluation
        One for each fold, with loss and accuracy.

    Raises
    ------
    ValueError
        As ``transfer`` and ``stratified_folds``.
    """
    found = []
    for part, judged in stratified_folds(train, count):
        trial = copy.deepcopy(model)
        transfer(trial, part, strategy, **options)
        found.append(evaluate(trial, make_loader(judged, eval_transform(model.weights))))
    return found
