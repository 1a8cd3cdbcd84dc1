"""What keeps fine-tuning near the pretrained network: slower early stages, a pull to the start, averaged weights."""

import torch
from torch import nn
from torch.optim import Optimizer

from tlhelpers.arguments import check_network, check_share
from tlhelpers.network.resnet import ResNet50


def one_rate(model: nn.Module, rate: float) -> list[dict]:
    """Return one parameter group for an optimizer: all parameters, with the same learning rate."""
    return [{"params": list(model.parameters()), "lr": rate}]


def rates_by_stage(model: ResNet50, rate: float, *, decay: float = 0.7) -> list[dict]:
    """Return one parameter group for each stage: ``rate`` for the head, times ``decay`` for each stage below it.

    Early stages compute general features, which should change little; late stages are specific to the old task. Source:
    Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, section 3.2
    (discriminative fine-tuning).

    Parameters
    ----------
    model : ResNet50
    rate : float
        The learning rate of the head.
    decay : float
        Above 0, at most 1.

    Returns
    -------
    list of dict
        For ``torch.optim.SGD`` and other optimizers, from the stem to the head.

    Raises
    ------
    ValueError
        If ``decay`` is out of range.
    """
    if not 0 < decay <= 1:
        raise ValueError(f"decay is {decay}; it must be above 0 and at most 1; give 1 for the same rate everywhere")
    stages = [[p for module in modules for p in module.parameters()] for modules in model.stages().values()]
    top = len(stages) - 1
    return [{"params": parameters, "lr": rate * decay ** (top - i)} for i, parameters in enumerate(stages)]


@torch.no_grad()
def pull_to_start(optimizer: Optimizer, model: nn.Module, before: nn.Module, strength: float) -> None:
    """Move each parameter of the body toward its value before the training, after a step of the optimizer.

    It is moved by ``strength`` times the learning rate of the difference. Weight decay pulls to 0 and so forgets what
    pretraining found; this pulls back to it. The head is new and is not pulled. Source: Li, Grandvalet, Davoine,
    "Explicit Inductive Bias for Transfer Learning with Convolutional Networks", 2018, equation 3 (L2-SP); here apart
    from the gradient, as AdamW does it with weight decay.

    Parameters
    ----------
    optimizer : Optimizer
        Its groups tell the learning rate of each parameter.
    model : nn.Module
    before : nn.Module
        A copy of the model from before the training.
    strength : float
    """
    rates = {id(parameter): group["lr"] for group in optimizer.param_groups for parameter in group["params"]}
    for (name, parameter), start in zip(model.named_parameters(), before.parameters(), strict=True):
        if not name.startswith("fc.") and parameter.grad is not None:
            parameter.lerp_(start.to(parameter.device), rates[id(parameter)] * strength)


def average_weights(model: nn.Module, before: nn.Module, *, share: float = 0.5) -> None:
    """Replace the parameters of a model by a weighted mean of themselves and those from before its training.

    The mean is often better than both: what the training photos taught by chance is reduced, and what was known before
    comes back. Freeze the batch norms during training, because running statistics of another network would not fit the
    mean. Source: Wortsman et al., "Robust fine-tuning of zero-shot models", 2022 (WiSE-FT).

    Parameters
    ----------
    model : nn.Module
        After the training. Changed in place.
    before : nn.Module
        A copy of it from before the training.
    share : float
        Of the parameters from before, from 0 to 1; the authors recommend one half.

    Examples
    --------
    >>> model, before = nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)
    >>> _ = nn.init.constant_(model.weight, 3.0), nn.init.constant_(before.weight, 1.0)
    >>> average_weights(model, before); model.weight.item()
    2.0
    """
    check_network(model)
    check_network(before, name="before")
    check_share("share", share, "give 0.5 for the mean of both")
    old = dict(before.named_parameters())
    shapes, theirs = ({name: p.shape for name, p in each.named_parameters()} for each in (model, before))
    if shapes != theirs:
        raise ValueError("before has other parameters than model; it must be a copy of it; make it with copy.deepcopy")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.lerp_(old[name].to(parameter.device), share)
