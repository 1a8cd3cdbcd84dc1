"""What is trained, what stays, and how fast: freezing by stage or kind, a fitted head, rates by stage, a pull back."""

import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from tlhelpers.network.resnet import ResNet50


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
