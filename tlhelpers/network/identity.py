"""What a network is besides its weights: its head, its strides, its preprocessing, and where its weights come from.

Weights alone do not tell this. A network with the stride in the wrong convolution, or with the preprocessing of other
weights, computes something that looks right and is not. So a checkpoint carries the description of its network.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from torch import Tensor, nn

from tlhelpers.network.resnet import ResNet50
from tlhelpers.network.weight_files import content_hash
from tlhelpers.network.weights import WeightsEntry


def body_hash(state: Mapping[str, Tensor]) -> str:
    """Return the ``content_hash`` of all weights and statistics but those of the head."""
    return content_hash({name: values for name, values in state.items() if not name.startswith("fc.")})


def describe_network(model: nn.Module) -> dict[str, Any] | None:
    """Return what is needed to build a ResNet-50 anew, in plain values; None for any other network.

    Parameters
    ----------
    model : nn.Module
        With or without ``weights`` and ``classes``. A head of another kind than a linear layer has no description, and
        its number of classes is None.
    """
    if not isinstance(model, ResNet50):
        return None
    weights = getattr(model, "weights", None)
    return {
        "num_classes": model.fc.out_features if type(model.fc) is nn.Linear else None,
        "stride_in": model.stride_in,
        "weights": asdict(weights) if weights else None,
        "pretrained_body": model.pretrained_body,
    }


def is_description(value: Any) -> bool:
    """Tell whether a value from a file describes a ResNet-50 as ``describe_network`` does."""
    try:
        weights, body = value["weights"], value["pretrained_body"]
        ours = isinstance(value["num_classes"], int | None) and value["stride_in"] in ("conv1", "conv2")
        return (
            ours and (body is None or isinstance(body, str)) and (weights is None or _is_row(WeightsEntry(**weights)))
        )
    except (KeyError, TypeError):
        return False


def is_names(value: Any) -> bool:
    """Tell whether a value from a file can be the names of the classes; None if they have no names."""
    return value is None or (isinstance(value, list) and all(isinstance(name, str) for name in value))


def _is_row(weights: WeightsEntry) -> bool:
    sizes, colors = (weights.resize, weights.crop), (*weights.mean, *weights.std)
    known = all(isinstance(size, int) and size > 0 for size in sizes)
    return known and len(colors) == 6 and all(isinstance(number, int | float) for number in colors)


def build_network(description: dict[str, Any], classes: list[str] | None) -> ResNet50:
    """Return the ResNet-50 of a description, with random weights.

    Parameters
    ----------
    description : dict
        The result of ``describe_network``.
    classes : list of str, optional
        The names of the classes.
    """
    model = ResNet50(description["num_classes"], stride_in=description["stride_in"])
    for name, value in describe_attributes(description, classes).items():
        setattr(model, name, value)
    return model


def describe_attributes(description: dict[str, Any] | None, classes: list[str] | None) -> dict[str, Any]:
    """Return what a described network has besides its layers, by the names of its attributes."""
    if description is None:
        return {}
    attributes = {"classes": classes, "pretrained_body": description["pretrained_body"]}
    weights = description["weights"]
    return attributes | ({"weights": WeightsEntry(**weights)} if weights else {})


def was_trained_further(model: nn.Module) -> bool:
    """Tell whether the body of a pretrained network differs from the one that was loaded."""
    loaded = getattr(model, "pretrained_body", None)
    return loaded is not None and body_hash(model.state_dict()) != loaded


def check_same_network(path: Any, description: dict[str, Any] | None, model: nn.Module) -> None:
    """Raise ValueError if a network would compute something else with the weights of a checkpoint than their own did.

    Parameters
    ----------
    path : str or Path
        Of the checkpoint, for messages.
    description : dict or None
        The result of ``describe_network`` for the network of the checkpoint.
    model : nn.Module
        The network that the weights are to be loaded into.
    """
    ours = describe_network(model)
    if description is None or ours is None:
        return
    for name in ("num_classes", "stride_in"):
        if description[name] != ours[name]:
            raise ValueError(
                f"{path} holds a network with {name}={description[name]!r}, and the model has {ours[name]!r}; build it "
                f"alike, or let load_resnet50({str(path)!r}) build it"
            )
    if description["weights"] and ours["weights"]:
        for name in ("resize", "crop", "mean", "std"):
            theirs, here = description["weights"][name], ours["weights"][name]
            if tuple(np.ravel(theirs)) != tuple(np.ravel(here)):
                raise ValueError(
                    f"{path} was trained on photos with {name} {theirs}, and the model's weights have {here}; let "
                    f"load_resnet50({str(path)!r}) build the network"
                )
