"""Answers to the exercises of notebook 05 that share no code with the exercises; ``test_exercises.py`` uses them."""

import torch
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.utils.flop_counter import FlopCounterMode

from tlhelpers.classroom.exercises import find_exercise
from tlhelpers.classroom.judging import judge
from tlhelpers.network.resnet import Bottleneck


def block_parameters(in_channels, channels):
    with torch.device("meta"):  # shapes without values
        block = Bottleneck(in_channels, channels)
    return sum(parameter.numel() for parameter in block.parameters())


def receptive_field(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


def multiply_adds():
    """Let torch count the operations; a multiply-add is two."""
    with FlopCounterMode(display=False) as counter, torch.device("meta"):
        torch.nn.Conv2d(2, 5, 3, stride=2, padding=1, bias=False)(torch.empty(1, 2, 8, 8))
    return counter.get_total_flops() // 2


def folded(kernels, mean, variance, weight, bias):
    """Let torch fold the batch norm."""
    new, shift = fuse_conv_bn_weights(kernels, None, mean, variance, 1e-5, weight, bias)
    return torch.hstack([new.reshape(len(new), -1), shift.reshape(-1, 1)]).detach()


SOLUTIONS = {"05.1": block_parameters, "05.2": receptive_field, "05.3": multiply_adds, "05.4": folded}


def of_modules(in_channels, channels, *, norm=True, shortcut=True, bias=False, wide=4):
    """Count the parameters of a block made of torch's modules; some parts can be left out."""

    def pair(i, o, size):
        return [torch.nn.Conv2d(i, o, size, bias=bias), *([torch.nn.BatchNorm2d(o)] if norm else [])]

    with torch.device("meta"):
        modules = [*pair(in_channels, channels, 1), *pair(channels, channels, 3), *pair(channels, wide * channels, 1)]
        if shortcut and in_channels != 4 * channels:
            modules += pair(in_channels, 4 * channels, 1)
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def everything_stored(in_channels, channels):
    """Count the running statistics as parameters."""
    with torch.device("meta"):
        values = Bottleneck(in_channels, channels).state_dict().items()
    return sum(value.numel() for name, value in values if "num_batches" not in name)


def always_a_convolution(in_channels, channels):
    count = of_modules(in_channels, channels, shortcut=False)
    return count + in_channels * 4 * channels + 2 * 4 * channels


def field_with(layers, reach, grow):
    """Go from the image to the last layer, with another growth of the field or of the step."""
    field, step = 1, 1
    for kernel, stride in layers:
        field += reach(kernel, stride) * step
        step = grow(step, stride)
    return field


def after_the_step(layers):
    """Multiply the step before the field is enlarged."""
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def from_the_photo(layers):
    """Apply the rule for going backward, but go forward."""
    field = 1
    for kernel, stride in layers:
        field = (field - 1) * stride + kernel
    return field


def folded_with(kernels, mean, variance, weight, bias, *, eps=1e-5, shift=None, axes=(None, None, None)):
    """Fold with another eps, another bias, or a scale along another axis."""
    scale = weight / torch.sqrt(variance + eps)
    new_bias = (mean * -scale + bias) if shift is None else shift(mean, scale, bias)
    new = kernels * scale[(slice(None), *axes)]
    return torch.hstack([new.reshape(len(new), -1), new_bias[:, None]])


def rootless(kernels, mean, variance, weight, bias):
    """Divide by the variance instead of the standard deviation."""
    rows = []
    for k, m, v, w, b in zip(kernels, mean, variance, weight, bias, strict=True):
        factor = w / (v + 1e-5)
        rows.append([*(factor * k).flatten().tolist(), (b - factor * m).item()])
    return torch.tensor(rows)


# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("05.1", lambda i, c: of_modules(i, c, norm=False), "Batch norm is missing"),
    ("05.1", lambda i, c: of_modules(i, c, bias=True), "The convolutions have no bias"),
    ("05.1", lambda i, c: of_modules(i, c, shortcut=False), "The shortcut is forgotten"),
    ("05.1", lambda i, c: of_modules(i, c, wide=1), "The last convolution of the branch"),
    ("05.1", lambda i, c: of_modules(i, c, norm=False, shortcut=False), "Those are the convolutions of the branch"),
    ("05.1", everything_stored, "The running mean and variance are measured"),
    ("05.1", always_a_convolution, "Not every shortcut has a convolution"),
    ("05.2", lambda layers: 1 + sum(k - 1 for k, _ in layers), "The strides are ignored"),
    ("05.2", after_the_step, "The stride of a layer counts for the layers after it"),
    ("05.2", from_the_photo, "From the wrong end"),
    ("05.2", lambda layers: field_with(layers, lambda k, s: k - 1, lambda step, s: s), "Strides multiply: after"),
    ("05.2", lambda layers: field_with(layers, lambda k, s: k, lambda step, s: step * s), "Off by one in each layer"),
    ("05.2", lambda layers: sum(k for k, _ in layers), "That is the sum of the kernels"),
    ("05.3", 8 * 8 * 5 * 2 * 3 * 3, "The stride is ignored"),
    ("05.3", 3**2 * 5 * 2 * 3 * 3, "The padding is ignored"),
    ("05.3", 5 * 2 * 3 * 3, "Those are the weights"),
    ("05.3", 4 * 4 * 5, "Those are the numbers that come out"),
    ("05.3", 4 * 4 * 5 * 2, "The pixels of the kernel are forgotten"),
    ("05.3", 4 * 4 * 3 * 3 * 2, "That is for one map that comes out"),
    ("05.3", 4 * 4 * 3 * 3 * 5, "The maps that come in are forgotten"),
    ("05.4", lambda *inputs: folded_with(*inputs, axes=(None, None)), "The scale runs along the channels that come in"),
    ("05.4", lambda *inputs: folded_with(*inputs, eps=0), "eps is forgotten"),
    ("05.4", lambda *inputs: folded_with(*inputs, shift=lambda m, s, b: b), "The mean is forgotten"),
    ("05.4", lambda *inputs: folded_with(*inputs, shift=lambda m, s, b: b - m), "The mean is not scaled"),
    (
        "05.4",
        lambda *inputs: folded_with(*inputs, shift=lambda m, s, b: s * (b - m)),
        "The bias of the batch norm is s",
    ),
    ("05.4", rootless, "Divided by the variance"),
    ("05.4", lambda *inputs: folded_with(*inputs)[:, :-1], "Those are the kernels alone"),
]


