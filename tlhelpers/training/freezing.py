"""What is trained, what stays, and how fast: freezing by stage or kind, a fitted head, rates by stage, a pull back."""

from torch import nn

from tlhelpers.network.resnet import ResNet50


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


def train_mode(model: nn.Module) -> None:
    """Put a model into training mode, but for the modules whose parameters are all frozen.

    ``requires_grad=False`` alone does not freeze a batch norm: in training mode its running statistics move
    with every batch. So a module that has parameters of its own, none of which is trained, stays in eval mode.
    """
    model.train()
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.eval()
