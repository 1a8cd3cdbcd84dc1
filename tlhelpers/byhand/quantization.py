"""Quantization by hand: values as integers times a step, and products that are computed with the integers.

Source: B. Jacob and others, "Quantization and training of neural networks for efficient integer-arithmetic-only
inference", CVPR 2018, section 2.1, with the zero point at 0.
"""

import torch
from torch import Tensor

from tlhelpers.byhand.arguments import check_floats, check_rows, require


def scale_of(values: Tensor, *, bits: int = 8, dim: int | None = None) -> Tensor:
    """Return the step s at which the largest absolute value becomes the largest integer of that many bits.

    ``s = max |x| / (2**(bits - 1) - 1)``, or 1 if all values are zero.

    Parameters
    ----------
    values : tensor of floats
        All finite.
    bits : int
        From 2 to 8, one of them for the sign.
    dim : int, optional
        The dimension along which each slice has its own step, such as 0 for the filters of a convolution. By default
        all values share one step.

    Returns
    -------
    Tensor
        With as many dimensions as the values, each of size 1 except ``dim``.

    Raises
    ------
    ValueError
        If the values are not finite floats, or ``bits`` or ``dim`` is out of range.

    Examples
    --------
    >>> scale_of(torch.tensor([[0.5, -1.27], [2.54, 0.0]]), dim=0)
    tensor([[0.0100],
            [0.0200]])
    """
    most = _largest_integer(bits)
    _check_finite(values)
    known, axes = dim is None or -values.ndim <= dim < values.ndim, f"{values.ndim} axes of the values"
    require(known, "dim", dim, f"be one of the {axes}, counted from 0", "leave it out for one step")
    others = tuple(i for i in range(values.ndim) if dim is None or i != dim % values.ndim)
    largest = values.abs().amax(dim=others, keepdim=True) if others else values.abs()
    return largest.masked_fill(largest == 0, most) / most


def quantize(values: Tensor, scale: Tensor, *, bits: int = 8) -> Tensor:
    """Divide the values by the step and round to the nearest integer, ties to the even one.

    Values that are too large for that many bits become the largest integer.

    Parameters
    ----------
    values : tensor of floats
        All finite.
    scale : Tensor
        As ``scale_of`` returns it.
    bits : int
        From 2 to 8.

    Returns
    -------
    int8 tensor
        Of the values' shape, from -(2**(bits - 1) - 1) to 2**(bits - 1) - 1.

    Raises
    ------
    ValueError
        If the values are not finite floats, or ``bits`` is out of range.

    Examples
    --------
    >>> quantize(torch.tensor([0.5, -1.27, 0.013]), torch.tensor(0.01))
    tensor([  50, -127,    1], dtype=torch.int8)
    """
    most = _largest_integer(bits)
    _check_finite(values)
    steps = (values / scale).round()
    return steps.masked_fill(steps > most, most).masked_fill(steps < -most, -most).to(torch.int8)


def dequantize(integers: Tensor, scale: Tensor) -> Tensor:
    """Return the values that the integers stand for, at most half a step from the values that were quantized.

    Parameters
    ----------
    integers : tensor of integers
        As ``quantize`` returns them.
    scale : Tensor
        As ``quantize`` got it.

    Returns
    -------
    tensor of the same shape

    Examples
    --------
    >>> dequantize(torch.tensor([50, -127, 1]), torch.tensor(0.01))
    tensor([ 0.5000, -1.2700,  0.0100])
    """
    return integers * scale


def quantized_linear(features: Tensor, weight: Tensor) -> Tensor:
    """Multiply features by weights as a processor does with eight bits: first the integers, then the scales.

    y = (s_x q_x) (s_w q_w) = s_x s_w (q_x q_w): the sum of products of integers is exact.

    Parameters
    ----------
    features : (N, D) tensor of floats
        Quantized with one step.
    weight : (O, D) tensor of floats
        Quantized with one step per row.

    Returns
    -------
    (N, O) tensor
        Approximately features @ weight.T.

    Raises
    ------
    ValueError
        If the shapes do not match, or as for ``quantize``.

    Examples
    --------
    >>> quantized_linear(torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]]))
    tensor([[1.0394]])
    """
    check_rows(features, weight)
    of_features, of_weight = scale_of(features), scale_of(weight, dim=0)  # (1, 1), (O, 1)
    products = quantize(features, of_features)[:, None].int() * quantize(weight, of_weight).int()  # (N, O, D)
    return products.sum(dim=-1) * (of_features * of_weight.T)


def _largest_integer(bits: int) -> int:
    require(bits in range(2, 9), "bits", bits, "be from 2 to 8, with one of them for the sign", "use 8 for one byte")
    return 2 ** (bits - 1) - 1


def _check_finite(values: Tensor) -> None:
    check_floats(values, "values")
    wrong = values[(values.abs() == torch.inf) | (values != values)]
    if wrong.numel():
        require(False, "a value", wrong[0].item(), "be finite", "look for the operation that it comes from")
