"""Softmax by hand: log-sum-exp, softmax, log-softmax, and their gradients.

Source: the article's formula p(c|x) = softmax(W a + b), where a is the feature vector of one image. In floating point,
exp(89) is infinite in float32 and exp(12) in float16, so the largest logit is subtracted first.
"""

import torch
from torch import Tensor

from tlhelpers.byhand.arguments import check_floats, check_grad, require


def log_sum_exp(logits: Tensor) -> Tensor:
    """Return log(exp(z_1) + ... + exp(z_C)) over the last dimension: a soft maximum.

    It lies between the largest logit and log C above it. The largest is subtracted before the exponentials and
    added again after the logarithm. Its gradient is the softmax.

    Parameters
    ----------
    logits : (..., C) tensor of floats

    Returns
    -------
    (...) tensor
        As ``torch.logsumexp`` returns: infinite only if a logit is, or if all are minus infinity.

    Raises
    ------
    ValueError
        If there is no class, or the values are not floats.

    Examples
    --------
    >>> log_sum_exp(torch.tensor([100.0, 100.0]))  # log 2 above the larger
    tensor(100.6931)
    """
    _check_logits(logits)
    largest = logits.amax(dim=-1, keepdim=True)  # (..., 1)
    largest = largest.masked_fill(largest.abs() == torch.inf, 0)  # infinity minus infinity would be NaN
    return largest[..., 0] + torch.log(torch.exp(logits - largest).sum(dim=-1))


def softmax(logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Turn scores into probabilities, over the last dimension.

    The largest logit is subtracted first. That changes no probability (numerator and denominator are
    divided by the same number) and no exponential can overflow, since none is above exp(0) = 1.

    Parameters
    ----------
    logits : (..., C) tensor of floats
    temperature : float
        The logits are divided by it: below 1 the largest probability grows, above 1 they become more even.

    Returns
    -------
    (..., C) tensor
        Not negative, sum 1 over the last dimension.

    Raises
    ------
    ValueError
        If there is no class, the values are not floats, or the temperature is not positive.

    Examples
    --------
    >>> softmax(torch.tensor([1000.0, 1000.0]))
    tensor([0.5000, 0.5000])
    >>> softmax(torch.tensor([2.0, 0.0])), softmax(torch.tensor([2.0, 0.0]), temperature=4)
    (tensor([0.8808, 0.1192]), tensor([0.6225, 0.3775]))
    """
    exponentials = torch.exp(_shifted(logits, temperature))  # (..., C), the largest is 1
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def log_softmax(logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Return the logarithms of the probabilities, over the last dimension.

    It does not take the logarithm of a probability, which may have been rounded to zero.

    Parameters
    ----------
    logits : (..., C) tensor of floats
    temperature : float
        As in ``softmax``.

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
    shifted = _shifted(logits, temperature)  # (..., C)
    return shifted - torch.log(torch.exp(shifted).sum(dim=-1, keepdim=True))


def softmax_backward(grad: Tensor, logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Return the gradient of ``softmax``: p (grad - m) / temperature, where m is the mean of grad weighted by p.

    A larger logit of one class takes probability from all others. So only differences from the mean count, and the
    gradients of a row sum to zero.

    Parameters
    ----------
    grad : (..., C) tensor
        Gradient of the loss with respect to the probabilities.
    logits : (..., C) tensor of floats
    temperature : float
        As ``softmax`` got them.

    Returns
    -------
    (..., C) tensor
        Gradient with respect to the logits.

    Raises
    ------
    ValueError
        As in ``softmax``, or if grad does not have the shape of the logits.

    Examples
    --------
    >>> softmax_backward(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 0.0]))
    tensor([ 0.2500, -0.2500])
    """
    probabilities = softmax(logits, temperature=temperature)
    check_grad(grad, logits.shape, logits.dtype)
    mean = (probabilities * grad).sum(dim=-1, keepdim=True)
    return probabilities * (grad - mean) / temperature


def log_softmax_backward(grad: Tensor, logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Return the gradient of ``log_softmax``: (grad - p times the sum of grad) / temperature.

    Parameters
    ----------
    grad : (..., C) tensor
        Gradient of the loss with respect to the logarithms.
    logits : (..., C) tensor of floats
    temperature : float
        As ``log_softmax`` got them.

    Returns
    -------
    (..., C) tensor
        Gradient with respect to the logits.

    Raises
    ------
    ValueError
        As in ``softmax``, or if grad does not have the shape of the logits.

    Examples
    --------
    >>> log_softmax_backward(torch.tensor([-1.0, 0.0]), torch.tensor([0.0, 0.0]))
    tensor([-0.5000,  0.5000])
    """
    probabilities = softmax(logits, temperature=temperature)
    check_grad(grad, logits.shape, logits.dtype)
    return (grad - probabilities * grad.sum(dim=-1, keepdim=True)) / temperature


def _shifted(logits: Tensor, temperature: float) -> Tensor:
    """Return the logits minus the largest of their row, divided by the temperature: (..., C), at most zero."""
    _check_logits(logits)
    require(temperature > 0, "temperature", temperature, "be positive", "use 1 to leave the logits as they are")
    return (logits - logits.amax(dim=-1, keepdim=True)) / temperature


def _check_logits(logits: Tensor) -> None:
    has_classes = logits.ndim > 0 and logits.shape[-1] > 0
    rule = "have at least one class along the last axis"
    require(has_classes, "logits.shape", tuple(logits.shape), rule, "give one score for each class")
    check_floats(logits, "logits")
