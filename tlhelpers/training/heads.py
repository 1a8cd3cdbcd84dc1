"""The head, which is the last layer: a random one, or one made from a classifier that was fitted on features."""

import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from tlhelpers.arguments import check_kind, check_network, check_whole
from tlhelpers.byhand.arguments import require
from tlhelpers.network.resnet import ResNet50


def replace_head(model: ResNet50, num_classes: int) -> None:
    """Replace the head ``model.fc`` by a new linear layer with random weights.

    Parameters
    ----------
    model : ResNet50
        Changed in place.
    num_classes : int
        The number of classes of the new task.

    Raises
    ------
    ValueError
        If there are fewer than two classes.
    """
    check_network(model, "fc")
    check_whole(2, num_classes=num_classes)
    model.fc = nn.Linear(model.fc.in_features, num_classes, device=model.fc.weight.device)
    if hasattr(model, "classes"):
        model.classes = None  # the names were those of the old head


def check_fitted(classifier: object) -> None:
    """Raise ValueError if a value is no logistic regression that was fitted."""
    remedy = "give what fit_probe(model, photos.train) returns"
    check_kind("classifier", classifier, LogisticRegression, "be a LogisticRegression", remedy)
    value = "a LogisticRegression without coefficients"
    require(hasattr(classifier, "coef_"), "classifier", value, "be fitted", remedy)


def head_from_classifier(model: ResNet50, classifier: LogisticRegression) -> None:
    """Replace the head ``model.fc`` by a classifier that was fitted on the features of the network.

    Fine-tuning then starts where the linear probe ended. With a random head, the first gradients would distort the
    features. Source: Kumar et al., "Fine-Tuning can Distort Pretrained Features and Underperform
    Out-of-Distribution", 2022 (LP-FT: linear probing, then fine-tuning).

    Parameters
    ----------
    model : ResNet50
        Changed in place.
    classifier : LogisticRegression
        Fitted on features of shape (N, ``model.fc.in_features``).

    Raises
    ------
    ValueError
        If it was fitted on features of another size, or on labels that are not 0, 1, 2, ...
    """
    check_network(model, "fc")
    check_fitted(classifier)
    weight, bias = torch.from_numpy(classifier.coef_), torch.from_numpy(classifier.intercept_)
    labels = classifier.classes_.tolist()
    if labels != list(range(len(labels))):
        raise ValueError(
            f"classifier was fitted on the labels {labels}; they must be 0, 1, 2, ... without a gap, because output i "
            "of the head is class i; fit it on class numbers"
        )
    if weight.shape[1] != model.fc.in_features:
        raise ValueError(
            f"classifier takes {weight.shape[1]} features; it must take {model.fc.in_features} as the head does; "
            "fit it on the features of layer 'avgpool'"
        )
    if len(weight) == 1:  # two classes have one row z, and its sigmoid is the softmax of (-z/2, z/2)
        weight, bias = torch.cat([-weight, weight]) / 2, torch.cat([-bias, bias]) / 2
    replace_head(model, len(weight))
    with torch.no_grad():
        model.fc.weight.copy_(weight)
        model.fc.bias.copy_(bias)
