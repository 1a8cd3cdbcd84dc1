"""Exercises of notebook 05: count a block, how far an output sees, what a layer computes, batch norm folded away."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw_block(generator: Generator) -> tuple[int, int]:
    """Draw channels in and channels of the 3x3; half of the blocks need no convolution in the shortcut."""
    channels = whole_number(generator, 2, 64)
    return (4 * channels if whole_number(generator, 0, 1) else whole_number(generator, 2, 256)), channels


def _weights(in_channels: int, channels: int) -> int:
    """Count the kernels of the branch: 1x1, 3x3, 1x1."""
    return channels * (in_channels + 9 * channels + 4 * channels)


def _norms(channels: int, per_channel: int = 2) -> int:
    """Count what follows the three convolutions of the branch."""
    return per_channel * (channels + channels + 4 * channels)


def _shortcut(in_channels: int, channels: int, per_channel: int = 2) -> int:
    """Count the convolution of the shortcut and what follows it, if there is one."""
    return (in_channels + per_channel) * 4 * channels if in_channels != 4 * channels else 0


def _block(in_channels: int, channels: int, per_channel: int = 2) -> int:
    return (
        _weights(in_channels, channels) + _norms(channels, per_channel) + _shortcut(in_channels, channels, per_channel)
    )


BLOCK_PARAMETERS = Exercise(
    reference=_block,
    draw=_draw_block,
    mistakes={
        "The convolutions have no bias: each is followed by a batch norm, which has one.": (
            lambda i, c: _block(i, c, per_channel=3)
        ),
        "Batch norm is missing: it has a weight and a bias for each channel of the convolution before it.": (
            lambda i, c: _block(i, c, per_channel=0)
        ),
        "Batch norm has two learned numbers a channel, a weight and a bias; you counted one.": (
            lambda i, c: _block(i, c, per_channel=1)
        ),
        "The running mean and variance are measured and not learned: they are buffers and no parameters.": (
            lambda i, c: _block(i, c, per_channel=4)
        ),
        "The shortcut is forgotten: where in_channels is not 4 * channels it has a 1x1 convolution and a batch norm.": (
            lambda i, c: _weights(i, c) + _norms(c)
        ),
        "Not every shortcut has a convolution: where in_channels is 4 * channels the input is added as it is.": (
            lambda i, c: _weights(i, c) + _norms(c) + (i + 2) * 4 * c
        ),
        "The convolution of the shortcut is followed by a batch norm too, over 4 * channels.": (
            lambda i, c: _weights(i, c) + _norms(c) + _shortcut(i, c, per_channel=0)
        ),
        "The middle kernel is 3x3: it has nine numbers for each pair of channels, and not one.": (
            lambda i, c: _block(i, c) - 8 * c * c
        ),
        "The middle kernel is 3x3: that makes nine numbers for each pair of channels, and not three.": (
            lambda i, c: _block(i, c) - 6 * c * c
        ),
        "The last convolution of the branch gives out 4 * channels, and not channels.": (
            lambda i, c: _block(i, c) - 3 * c * (c + 2)
        ),
        "Those are the convolutions of the branch alone: batch norms learn as well, and so may the shortcut.": _weights,
    },
)


def _draw_layers(generator: Generator) -> tuple[list[tuple[int, int]]]:
    """Draw two to six layers, each a kernel and a stride; the first stride is above 1."""
    strides = [
        whole_number(generator, 2, 3),
        *(whole_number(generator, 1, 3) for _ in range(whole_number(generator, 1, 5))),
    ]
    return ([(whole_number(generator, 2, 7), stride) for stride in strides],)


def _receptive_field(layers: list[tuple[int, int]]) -> int:
    """From the last layer back to the image: r outputs side by side need (r - 1) * stride + kernel inputs."""
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


def _with_steps(layers: list[tuple[int, int]], grow: Callable[[int, int], int], *, own: bool = False) -> int:
    """Add kernel - 1 steps for each layer; ``grow`` makes the next step from the last one and the stride."""
    field = step = 1
    for kernel, stride in layers:
        following = grow(step, stride)
        field += (kernel - 1) * (following if own else step)
        step = following
    return field


RECEPTIVE_FIELD = Exercise(
    reference=_receptive_field,
    draw=_draw_layers,
    mistakes={
        "The strides are ignored: after a layer of stride 2, neighbours are two pixels apart, and not one.": (
            lambda layers: _with_steps(layers, lambda step, stride: 1)
        ),
        "The stride of a layer counts for the layers after it, and not for its own kernel.": (
            lambda layers: _with_steps(layers, lambda step, stride: step * stride, own=True)
        ),
        "Strides multiply: after strides 2 and 2 neighbours are four pixels apart, not two.": (
            lambda layers: _with_steps(layers, lambda step, stride: stride)
        ),
        "Strides multiply and do not add up: after strides 3 and 3 neighbours are nine pixels apart, not five.": (
            lambda layers: _with_steps(layers, lambda step, stride: step + stride - 1)
        ),
        "Off by one in each layer: a kernel of 3 reaches only two steps further than its first pixel.": (
            lambda layers: 1 + sum(kernel * step for (kernel, _), step in zip(layers, _steps(layers), strict=True))
        ),
        "One too few: an output of no layer at all is a pixel and sees itself, so begin with 1.": (
            lambda layers: _receptive_field(layers) - 1
        ),
        "From the wrong end: the strides that matter for a layer are those before it, near the image.": (
            lambda layers: _receptive_field(layers[::-1])
        ),
        "That is how far apart two neighbours are in the end: how many pixels does one of them see?": (
            lambda layers: math.prod(stride for _, stride in layers)
        ),
        "Kernels do not multiply: a 3x3 behind a 3x3 sees 5 pixels, for its windows overlap.": (
            lambda layers: math.prod(kernel for kernel, _ in layers)
        ),
        "That is the sum of the kernels: windows side by side overlap, and after a stride they lie apart.": (
            lambda layers: sum(kernel for kernel, _ in layers)
        ),
    },
)


def _steps(layers: list[tuple[int, int]]) -> list[int]:
    """Return how many pixels apart neighbours are in front of each layer."""
    steps = [1]
    for _, stride in layers:
        steps.append(steps[-1] * stride)
    return steps[:-1]


CHANNELS, KERNELS, SIZE = 2, 5, 8  # of the task


def _products(**options: int) -> int:
    """Let torch say how large the maps get, and count a product for each place and weight."""
    images, kernels = (
        torch.empty(shape, device="meta") for shape in ((1, CHANNELS, SIZE, SIZE), (KERNELS, CHANNELS, 3, 3))
    )
    return F.conv2d(images, kernels, **options)[0, 0].numel() * kernels.numel()


MULTIPLY_ADDS = Exercise(
    reference=lambda: _products(stride=2, padding=1),
    draw=lambda generator: (),
    mistakes={
        "The stride is ignored: the kernels move two pixels at a time, and visit fewer places.": (
            lambda: _products(padding=1)
        ),
        "The padding is ignored: with a border around it, the kernel visits more places.": lambda: _products(stride=2),
        "Those are the weights: each of them is used at every place that the kernels visit.": (
            lambda: KERNELS * CHANNELS * 9
        ),
        "Those are the numbers that come out: each is a sum of many products.": (
            lambda: _products(stride=2, padding=1) // (CHANNELS * 9)
        ),
        "The pixels of the kernel are forgotten: a 3x3 has nine weights for each map, and not one.": (
            lambda: _products(stride=2, padding=1) // 9
        ),
        "Three pixels of the kernel are counted, where it has three rows of three.": (
            lambda: _products(stride=2, padding=1) // 3
        ),
        "The maps that come in are forgotten: every output adds up products over all of them.": (
            lambda: _products(stride=2, padding=1) // CHANNELS
        ),
        "That is for one map that comes out: there are as many as kernels.": (
            lambda: _products(stride=2, padding=1) // KERNELS
        ),
        "A product and its sum are one multiply-add: you counted two.": lambda: 2 * _products(stride=2, padding=1),
        "One row of places is counted: the kernels move down as well.": (lambda: SIZE // 2 * KERNELS * CHANNELS * 9),
    },
)


def _draw_folding(generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Draw as many kernels as channels, so that a scale along the wrong axis is seen, and four numbers for each.

    Some variances are so small that eps matters.
    """
    channels = whole_number(generator, 4, 6)
    shape = channels, channels, whole_number(generator, 1, 3), whole_number(generator, 1, 3)
    kernels, numbers = (torch.randn(size, generator=generator, dtype=torch.float64) for size in (shape, (4, channels)))
    variance = 10 ** (-4 * torch.rand(channels, generator=generator, dtype=torch.float64))
    variance[0] = 1e-4
    return kernels, numbers[0], variance, numbers[1] + 3, numbers[2]


