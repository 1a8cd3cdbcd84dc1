"""The last layer by hand: scores, probabilities, cross-entropy and its gradient.

Source: the article's formula p(c|x) = softmax(W a + b), with a the features of one image.
"""

import torch
from torch import Tensor


def linear(features: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return one score for each image and class: W a + b.

    Parameters
    ----------
    features : (N, D) tensor
        One row a for each image.
    weight : (C, D) tensor
        One row for each class.
    bias : (C,) tensor, optional

    Returns
    -------
    (N, C) tensor
        The logits.

    Raises
    ------
    ValueError
        If a shape is not one of the above, or D or C does not agree.

    Examples
    --------
    >>> linear(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0, 1.0], [0.0, 3.0]]), torch.tensor([0.5, 0.0]))
    tensor([[3.5000, 6.0000]])
    """
    if features.ndim != 2 or weight.ndim != 2 or features.shape[1] != weight.shape[1]:
        raise ValueError(
            f"features must be (N, D) and weight (C, D) with the same D, got {tuple(features.shape)} and "
            f"{tuple(weight.shape)}: transpose weight, or flatten the features to one row an image"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise ValueError(
            f"bias must have shape ({len(weight)},), one number for each row of weight, "
            f"got {tuple(bias.shape)}: reshape it"
        )
    logits = features @ weight.T  # (N, C)
    return logits if bias is None else logits + bias


def softmax(logits: Tensor) -> Tensor:
    """Turn scores into probabilities, over the last dimension.

    The largest logit is subtracted first. That changes no probability (numerator and denominator are
    divided by the same number) and no exponential can overflow, since none is above exp(0) = 1.

    Parameters
    ----------
    logits : (..., C) tensor of floats

    Returns
    -------
    (..., C) tensor
        Positive, sum 1 over the last dimension.

    Raises
    ------
    ValueError
        If there is no class to share between, or the values are not floats.

    Examples
    --------
    >>> softmax(torch.tensor([1000.0, 1000.0]))
    tensor([0.5000, 0.5000])
    """
    exponentials = torch.exp(_shifted(logits))  # (..., C), the largest is 1
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def log_softmax(logits: Tensor) -> Tensor:
    """Return the logarithms of the probabilities, over the last dimension.

    Written without taking the logarithm of a probability, which may have been rounded to zero.

    Parameters
    ----------
    logits : (..., C) tensor of floats

    Returns
    -------
    (..., C) tensor
        At most zero.

    Raises
    ------
    ValueError
        As in ``softmax``.

    Examples
    --------
    >>> log_softmax(torch.tensor([0.0, -1000.0]))
    tensor([    0., -1000.])
    """
    shifted = _shifted(logits)  # (..., C)
    return shifted - torch.log(torch.exp(shifted).sum(dim=-1, keepdim=True))


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean surprise, -log of the probability given to the right class.

    Parameters
    ----------
    logits : (N, C) tensor of floats
    labels : (N,) tensor of integers
        Class numbers from 0 to C - 1.

    Returns
    -------
    tensor of no dimension
        In nats: log C for a model that knows nothing.

    Raises
    ------
    ValueError
        If a shape is not one of the above, the labels are not integers, or one is out of range.

    Examples
    --------
    >>> cross_entropy(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    """
    _check_labels(logits, labels)
    rows = torch.arange(len(labels), device=labels.device)
    return -log_softmax(logits)[rows, labels.long()].sum() / len(labels)


def cross_entropy_grad(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient of ``cross_entropy`` with respect to the logits: (p - onehot) / N.

    Parameters
    ----------
    logits : (N, C) tensor of floats
    labels : (N,) tensor of integers
        Class numbers from 0 to C - 1.

    Returns
    -------
    (N, C) tensor
        Each row sums to zero.

    Raises
    ------
    ValueError
        As in ``cross_entropy``.

    Examples
    --------
    >>> cross_entropy_grad(torch.zeros(1, 2), torch.tensor([1]))
    tensor([[ 0.5000, -0.5000]])
    """
    _check_labels(logits, labels)
    gradient = softmax(logits)  # (N, C)
    gradient[torch.arange(len(labels), device=labels.device), labels.long()] -= 1
    return gradient / len(labels)


def _shifted(logits: Tensor) -> Tensor:
    """Return the logits less the largest of their row: (..., C), at most zero."""
    if logits.ndim == 0 or logits.shape[-1] == 0:
        raise ValueError(
            f"logits must have at least one class in their last dimension, got shape {tuple(logits.shape)}: "
            "give one score for each class"
        )
    if not logits.is_floating_point():
        raise ValueError(f"logits must hold floats, got {logits.dtype}: convert them with logits.float()")
    return logits - logits.amax(dim=-1, keepdim=True)


def _check_labels(logits: Tensor, labels: Tensor) -> None:
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or 0 in logits.shape:
        raise ValueError(
            "logits must be (N, C) and labels (N,) with the same N, none of them 0, got "
            f"{tuple(logits.shape)} and {tuple(labels.shape)}: "
            "give one row of scores and one class number for each image"
        )
    if labels.is_floating_point() or labels.is_complex() or labels.dtype is torch.bool:
        raise ValueError(f"labels must be class numbers, got {labels.dtype}: convert them with labels.long()")
    classes = logits.shape[1]
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise ValueError(
            f"labels must lie between 0 and {classes - 1} for {classes} logits a row, got {wrong[0].item()}: "
            "count classes from 0, or give the model more outputs"
        )
