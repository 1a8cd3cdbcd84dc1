"""What is trained, what stays, and how fast: freezing by stage or kind, a fitted head, rates by stage, a pull back."""

import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.optim import Optimizer

from tlhelpers.resnet import ResNet50


def freeze(module: nn.Module) -> None:
    """Stop training a module: its parameters get no gradient, its batch norms keep their statistics.

    The second half is done by ``train_one_epoch``, which leaves frozen batch norms in eval mode.

    Examples
    --------
    >>> layer = nn.Linear(3, 2); freeze(layer); count_parameters(layer)
    (0, 8)
    """
    for parameter in module.parameters():
        parameter.requires_grad = False


def unfreeze(module: nn.Module) -> None:
    """Train a module again."""
    for parameter in module.parameters():
        parameter.requires_grad = True


def freeze_batch_norm(model: nn.Module) -> None:
    """Freeze all batch norms of a model, so that it goes on normalising as it was pretrained to.

    The statistics of some hundred photos, cut at random, are others than those of the photos to be judged.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)); freeze_batch_norm(model); count_parameters(model)
    (16, 24)
    """
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            freeze(module)


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """Return how many numbers are trained, and how many there are."""
    counts = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(n for n, trained in counts if trained), sum(n for n, _ in counts)


def replace_head(model: ResNet50, num_classes: int) -> None:
    """Put a new, randomly initialised linear layer in place of ``model.fc``.

    Parameters
    ----------
    model : ResNet50
        Changed in place.
    num_classes : int
        Of the new task.

    Raises
    ------
    ValueError
        If there are fewer than two classes.
    """
    if num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}; there must be 2 or more classes to tell apart")
    model.fc = nn.Linear(model.fc.in_features, num_classes, device=model.fc.weight.device)


def head_from_classifier(model: ResNet50, classifier: LogisticRegression) -> None:
    """Put a classifier that was fitted on the network's features in place of ``model.fc``.

    Fine-tuning then starts where the linear probe ended, instead of from random numbers whose first errors
    would spoil the features (Kumar et al., "Fine-Tuning can Distort Pretrained Features", 2022: LP-FT).

    Parameters
    ----------
    model : ResNet50
        Changed in place.
    classifier : LogisticRegression
        Fitted on (N, in_features) features.

    Raises
    ------
    ValueError
        If it was fitted on features of another size.
    """
    weight, bias = torch.from_numpy(classifier.coef_), torch.from_numpy(classifier.intercept_)
    if weight.shape[1] != model.fc.in_features:
        raise ValueError(
            f"the classifier was fitted on {weight.shape[1]} features, but the head takes {model.fc.in_features}; "
            "fit it on the features of layer 'avgpool'"
        )
    if len(weight) == 1:  # two classes: one row z, whose sigmoid is the softmax of (-z/2, z/2)
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    replace_head(model, len(weight))
    with torch.no_grad():
        model.fc.weight.copy_(weight)
        model.fc.bias.copy_(bias)


def stages(model: ResNet50) -> dict[str, list[nn.Module]]:
    """Return the parts of a ResNet with learned numbers, from the image to the head: stem, layer1 to layer4, head."""
    parts = {"stem": [model.conv1, model.bn1]}
    parts |= {f"layer{number}": [getattr(model, f"layer{number}")] for number in (1, 2, 3, 4)}
    return parts | {"head": [model.fc]}


def freeze_below(model: ResNet50, stage: str) -> None:
    """Freeze all stages before the one named, and train it and what follows.

    Parameters
    ----------
    model : ResNet50
        Changed in place.
    stage : str
        "stem" (which freezes nothing), "layer1" to "layer4", or "head" (a linear probe).

    Raises
    ------
    ValueError
        If there is no such stage.
    """
    parts = stages(model)
    if stage not in parts:
        raise ValueError(f"stage is {stage!r}; it must be one of {', '.join(parts)}")
    below = True
    for name, modules in parts.items():
        below = below and name != stage
        for module in modules:
            (freeze if below else unfreeze)(module)


def train_only(model: ResNet50, kind: str) -> None:
    """Train the numbers of one kind, and the head; freeze all others.

    Parameters
    ----------
    model : ResNet50
        Changed in place.
    kind : str
        "batch norm": its scales and shifts (Frankle and others, "Training BatchNorm and only BatchNorm", 2021), or
        "bias": its shifts alone (Ben Zaken and others, "BitFit", 2022). The running statistics move with both.

    Raises
    ------
    ValueError
        If the kind is neither.
    """
    wanted = {"batch norm": ("weight", "bias"), "bias": ("bias",)}
    if kind not in wanted:
        raise ValueError(f"kind is {kind!r}; it must be 'batch norm' or 'bias'")
    freeze(model)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for name in wanted[kind]:
                getattr(module, name).requires_grad = True
    unfreeze(model.fc)


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