def _seen_from_outside(kernels: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Send in nothing, and then a one in each place: what comes out are the bias, and a weight more."""
    places = kernels[0].numel()
    patches = torch.cat([torch.zeros(1, places), torch.eye(places)]).to(kernels).reshape(-1, *kernels.shape[1:])
    out = F.batch_norm(F.conv2d(patches, kernels), mean, variance, weight, bias)[:, :, 0, 0]  # (1 + places, O)
    return torch.cat([out[1:] - out[0], out[:1]]).T


def _rows(kernels: Tensor, bias: Tensor) -> Tensor:
    return torch.cat([kernels.flatten(1), bias[:, None]], dim=1)


def _scaled(kernels: Tensor, scale: Tensor) -> Tensor:
    return kernels * scale[:, None, None, None]


def _over(deviation: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return a folding that takes something else for the deviation."""

    def fold(kernels: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        scale = weight / deviation(variance)
        return _rows(_scaled(kernels, scale), bias - mean * scale)

    return fold


def _scale(variance: Tensor, weight: Tensor) -> Tensor:
    return weight / (variance + 1e-5).sqrt()


def _with_bias(bias_of: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """Return a folding whose new bias is made of mean, scale and bias in another way."""
    return lambda kernels, mean, variance, weight, bias: _rows(
        _scaled(kernels, _scale(variance, weight)), bias_of(mean, _scale(variance, weight), bias)
    )


FOLDED = Exercise(
    reference=_seen_from_outside,
    draw=_draw_folding,
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
            lambda kernels, mean, variance, weight, bias: _seen_from_outside(
                kernels, mean, variance, torch.ones_like(weight), bias
            )
        ),
        "The biases stand in front: the last number of each row is its bias.": (
            lambda *inputs: _seen_from_outside(*inputs).roll(1, dims=1)
        ),
        "Those are the kernels alone: append to each row its new bias.": (
            lambda *inputs: _seen_from_outside(*inputs)[:, :-1]
        ),
    },
)

EXERCISES = {"05.1": BLOCK_PARAMETERS, "05.2": RECEPTIVE_FIELD, "05.3": MULTIPLY_ADDS, "05.4": FOLDED}
