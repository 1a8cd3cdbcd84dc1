"""Initial weights by hand: random values whose spread keeps signals at their size through many layers.

One output of a layer is a sum of ``fan_in`` products. Their variances add up, so the weights must be the smaller
the more there are. Only the spread is computed here; the random numbers come from the generator.
"""

import math

import torch
from torch import Tensor

from tlhelpers.byhand.arguments import require


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Count the inputs that each output is computed from, and the outputs that each input contributes to.

    Parameters
    ----------
    shape : tuple of int
        Of a weight: (outputs, inputs) or (outputs, inputs, height, width); in a convolution with groups, the inputs
        of one group. As in torch, the stride is not taken into account.

    Returns
    -------
    fan_in, fan_out : int
        Channels times the pixels of the kernel.

    Raises
    ------
    ValueError
        If the shape has fewer than two axes or a negative number.

    Examples
    --------
    >>> fans((10, 64)), fans((64, 3, 7, 7))
    ((64, 10), (147, 3136))
    """
    shape = tuple(shape)
    fits = len(shape) >= 2 and min(shape) >= 0
    require(fits, "the shape of a weight", shape, "be (outputs, inputs, ...), none negative", "fill a bias with zeros")
    pixels = math.prod(shape[2:])
    return shape[1] * pixels, shape[0] * pixels


def kaiming_normal(shape: tuple[int, ...], *, mode: str = "fan_in", generator: torch.Generator | None = None) -> Tensor:
    """Draw weights for a layer before a ReLU: normally distributed, variance 2 / fan.

    ReLU sets half of the values to zero and so halves their mean square; the factor 2 makes up for it.
    Source: K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers: surpassing human-level performance on
    ImageNet classification", ICCV 2015, equations 10 and 14.

    Parameters
    ----------
    shape : tuple of int
        Of the weight, as in ``fans``.
    mode : {"fan_in", "fan_out"}
        "fan_in" keeps the size of outputs in the forward pass, "fan_out" that of gradients in the backward pass.
    generator : torch.Generator, optional
        Where the random numbers come from; the same gives the numbers of ``torch.nn.init.kaiming_normal_``.

    Returns
    -------
    Tensor of that shape
        In torch's default dtype.

    Raises
    ------
    ValueError
        If the mode is not one of these, or the shape is not that of a weight.

    Examples
    --------
    >>> weight = kaiming_normal((100, 200), generator=torch.Generator().manual_seed(0))
    >>> round(weight.var().item(), 3)  # 2 / 200
    0.01
    """
    return _normal(shape, _kaiming_variance(shape, mode), generator)


def kaiming_uniform(
    shape: tuple[int, ...], *, mode: str = "fan_in", generator: torch.Generator | None = None
) -> Tensor:
    """Draw weights for a layer before a ReLU: uniformly distributed, variance 2 / fan.

    The weights lie between -sqrt(6 / fan) and sqrt(6 / fan).

    Parameters
    ----------
    shape, mode, generator
        As in ``kaiming_normal``, and so are the returned tensor and the errors.

    Examples
    --------
    >>> weight = kaiming_uniform((100, 150), generator=torch.Generator().manual_seed(0))
    >>> round(weight.amax().item(), 2)  # sqrt(6 / 150)
    0.2
    """
    return _uniform(shape, _kaiming_variance(shape, mode), generator)


def xavier_normal(shape: tuple[int, ...], *, generator: torch.Generator | None = None) -> Tensor:
    """Draw weights for a layer that no ReLU follows: normally distributed, variance 2 / (fan_in + fan_out).

    That is 1 / fan, where fan is the mean of fan_in and fan_out.
    Source: X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS
    2010, equation 12.

    Parameters
    ----------
    shape : tuple of int
        Of the weight, as in ``fans``.
    generator : torch.Generator, optional
        Where the random numbers come from; the same gives the numbers of ``torch.nn.init.xavier_normal_``.

    Returns
    -------
    Tensor of that shape
        In torch's default dtype.

    Raises
    ------
    ValueError
        If the shape is not that of a weight, or it has neither inputs nor outputs.

    Examples
    --------
    >>> weight = xavier_normal((100, 300), generator=torch.Generator().manual_seed(0))
    >>> round(weight.var().item(), 3)  # 2 / 400
    0.005
    """
    return _normal(shape, _xavier_variance(shape), generator)


def xavier_uniform(shape: tuple[int, ...], *, generator: torch.Generator | None = None) -> Tensor:
    """Draw weights for a layer that no ReLU follows: uniformly distributed, variance 2 / (fan_in + fan_out).

    The weights lie between -b and b, where b = sqrt(6 / (fan_in + fan_out)).

    Parameters
    ----------
    shape, generator
        As in ``xavier_normal``, and so are the returned tensor and the errors.

    Examples
    --------
    >>> weight = xavier_uniform((100, 50), generator=torch.Generator().manual_seed(0))
    >>> round(weight.amax().item(), 2)  # sqrt(6 / 150)
    0.2
    """
    return _uniform(shape, _xavier_variance(shape), generator)


def _kaiming_variance(shape: tuple[int, ...], mode: str) -> float:
    modes = dict(zip(("fan_in", "fan_out"), fans(shape), strict=True))
    require(mode in modes, "mode", repr(mode), "be 'fan_in' or 'fan_out'", "use 'fan_in' for the forward pass")
    return 2 / max(modes[mode], 1)  # without inputs there is no weight to draw either


def _xavier_variance(shape: tuple[int, ...]) -> float:
    remedy = "give at least one of them a size"
    require(sum(fans(shape)) > 0, "the shape of a weight", tuple(shape), "have inputs or outputs", remedy)
    return 2 / sum(fans(shape))


def _normal(shape: tuple[int, ...], variance: float, generator: torch.Generator | None) -> Tensor:
    return torch.zeros(tuple(shape)).normal_(0, math.sqrt(variance), generator=generator)


def _uniform(shape: tuple[int, ...], variance: float, generator: torch.Generator | None) -> Tensor:
    bound = math.sqrt(3 * variance)  # numbers uniform between -b and b have variance b * b / 3
    return torch.zeros(tuple(shape)).uniform_(-bound, bound, generator=generator)
