"""Cross-entropy by hand, with all its options, and its gradient.

Each row of logits pays for the surprise -log p of its classes. How much it pays for which class is its row of
*shares*: 1 for the right class and 0 for the others, unless weights, smoothing or ignored rows change that.
"""

import math

import torch
from torch import Tensor

from tlhelpers.byhand.arguments import check_floats, check_grad
from tlhelpers.byhand.softmax import log_softmax, softmax


def cross_entropy(
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """Return the surprise -log p at the right class, by default the mean over the images.

    Parameters
    ----------
    logits : (N, C) tensor of floats
        One row an image; one image alone is logits[None].
    targets : (N,) tensor of integers, or (N, C) tensor of floats
        Class numbers from 0 to C - 1, or a probability for each class. That these sum to 1 is not checked.
    class_weights : (C,) tensor, optional
        Factors on what is paid for each class, of the dtype of the logits.
    ignore_index : int
        Rows with this class number cost nothing and do not count in the mean.
    label_smoothing : float from 0 to 1
        The part of every target that is spread evenly over all C classes.
    reduction : "mean", "sum" or "none"
        With class numbers the mean is weighted: the sum, divided by the class weights of the rows that count (not
        a number if none does). With probabilities the sum is divided by N.

    Returns
    -------
    tensor of no dimension, or (N,) tensor for "none"
        In nats: log C for a model that knows nothing. As ``torch.nn.functional.cross_entropy`` returns, but that a
        class with no share costs nothing even if its logit is minus infinity, where torch may say NaN.

    Raises
    ------
    ValueError
        If a shape, dtype or option is not one of the above, a class number is out of range, or a class is to be
        ignored among probabilities.

    Examples
    --------
    >>> cross_entropy(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    >>> cross_entropy(torch.tensor([[9.0, 0.0]] * 2), torch.tensor([1, -100]), label_smoothing=0.2)
    tensor(8.1001)
    """
    shares, divisor, _ = _shares(logits, targets, class_weights, ignore_index, label_smoothing, reduction)
    logarithms = log_softmax(logits)  # (N, C)
    logarithms = logarithms.masked_fill((shares == 0) & (logarithms == -torch.inf), 0)  # nothing of infinity
    losses = -(shares * logarithms).sum(dim=1)
    return losses if reduction == "none" else losses.sum() / divisor


def cross_entropy_backward(
    grad: Tensor,
    logits: Tensor,
    targets: Tensor,
    *,
    class_weights: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Tensor:
    """Return the gradient of ``cross_entropy`` with respect to the logits: p times the row's sum of shares, less them.

    For plain class numbers that is (p - onehot) / N. Rows that are ignored get zero.

    Parameters
    ----------
    grad : tensor of no dimension, or (N,) tensor for "none"
        Gradient of what follows with respect to the loss: torch.tensor(1.0) if nothing follows.
    logits, targets, class_weights, ignore_index, label_smoothing, reduction
        As ``cross_entropy`` took them.

    Returns
    -------
    (N, C) tensor
        Each row sums to zero.

    Raises
    ------
    ValueError
        As in ``cross_entropy``, or if grad does not have the shape of the loss.

    Examples
    --------
    >>> cross_entropy_backward(torch.tensor(1.0), torch.zeros(1, 2), torch.tensor([1]))
    tensor([[ 0.5000, -0.5000]])
    """
    shares, divisor, kept = _shares(logits, targets, class_weights, ignore_index, label_smoothing, reduction)
    check_grad(grad, logits.shape[:1] if reduction == "none" else (), logits.dtype)
    slopes = softmax(logits) * shares.sum(dim=1, keepdim=True) - shares  # (N, C)
    scale = logits.new_zeros(len(logits)) + grad / divisor  # (N,)
    scale[~kept] = 0  # even if the mean is no number because none was kept
    return slopes * scale[:, None]


def _shares(
    logits: Tensor,
    targets: Tensor,
    class_weights: Tensor | None,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> tuple[Tensor, Tensor | int, Tensor]:
    """Return how much each row pays for each class, (N, C), what the sum is divided by, and which rows count, (N,)."""
    _check_options(logits, class_weights, label_smoothing, reduction)
    weights = logits.new_ones(logits.shape[1]) if class_weights is None else class_weights  # (C,)
    if targets.is_floating_point():
        _check_probabilities(logits, targets, ignore_index)
        kept, wanted = logits.new_ones(len(logits)).bool(), targets
        divisor = kept.sum()
    else:
        labels = _class_numbers(logits, targets, ignore_index)
        kept = labels != ignore_index
        wanted = logits.new_zeros(logits.shape)
        wanted[kept, labels[kept]] = 1
        divisor = (wanted * weights).sum()
        divisor[divisor == 0] = math.nan  # a mean over nothing is no number
    even = kept[:, None].to(logits.dtype) / logits.shape[1]
    shares = weights * ((1 - label_smoothing) * wanted + label_smoothing * even)
    return shares, divisor if reduction == "mean" else 1, kept


def _check_options(logits: Tensor, class_weights: Tensor | None, label_smoothing: float, reduction: str) -> None:
    if logits.ndim != 2 or logits.shape[1] == 0:
        raise ValueError(
            f"logits must be (N, C) with at least one class, got shape {tuple(logits.shape)}: "
            "give one row of scores for each image"
        )
    check_floats(logits, "logits")
    if class_weights is not None and (class_weights.shape != logits.shape[1:] or class_weights.dtype != logits.dtype):
        raise ValueError(
            f"class_weights must be ({logits.shape[1]},) of {logits.dtype}, one number for each class, got "
            f"{tuple(class_weights.shape)} of {class_weights.dtype}: reshape them, or use "
            "class_weights.to(logits.dtype)"
        )
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must lie between 0 and 1, got {label_smoothing}: 0 smooths nothing")
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', got {reduction!r}: use one of these")


def _check_probabilities(logits: Tensor, targets: Tensor, ignore_index: int) -> None:
    if targets.shape != logits.shape or targets.dtype != logits.dtype:
        raise ValueError(
            f"probabilities as targets must be {tuple(logits.shape)} of {logits.dtype} as the logits are, got "
            f"{tuple(targets.shape)} of {targets.dtype}: convert them with targets.to(logits.dtype), or give "
            "class numbers with targets.long()"
        )
    if ignore_index >= 0:
        raise ValueError(
            f"ignore_index means a class number and targets are probabilities, got {ignore_index}: leave it out, "
            "and put zeros in the rows that shall not count"
        )


def _class_numbers(logits: Tensor, targets: Tensor, ignore_index: int) -> Tensor:
    """Return the targets as int64, so that no smaller type can turn ignore_index into a class."""
    if targets.is_complex() or targets.dtype is torch.bool:
        raise ValueError(f"targets must be class numbers, got {targets.dtype}: convert them with targets.long()")
    if targets.shape != logits.shape[:1]:
        raise ValueError(
            f"class numbers as targets must be ({len(logits)},), one for each row of logits, got "
            f"{tuple(targets.shape)}: reshape them; probabilities for each class must be floats, as "
            "targets.to(logits.dtype) makes them"
        )
    labels, classes = targets.long(), logits.shape[1]
    wrong = labels[((labels < 0) | (labels >= classes)) & (labels != ignore_index)]
    if len(wrong):
        raise ValueError(
            f"targets must lie between 0 and {classes - 1} for {classes} logits a row, got {wrong[0].item()}: "
            "count classes from 0, give the model more outputs, or name the number as ignore_index"
        )
    return labels