def test_an_answer_that_reverses_its_list_is_right():
    """An answer gets a copy of the list, so that it may reverse it in place."""

    def backwards(layers):
        field = 1
        layers.reverse()
        for kernel, stride in layers:
            field = (field - 1) * stride + kernel
        return field

    assert judge(find_exercise("05.2"), backwards).status == "right"


def test_the_receptive_field_is_what_the_gradient_reaches():
    """The receptive field is the number of adjacent pixels on which one output depends."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        (layers,) = find_exercise("05.2").draw(generator)
        field = find_exercise("05.2").reference(layers)
        pixels = torch.ones(1, 1, field, dtype=torch.float64, requires_grad=True)
        x = pixels
        for kernel, stride in layers:
            x = torch.nn.functional.conv1d(x, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
        assert x.shape[-1] == 1  # the field fits exactly one output
        x.sum().backward()
        assert pixels.grad[0, 0, 0] > 0 and pixels.grad[0, 0, -1] > 0


def test_the_folded_convolution_replaces_both_layers():
    """One convolution with the new kernels and biases has the output of the convolution and the batch norm."""
    kernels, *norm = find_exercise("05.4").draw(torch.Generator().manual_seed(1))
    images = torch.randn(2, kernels.shape[1], 6, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    both = torch.nn.functional.batch_norm(torch.nn.functional.conv2d(images, kernels), *norm)
    rows = find_exercise("05.4").reference(kernels, *norm)
    alone = torch.nn.functional.conv2d(images, rows[:, :-1].reshape(kernels.shape), rows[:, -1])
    torch.testing.assert_close(alone, both)
