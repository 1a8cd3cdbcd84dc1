"""Answers to the exercises of notebook 10 that share no code with the exercises; ``test_exercises.py`` uses them."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from tlhelpers.classroom.exercises import find_exercise


def whole(share, factor):
    old = {"part": share, "rest": 1 - share}
    new = {"part": old["part"] / factor, "rest": old["rest"]}
    return sum(old.values()) / sum(new.values())


def intensity(channels, filters, size, kernel, number_bytes):
    convolution = nn.Conv2d(channels, filters, kernel, padding="same", bias=False)
    image = torch.zeros(1, channels, size, size)
    with FlopCounterMode(display=False) as counter:
        output = convolution(image)
    moved = image.numel() + output.numel() + sum(values.numel() for values in convolution.parameters())
    return counter.get_total_flops() / moved / number_bytes


def round_trip(x):
    grid = torch.linspace(0, 1, 256, dtype=x.dtype) * x.max()
    nearest = (x.flatten()[:, None] - grid).abs().argmin(dim=1)
    return grid[nearest].reshape(x.shape)


def merged(weight, down, up, scale):
    """Send images with a single 1 through both branches; the output is the kernel, flipped."""
    channels, side = weight.shape[1], weight.shape[-1]
    single = torch.zeros(channels, channels, 2 * side - 1, 2 * side - 1, dtype=weight.dtype)
    single[range(channels), range(channels), side - 1, side - 1] = 1
    output = F.conv2d(single, weight) + scale * F.conv2d(F.conv2d(single, down), up)  # (C, O, k, k)
    return output.flip(2, 3).transpose(0, 1)


SOLUTIONS = {"10.1": intensity, "10.2": round_trip, "10.3": whole, "10.4": merged}


def mean_of_speeds(share, factor):
    return share * factor + (1 - share) * 1


def forgets_what_is_written(channels, filters, size, kernel, number_bytes):
    moved = channels * size * size + filters * channels * kernel * kernel
    return 2 * filters * size * size * channels * kernel * kernel / moved / number_bytes


def truncates(x):
    step = x.max() / 255
    return (x / step).to(torch.uint8) * step


def by_matrices(weight, down, up, scale):
    """Flatten everything to matrices, and forget the scale."""
    return weight + (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)


TYPICAL = [
    ("10.3", mean_of_speeds, "Speeds were averaged"),
    ("10.3", lambda share, factor: factor, "That would be so if everything became faster"),
    ("10.1", forgets_what_is_written, "The output is written too"),
    ("10.1", lambda *inputs: intensity(*inputs) / 2, "A product and an addition are two operations"),
    ("10.2", truncates, "Cut off, not rounded"),
    ("10.2", lambda x: (255 * x / x.max()).round(), "Those are the whole numbers"),
    ("10.4", by_matrices, "The scale is missing"),
    ("10.4", lambda weight, down, up, scale: merged(0 * weight, down, up, scale), "That is the adapter alone"),
]


def test_a_merged_adapter_gives_the_same_output():
    """One convolution with the merged kernel has the output of convolution and adapter together."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        weight, down, up, scale = find_exercise("10.4").draw(generator)
        images = torch.randn(2, weight.shape[1], 7, 7, dtype=torch.float64)
        both = F.conv2d(images, weight) + scale * F.conv2d(F.conv2d(images, down), up)
        one = find_exercise("10.4").reference(weight, down, up, scale)
        torch.testing.assert_close(F.conv2d(images, one), both)


def test_a_sign_doubles_the_rounding_error():
    """With 127 steps instead of 255 the largest error is about twice as large."""
    x = torch.rand(10000, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    step = x.max() / 127
    lost = [(back - x).abs().max() for back in (find_exercise("10.2").reference(x), (x / step).round() * step)]
    assert 1.9 < lost[1] / lost[0] < 2.1
