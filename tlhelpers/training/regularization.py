"""What is trained, what stays, and how fast: freezing by stage or kind, a fitted head, rates by stage, a pull back."""

import torch
from torch import nn
from torch.optim import Optimizer

from tlhelpers.network.resnet import ResNet50
from tlhelpers.training.freezing import (
    stages,
)


def rates_by_stage(model: ResNet50, lr: float, *, decay: float = 0.3) -> list[dict]:
    """Return parameter groups for an optimizer: ``lr`` for the head, and ``decay`` times less for each stage below.

    Early stages are general and shall change little, late ones belong to the old task (Howard and Ruder, "Universal
    language model fine-tuning", 2018, section 3.2: discriminative fine-tuning).

    Parameters
    ----------
    model : ResNet50
    lr : float
        Of the head.
    decay : float
        Above 0, at most 1.

    Returns
    -------
    list of dict
        For ``torch.optim.SGD`` and its like, from the stem to the head.

    Raises
    ------
    ValueError
        If ``decay`` is out of range.
    """
    if not 0 < decay <= 1:
        raise ValueError(f"decay is {decay}; it must lie above 0 and be at most 1")
    groups = [[p for module in modules for p in module.parameters()] for modules in stages(model).values()]
    return [
        {"params": group, "lr": lr * decay**above}
        for above, group in zip(range(len(groups))[::-1], groups, strict=True)
    ]


def decay_to_start(optimizer: Optimizer, strength: float) -> None:
    """Let every step pull the parameters back to where they are now, in place of to zero.

    Weight decay forgets what pretraining found; this does not (Li, Grandvalet, Davoine, "Explicit inductive bias for
    transfer learning", 2018: L2-SP, equation 3). Call it before the training; the optimizer needs no decay then.

    Parameters
    ----------
    optimizer : Optimizer
        Changed in place.
    strength : float
        Times the way from the start, added to the gradient.

    Raises
    ------
    ValueError
        If ``strength`` is not positive.
    """
    if not strength > 0:
        raise ValueError(f"strength is {strength}; it must be positive, or leave the pull out")
    starts = [(p, p.detach().clone()) for group in optimizer.param_groups for p in group["params"]]

    def pull(*_) -> None:
        for parameter, start in starts:
            if parameter.grad is not None:
                parameter.grad.add_(parameter.detach() - start.to(parameter.device), alpha=strength)

    optimizer.register_step_pre_hook(pull)


def average_weights(model: nn.Module, start: nn.Module) -> None:
    """Bring a model half the way back to where its training started.

    The mean of a network's weights before and after fine-tuning is often better than both: what the training
    photos taught by chance is halved, and what was known before comes back (Wortsman and others, "Robust fine-tuning of
    zero-shot models", 2022: WiSE-FT, with their recommended share of one half). Freeze the batch norms in training:
    statistics of another network would not fit the mean.

    Parameters
    ----------
    model : Module
        After the training. Changed in place.
    start : Module
        A copy of it from before.

    Examples
    --------
    >>> model, start = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.constant_(model.weight, 3.0), nn.init.constant_(start.weight, 1.0)
    >>> average_weights(model, start); model.weight.item()
    2.0
    """
    before = dict(start.named_parameters())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.lerp_(before[name].to(parameter.device), 0.5)
