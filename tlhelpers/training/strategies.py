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
        The largest learning rate of the one-cycle schedule (of the head, where stages have rates of their own). None:
        nothing is trained after ``start``. Strategies that train few parameters need a larger rate.
    freeze : callable
        (model): what stays as it is in training.
    groups : callable
        (model, rate): the parameter groups of the optimizer.
    weight_decay : float
        Pulls every parameter toward 0.
    pull : float
        Pulls every parameter toward the value that it had at the start of the training.
    max_gradient_norm : float
        A longer gradient of the loss, all parameters taken together, is shortened to this length. The pull is added
        after that and is not clipped; nor is the weight decay, which the optimizer adds.
    each_epoch : callable, optional
        (model, epoch): what happens before each epoch, counted from 0.
    finish : callable, optional
        (model, copy of the model from before the training): what happens at the end.
    """

    start: Callable[[ResNet50, PhotoDataset], None] = fit_head
    peak_rate: float | None = 3e-3
    freeze: Callable[[ResNet50], None] = unfreeze
    groups: Callable[[ResNet50, float], list[dict]] = one_rate
    weight_decay: float = 1e-4
    pull: float = 0.0
    max_gradient_norm: float = 1.0
    each_epoch: Callable[[ResNet50, int], None] | None = None
    finish: Callable[[nn.Module, nn.Module], None] | None = None

    def __post_init__(self) -> None:
        """Refuse numbers that would silently spoil the training."""
        rate = 1 if self.peak_rate is None else self.peak_rate
        fits = isinstance(rate, Real) and 0 < rate < math.inf
        require(fits, "peak_rate", shown(rate), "be positive and finite", "give None to train nothing")
        if not self.max_gradient_norm > 0:
            raise ValueError(
                f"max_gradient_norm is {self.max_gradient_norm}; it must be positive; give math.inf to clip nothing"
            )
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


# A row says what differs from LP-FT: fine-tune the whole network after a linear probe. Every row clips the gradient of
# the loss to length 1; only L2-SP has a pull, which is not clipped.
STRATEGIES = {
    "linear probe": Strategy(freeze=partial(freeze_below, stage="head"), peak_rate=None),
    # Wortsman et al., "Robust fine-tuning of zero-shot models", 2022
    "WiSE-FT": Strategy(freeze=freeze_batch_norm, finish=average_weights),
    "frozen batch norm": Strategy(freeze=freeze_batch_norm),
    # Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution", 2022
    "LP-FT": Strategy(),
    # Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, sections 3.3 and 3.2
    "gradual unfreezing": Strategy(each_epoch=unfreeze_one_more_stage),
    "discriminative rates": Strategy(groups=rates_by_stage, peak_rate=1e-2),
    # Li et al., "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", 2018. In cross-validation,
    # pulls of 10, 30 and 100 were worse than 1.
    "L2-SP": Strategy(pull=1.0, weight_decay=0.0),
    # Frankle et al., "Training BatchNorm and Only BatchNorm", 2021
    "batch norm only": Strategy(freeze=partial(train_only, kind="batch norm"), peak_rate=1e-2),
    # Ben Zaken et al., "BitFit: Simple Parameter-efficient Fine-tuning", 2022
    "bias only": Strategy(freeze=partial(train_only, kind="bias"), peak_rate=1e-2),
    "full": Strategy(start=random_head),
    "from scratch": Strategy(start=random_network),
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
