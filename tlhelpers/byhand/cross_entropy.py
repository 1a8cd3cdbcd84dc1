"""Cross-entropy by hand, with all its options, and its gradient.

The loss of a row is the sum of -t log p over the classes. The target t is 1 for the right class and 0 for the others,
unless probabilities, class weights, label smoothing or ignored rows change it: these are the *weighted targets*.
"""

import math

import torch
from torch import Tensor

from tlhelpers.byhand.arguments import check_dtype, check_floats, check_grad, check_shape, require
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
    """Return the loss -log p of the right class, by default the mean over the images.

    Parameters
    ----------
    logits : (N, C) tensor of floats
        One row per image; one image alone is logits[None].
    targets : (N,) tensor of integers, or (N, C) tensor of floats
        Class numbers from 0 to C - 1, or a probability for each class. That these sum to 1 is not checked.
    class_weights : (C,) tensor, optional
        A factor on the loss of each class, in the dtype of the logits.
    ignore_index : int
        Rows with this class number have no loss and do not count in the mean.
    label_smoothing : float from 0 to 1
        The part of every target that is distributed evenly over all C classes.
    reduction : "mean", "sum" or "none"
        With class numbers the mean is weighted: the sum is divided by the sum of the class weights of the rows that
        count (NaN if none does). With probabilities the sum is divided by N.

    Returns
    -------
    tensor of no dimension, or (N,) tensor for "none"
        In nats: log C if all logits are equal. As ``torch.nn.functional.cross_entropy`` returns, except that a class
        with target 0 adds nothing even if its logit is minus infinity, where torch may return NaN.

    Raises
    ------
    ValueError
        If a shape, dtype or option is not one of the above, a class number is out of range, or ``ignore_index`` is
        a class and targets are probabilities.

    Examples
    --------
    >>> cross_entropy(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    >>> cross_entropy(torch.tensor([[9.0, 0.0]] * 2), torch.tensor([1, -100]), label_smoothing=0.2)
    tensor(8.1001)
    """
    weighted, divisor, _ = _weigh_targets(logits, targets, class_weights, ignore_index, label_smoothing, reduction)
    logarithms = log_softmax(logits)  # (N, C)
    logarithms = logarithms.masked_fill((weighted == 0) & (logarithms == -torch.inf), 0)  # 0 times infinity is NaN
    losses = -(weighted * logarithms).sum(dim=1)
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
    """Return the gradient of ``cross_entropy`` with respect to the logits.

    For class numbers without options it is (p - onehot) / N. In general each row is p times the sum of its weighted
    targets, minus these targets. Rows that are ignored get zero.

    Parameters
    ----------
    grad : tensor of no dimension, or (N,) tensor for "none"
        Gradient of what follows with respect to the loss: torch.tensor(1.0) if nothing follows.
    logits, targets, class_weights, ignore_index, label_smoothing, reduction
        As ``cross_entropy`` got them.

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
    weighted, divisor, kept = _weigh_targets(logits, targets, class_weights, ignore_index, label_smoothing, reduction)
    check_grad(grad, logits.shape[:1] if reduction == "none" else (), logits.dtype)
    slopes = softmax(logits) * weighted.sum(dim=1, keepdim=True) - weighted  # (N, C)
    scale = logits.new_zeros(len(logits)) + grad / divisor  # (N,)
    scale[~kept] = 0  # even if the mean is NaN because no row was kept
    return slopes * scale[:, None]


def _weigh_targets(
    logits: Tensor,
    targets: Tensor,
    class_weights: Tensor | None,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
) -> tuple[Tensor, Tensor | int, Tensor]:
    """Return the weighted targets, (N, C), what the sum is divided by, and which rows count, (N,)."""
    _check_options(logits, class_weights, label_smoothing, reduction)
    weights = logits.new_ones(logits.shape[1]) if class_weights is None else class_weights  # (C,)
    if targets.is_floating_point():
        _check_probabilities(logits, targets, ignore_index)
        kept, distribution = logits.new_ones(len(logits)).bool(), targets
        divisor = kept.sum()
    else:
        labels = _class_numbers(logits, targets, ignore_index)
        kept = labels != ignore_index
        distribution = logits.new_zeros(logits.shape)
        distribution[kept, labels[kept]] = 1
        divisor = (distribution * weights).sum()
        divisor[divisor == 0] = math.nan  # the mean of no rows
    even = kept[:, None].to(logits.dtype) / logits.shape[1]
    weighted = weights * ((1 - label_smoothing) * distribution + label_smoothing * even)
    return weighted, divisor if reduction == "mean" else 1, kept


def _check_options(logits: Tensor, class_weights: Tensor | None, label_smoothing: float, reduction: str) -> None:
    has_classes, rule = logits.ndim == 2 and logits.shape[1] > 0, "be (N, C) with at least one class"
    require(has_classes, "logits.shape", tuple(logits.shape), rule, "give one row of scores for each image")
    check_floats(logits, "logits")
    if class_weights is not None:
        check_shape(class_weights, "class_weights", logits.shape[1:], "one value for each class")
        check_dtype(class_weights, "class_weights", logits.dtype, "logits")
    require(0 <= label_smoothing <= 1, "label_smoothing", label_smoothing, "be from 0 to 1", "use 0 for none")
    known = reduction in ("mean", "sum", "none")
    require(known, "reduction", repr(reduction), "be 'mean', 'sum' or 'none'", "use one of these")


def _check_probabilities(logits: Tensor, targets: Tensor, ignore_index: int) -> None:
    remedy = "give one probability for each class, or class numbers as integers"
    check_shape(targets, "targets", logits.shape, "the shape of logits", remedy)
    check_dtype(targets, "targets", logits.dtype, "logits", f"convert it with targets.to({logits.dtype})")
    remedy = "leave it out, and put zeros in the rows that must not count"
    require(ignore_index < 0, "ignore_index", ignore_index, "be negative if targets are probabilities", remedy)


def _class_numbers(logits: Tensor, targets: Tensor, ignore_index: int) -> Tensor:
    """Return the targets as int64, so that no smaller type can turn ignore_index into a class."""
    numbers = not targets.is_complex() and targets.dtype is not torch.bool
    rule, remedy = "be a type of integers or floats", "convert class numbers with targets.long()"
    require(numbers, "targets.dtype", targets.dtype, rule, remedy)
    remedy = "change the shape of class numbers, or convert probabilities with targets.to(logits.dtype)"
    check_shape(targets, "targets", logits.shape[:1], "one class number for each row of logits", remedy)
    labels, classes = targets.long(), logits.shape[1]
    wrong = labels[((labels < 0) | (labels >= classes)) & (labels != ignore_index)]
    if len(wrong):
        remedy = "count classes from 0, give the model more outputs, or use ignore_index"
        require(False, "a target", wrong[0].item(), f"be from 0 to {classes - 1} for {classes} logits", remedy)
    return labels
