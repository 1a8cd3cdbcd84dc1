"""What is frozen and what is trained: by module, by stage, by kind of parameter; batch norms are frozen here too."""

from torch import nn

from tlhelpers.arguments import check_network
from tlhelpers.network.resnet import ResNet50

KINDS = {"batch norm": ("weight", "bias"), "bias": ("bias",)}  # parameters of the batch norms that are trained


def freeze(module: nn.Module) -> None:
    """Stop training the parameters of a module.

    To keep the statistics of its batch norms too, use ``train_mode`` instead of ``model.train()``, as
    ``train_one_epoch`` does.

    Examples
    --------
    >>> layer = nn.Linear(3, 2); freeze(layer); count_parameters(layer)
    (0, 8)
    """
    check_network(module, name="module")
    for parameter in module.parameters():
        parameter.requires_grad = False


def unfreeze(module: nn.Module) -> None:
    """Train all parameters of a module again."""
    check_network(module, name="module")
    for parameter in module.parameters():
        parameter.requires_grad = True


def train_mode(model: nn.Module) -> None:
    """Put a model into training mode, except the modules whose parameters are all frozen.

    ``requires_grad=False`` alone does not freeze a batch norm: in training mode, its running statistics change with
    every batch. So a module that has parameters of its own, none of them trained, stays in eval mode.
    """
    check_network(model)
    model.train()
    for module in model.modules():
        own = list(module.parameters(recurse=False))
        if own and not any(parameter.requires_grad for parameter in own):
            module.eval()


def keep_statistics(model: nn.Module) -> None:
    """Put a model into training mode as ``train_mode`` does, but leave all batch norms in eval mode.

    Their scales and shifts can be trained, while they normalize with the means and variances of the pretraining. With
    those of the batches, the running averages would lag behind the weights in a training of a few hundred steps.
    """
    train_mode(model)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def count_parameters(model: nn.Module) -> tuple[int, int]:
    """Return the number of trained parameters and the number of all parameters."""
    check_network(model)
    counts = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    return sum(n for n, trained in counts if trained), sum(n for n, _ in counts)


def freeze_batch_norm(model: nn.Module) -> None:
    """Freeze all batch norms of a model, so that it normalizes as it did in pretraining.

    Statistics from a few hundred random crops differ from those of the whole photos that the model is tested on.

    Examples
    --------
    >>> model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)); freeze_batch_norm(model); count_parameters(model)
    (16, 24)
    """
    check_network(model)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            freeze(module)


def freeze_below(model: ResNet50, stage: str) -> None:
    """Freeze all stages before the one named; train that one and all that follow.

    Parameters
    ----------
    model : ResNet50
        Changed in place.
    stage : str
        "stem" (nothing is frozen), "layer1" to "layer4", or "head" (a linear probe).

    Raises
    ------
    ValueError
        If there is no such stage.
    """
    check_network(model, "stages")
    stages = model.stages()
    if stage not in list(stages):
        raise ValueError(f"stage is {stage!r}; it must be one of {', '.join(stages)}")
    below = True
    for name, modules in stages.items():
        below = below and name != stage
        for module in modules:
            (freeze if below else unfreeze)(module)


def unfreeze_one_more_stage(model: ResNet50, epoch: int) -> None:
    """Train the head and layer4 in epoch 0, layer3 as well in epoch 1, and so on down to the stem; freeze the rest.

    Source: Howard and Ruder, "Universal Language Model Fine-tuning for Text Classification", 2018, section 3.3 (gradual
    unfreezing).

    Parameters
    ----------
    model : ResNet50
        Changed in place.
    epoch : int
        Counted from 0.
    """
    from_the_top = list(model.stages())[-2::-1]  # layer4, ..., stem
    freeze_below(model, from_the_top[min(epoch, len(from_the_top) - 1)])


def train_only(model: ResNet50, kind: str) -> None:
    """Train the head and one kind of parameters; freeze all others.

    Parameters
    ----------
    model : ResNet50
        Changed in place.
    kind : str
        "batch norm": the scales and shifts of the batch norms (Frankle et al., "Training BatchNorm and Only BatchNorm:
        On the Expressive Power of Random Features in CNNs", 2021). "bias": their shifts alone (Ben Zaken et al.,
        "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked Language-models", 2022). With
        both, the running statistics of the batch norms change as well.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    check_network(model, "fc")
    if kind not in list(KINDS):
        raise ValueError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}")
    freeze(model)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for name in KINDS[kind]:
                getattr(module, name).requires_grad = True
    unfreeze(model.fc)
