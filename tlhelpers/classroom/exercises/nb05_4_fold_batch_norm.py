"""Exercise 05.4: fold a batch norm into the convolution before it."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Draw kernels and the four vectors of a batch norm.

    There are as many kernels as channels, so that a scale along the wrong axis gives a wrong answer and no error. Some
    variances are so small that eps matters.
    """
    channels = whole_number(generator, 4, 6)
    shape = channels, channels, whole_number(generator, 1, 3), whole_number(generator, 1, 3)
    kernels, numbers = (torch.randn(size, generator=generator, dtype=torch.float64) for size in (shape, (4, channels)))
    variance = 10 ** (-4 * torch.rand(channels, generator=generator, dtype=torch.float64))
    variance[0] = 1e-4
    return kernels, numbers[0], variance, numbers[1] + 3, numbers[2]


def _measured(kernels: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Read the folded layer off its outputs: all zeros give the bias, a single one gives the bias plus a weight."""
    positions = kernels[0].numel()
    patches = torch.cat([torch.zeros(1, positions), torch.eye(positions)]).to(kernels).reshape(-1, *kernels.shape[1:])
    out = F.batch_norm(F.conv2d(patches, kernels), mean, variance, weight, bias)[:, :, 0, 0]  # (1 + positions, O)
    return torch.cat([out[1:] - out[0], out[:1]]).T


def _rows(kernels: Tensor, bias: Tensor) -> Tensor:
    return torch.cat([kernels.flatten(1), bias[:, None]], dim=1)


def _scaled(kernels: Tensor, scale: Tensor) -> Tensor:
    return kernels * scale[:, None, None, None]


def _over(deviation: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return a folding that divides by something else than the standard deviation."""

    def fold(kernels: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        scale = weight / deviation(variance)
        return _rows(_scaled(kernels, scale), bias - mean * scale)

    return fold


def _scale(variance: Tensor, weight: Tensor) -> Tensor:
    return weight / (variance + 1e-5).sqrt()


def _with_bias(bias_of: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return a folding that computes its bias differently from mean, scale and bias."""
    return lambda kernels, mean, variance, weight, bias: _rows(
        _scaled(kernels, _scale(variance, weight)), bias_of(mean, _scale(variance, weight), bias)
    )


EXERCISE = Exercise(
    reference=_measured,
    draw=_draw,
    mistakes={
        "The scale runs along the channels that come in: a batch norm has one for each that comes out, (O,).": (
            lambda kernels, mean, variance, weight, bias: _rows(
                kernels * _scale(variance, weight)[:, None, None], bias - mean * _scale(variance, weight)
            )
        ),
        "The kernels are as they were: what batch norm does to every output, new kernels have to do.": (
            lambda kernels, mean, variance, weight, bias: _rows(kernels, bias - mean * _scale(variance, weight))
        ),
        "The mean is forgotten: it is subtracted from every output, so it has a part in the new bias.": _with_bias(
            lambda mean, scale, bias: bias
        ),
        "The mean is not scaled: batch norm subtracts it first, and divides and multiplies what is left.": _with_bias(
            lambda mean, scale, bias: bias - mean
        ),
        "The sign of the mean is turned round: batch norm subtracts it.": _with_bias(
            lambda mean, scale, bias: bias + mean * scale
        ),
        "The bias of the batch norm is forgotten: it is added in the end.": _with_bias(
            lambda mean, scale, bias: -mean * scale
        ),
        "The bias of the batch norm is scaled: it is added last, after the division.": _with_bias(
            lambda mean, scale, bias: (bias - mean) * scale
        ),
        "Divided by the variance: batch norm divides by its root.": _over(lambda variance: variance + 1e-5),
        "eps is forgotten: where the variance is small it matters.": _over(torch.sqrt),
        "eps stands outside the root: it is added to the variance.": _over(lambda variance: variance.sqrt() + 1e-5),
        "Nothing is divided: batch norm divides by the root of the variance, and eps.": _over(torch.ones_like),
        "The weight of the batch norm is forgotten: it multiplies what was divided.": (
            lambda kernels, mean, variance, weight, bias: _measured(
                kernels, mean, variance, torch.ones_like(weight), bias
            )
        ),
        "The biases stand in front: the last number of each row is its bias.": (
            lambda *inputs: _measured(*inputs).roll(1, dims=1)
        ),
        "Those are the kernels alone: append to each row its new bias.": (lambda *inputs: _measured(*inputs)[:, :-1]),
    },
)
