"""The transfer strategies, one row each. To add a strategy, add a row to ``STRATEGIES``.

``tlhelpers.training.transfer`` runs a row. It depends only on the fields of the row, not on its name.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Real

from torch import nn

from tlhelpers.arguments import shown
from tlhelpers.byhand.arguments import require
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import PhotoDataset
from tlhelpers.training.freezing import (
    freeze_batch_norm,
    freeze_below,
    keep_statistics,
    train_mode,
    train_only,
    unfreeze,
    unfreeze_one_more_stage,
)
from tlhelpers.training.heads import replace_head
from tlhelpers.training.probe import fit_head
from tlhelpers.training.regularization import average_weights, one_rate, rates_by_stage


def random_head(model: ResNet50, train: PhotoDataset) -> None:
    """Keep the pretrained body, and begin with a head of random weights."""
    replace_head(model, len(train.classes))


def random_network(model: ResNet50, train: PhotoDataset) -> None:
    """Begin with random weights everywhere: nothing is transferred."""
    replace_head(model, len(train.classes))
    model.load_state_dict(ResNet50(len(train.classes)).state_dict())


@dataclass(frozen=True)
class Strategy:
    """All that a transfer strategy decides.

    Parameters
    ----------
    start : callable
        (model, training photos): what the head and the body begin with.
    peak_rate : float or None
        The largest learning rate (of the head, where stages have rates of their own): it rises to it in the first tenth
        of the steps, and then falls to 0 like a cosine. None: nothing is trained after ``start``. Strategies that train
        few parameters need a larger rate.
    freeze : callable
        (model): what stays as it is in training.
    mode : callable
        (model): what puts it into training mode. By default batch norms keep the statistics of the pretraining.
    groups : callable
        (model, rate): the parameter groups of the optimizer.
    weight_decay : float
        Pulls every parameter toward 0: in each step by this share times the learning rate.
    pull : float
        The same toward the value that the parameter had at the start of the training; the head is not pulled.
    averaged : bool
        Whether the result has the mean of the parameters over all steps, in place of those after the last step.
    parts : int
        The number of equal parts of the training.
    each_part : callable, optional
        (model, part): what happens before each part, counted from 0.
    finish : callable, optional
        (model, copy of the model from before the training, training photos): what happens at the end.
    """

    start: Callable[[ResNet50, PhotoDataset], None] = fit_head
    peak_rate: float | None = 3e-4
    freeze: Callable[[ResNet50], None] = unfreeze
    mode: Callable[[nn.Module], None] = keep_statistics
    groups: Callable[[ResNet50, float], list[dict]] = rates_by_stage
    weight_decay: float = 0.01
    pull: float = 0.0
    averaged: bool = False
    parts: int = 1
    each_part: Callable[[ResNet50, int], None] | None = None
    finish: Callable[[nn.Module, nn.Module], None] | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that would silently spoil the training."""
        rate = 1 if self.peak_rate is None else self.peak_rate
        fits = isinstance(rate, Real) and 0 < rate < math.inf
        require(fits, "peak_rate", shown(rate), "be positive and finite", "give None to train nothing")
        for name in ("weight_decay", "pull"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must not be negative; give 0 for none")

    @property
    def trains(self) -> bool:
        """Tell whether anything is trained after ``start``."""
        return self.peak_rate is not None

    @property
    def rate(self) -> float:
        """Return the peak rate, or 0 if nothing is trained."""
        return self.peak_rate or 0.0


# A row says what differs from LP-FT: linear probing, then fine-tuning of the whole network, with the statistics of
# pretraining in the batch norms, which a few hundred steps with few photos would not replace by good ones. The default
# of tl.transfer also takes the mean of the weights over the training: on photos of another kind than those of training,
# as solar cells of other modules, the weights of a single step can be good or bad by chance.
STRATEGIES = {
    "linear probe": Strategy(freeze=partial(freeze_below, stage="head"), peak_rate=None),
    # Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", 2022
    "LP-FT": Strategy(),
    # Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018
    "averaged weights": Strategy(averaged=True),
    # Wortsman et al., "Robust fine-tuning of zero-shot models", 2022
    "WiSE-FT": Strategy(finish=average_weights),
    "frozen batch norm": Strategy(freeze=freeze_batch_norm),
    "trained statistics": Strategy(mode=train_mode),
    # Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, sections 3.3 and 3.2
    "gradual unfreezing": Strategy(parts=5, each_part=unfreeze_one_more_stage),
    "one rate": Strategy(groups=one_rate),
    # Li et al., "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", 2018
    "L2-SP": Strategy(pull=0.1, weight_decay=0.0),
    # Frankle et al., "Training BatchNorm and Only BatchNorm", 2021
    "batch norm only": Strategy(freeze=partial(train_only, kind="batch norm"), peak_rate=1e-3),
    # Ben Zaken et al., "BitFit: Simple Parameter-efficient Fine-tuning", 2022
    "bias only": Strategy(freeze=partial(train_only, kind="bias"), peak_rate=1e-3),
    "full": Strategy(start=random_head),
    "from scratch": Strategy(start=random_network, mode=train_mode, groups=one_rate),
}


def find_strategy(strategy: str | Strategy) -> Strategy:
    """Return the row of a name; a row of your own is returned as it is.

    Raises
    ------
    ValueError
        If there is no row of this name.
    """
    if isinstance(strategy, Strategy):
        return strategy
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy is {strategy!r}; it must be one of {', '.join(STRATEGIES)}, or a row of your own")
    return STRATEGIES[strategy]
