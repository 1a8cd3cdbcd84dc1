"""Exercises of notebook 10: operations per byte, eight bits without a sign, a part made faster, an adapter merged."""

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw_convolution(generator: Generator) -> tuple[int, int, int, int, int]:
    channels, filters = (whole_number(generator, 3, 40) for _ in range(2))
    kernel, number_bytes = 2 * whole_number(generator, 0, 2) + 1, 2 ** whole_number(generator, 0, 2)
    return channels, filters, whole_number(generator, 4, 30), kernel, number_bytes


def _operations(channels: int, filters: int, size: int, kernel: int) -> int:
    return 2 * channels * filters * kernel**2 * size**2


def _numbers(channels: int, filters: int, size: int, kernel: int) -> tuple[int, int, int]:
    """Return how many numbers the input has, the kernels, and the output."""
    return channels * size**2, channels * filters * kernel**2, filters * size**2


def _per_byte(*weights: int):
    """Return the answer that counts the bytes of input, kernels and output so many times each."""

    def answer(channels: int, filters: int, size: int, kernel: int, number_bytes: int) -> float:
        moved = sum(w * n for w, n in zip(weights, _numbers(channels, filters, size, kernel), strict=True))
        return _operations(channels, filters, size, kernel) / (number_bytes * moved)

    return answer


_intensity = _per_byte(1, 1, 1)


INTENSITY = Exercise(
    reference=_intensity,
    draw=_draw_convolution,
    mistakes={
        "A product and an addition are two operations: twice as many.": lambda *drawn: _intensity(*drawn) / 2,
        "The kernels are read too: their bytes are missing.": _per_byte(1, 0, 1),
        "The output is written too: its bytes are missing.": _per_byte(1, 1, 0),
        "The input is read too: its bytes are missing.": _per_byte(0, 1, 1),
        "That is per number: each takes number_bytes bytes.": lambda *drawn: _intensity(*drawn) * drawn[-1],
        "That is per bit, or number_bytes was taken for bits: a byte is eight of them.": (
            lambda *drawn: _intensity(*drawn) / 8
        ),
        "A kernel has kernel x kernel places in each channel, not kernel.": (
            lambda c, f, s, k, b: 2 * c * f * k * s**2 / (b * (c * s**2 + c * f * k + f * s**2))
        ),
        "Each filter sums over all channels of the input: the operations lack them.": (
            lambda c, f, s, k, b: _intensity(c, f, s, k, b) / c
        ),
        "Each filter makes a map of its own: the operations lack the filters.": (
            lambda c, f, s, k, b: _intensity(c, f, s, k, b) / f
        ),
        "A filter works once for each place of the output: the operations lack size x size.": (
            lambda c, f, s, k, b: _intensity(c, f, s, k, b) / s**2
        ),
        "An image has size x size pixels, in operations and in bytes.": (
            lambda c, f, s, k, b: 2 * c * f * k**2 * s / (b * (c * s + c * f * k**2 + f * s))
        ),
        "Upside down: that is bytes per operation.": lambda *drawn: 1 / _intensity(*drawn),
        "The kernels count once, not anew for every place: they stay near the processor.": (
            lambda c, f, s, k, b: _per_byte(1, s**2, 1)(c, f, s, k, b)
        ),
        "Each pixel counts once, not for every place of the kernel that it meets.": (
            lambda c, f, s, k, b: _per_byte(k**2, 1, 1)(c, f, s, k, b)
        ),
    },
)


def _draw_activations(generator: Generator) -> tuple[Tensor]:
    rows, columns = (whole_number(generator, 2, 5) for _ in range(2))
    above = torch.randint(2, (), generator=generator)  # at times even the smallest is above zero
    return (torch.randn(rows, columns, generator=generator, dtype=torch.float64).abs() + above,)


def _back(x: Tensor, step: Tensor) -> Tensor:
    return (x / step).round() * step


def _with_offset(x: Tensor) -> Tensor:
    step = (x.max() - x.min()) / 255
    return ((x - x.min()) / step).round() * step + x.min()


EIGHT_BITS = Exercise(
    reference=lambda x: _back(x, x.max() / 255),
    draw=_draw_activations,
    mistakes={
        "127 leaves room for a sign that nobody needs: up to 255.": lambda x: _back(x, x.max() / 127),
        "From 0 to 255 there are 255 steps, not 256: the largest would be 256.": lambda x: _back(x, x.max() / 256),
        "Cut off, not rounded: the nearest whole number may be the next one.": (
            lambda x: (x / (x.max() / 255)).floor() * (x.max() / 255)
        ),
        "Always rounded up: the nearest whole number may be the one below.": (
            lambda x: (x / (x.max() / 255)).ceil() * (x.max() / 255)
        ),
        "Those are the whole numbers: multiply them by the step, to have them back.": (
            lambda x: (x / (x.max() / 255)).round()
        ),
        "Nothing was rounded: that is x itself.": lambda x: x.clone(),
        "Divided by the step once more: on the way back it multiplies.": (
            lambda x: (x / (x.max() / 255)).round() / (x.max() / 255)
        ),
        "Whole numbers from the smallest value on need an offset to be kept as well: here 0 stays 0.": _with_offset,
        "The step goes by the largest value, not by largest minus smallest.": (
            lambda x: _back(x, (x.max() - x.min()) / 255)
        ),
        "One step for the whole tensor, not for each row.": lambda x: _back(x, x.amax(dim=1, keepdim=True) / 255),
        "One step for the whole tensor, not for each column.": lambda x: _back(x, x.amax(dim=0) / 255),
        "The largest value is missing from the step: steps of 1 / 255 suit numbers up to 1.": (
            lambda x: _back(x, torch.tensor(1 / 255))
        ),
        "Whole numbers of the values themselves: first divide by the step.": lambda x: x.round(),
    },
)


def _draw_part(generator: Generator) -> tuple[float, float]:
    share, factor = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    return 0.1 + 0.8 * share, 1.5 + 10 * factor


A_PART_FASTER = Exercise(
    reference=lambda share, factor: 1 / (1 - share + share / factor),
    draw=_draw_part,
    mistakes={
        "That is the time that is left, as a part of the old: how many times faster is 1 over it.": (
            lambda share, factor: 1 - share + share / factor
        ),
        "That is the time saved, as a part of the old: what is left, and how often does it fit into the old?": (
            lambda share, factor: share - share / factor
        ),
        "That would be so if everything became faster; the rest takes as long as before.": lambda share, factor: factor,
        "That would be so if the part took no time at all; it still takes share / factor.": (
            lambda share, factor: 1 / (1 - share)
        ),
        "Speeds were averaged. Times add up, speeds do not: write down the new time.": (
            lambda share, factor: 1 - share + share * factor
        ),
        "There the rest became faster, and the part stayed as it was.": (
            lambda share, factor: 1 / (share + (1 - share) / factor)
        ),
        "The new time of the part was taken off the whole: its old time goes, and its new time comes.": (
            lambda share, factor: 1 / (1 - share / factor)
        ),
        "The rest is missing: it takes 1 - share, as before.": lambda share, factor: factor / share,
        "Divide where you multiplied, and add what the rest takes.": lambda share, factor: share * factor,
        "The part's old time is still in it: 1 - share is the rest.": lambda share, factor: 1 / (1 + share / factor),
        "In percent, or without the 1 of the old time: twice as fast is 2, not 1.": (
            lambda share, factor: 1 / (1 - share + share / factor) - 1
        ),
    },
)


def _draw_adapter(generator: Generator) -> tuple[Tensor, Tensor, Tensor, float]:
    outputs, channels, rank = (whole_number(generator, 2, 5) for _ in range(3))
    side = 2 * whole_number(generator, 0, 2) + 1
    shapes = (outputs, channels, side, side), (rank, channels, side, side), (outputs, rank, 1, 1)
    weight, down, up = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    return weight, down, up, 0.5 + torch.rand((), generator=generator).item()


def _beside(down: Tensor, up: Tensor) -> Tensor:
    return torch.einsum("or,rcij->ocij", up[:, :, 0, 0], down)


def _only_in_the_middle(weight: Tensor, down: Tensor, up: Tensor, scale: float) -> Tensor:
    whole, middle = weight.clone(), weight.shape[-1] // 2
    whole[:, :, middle, middle] += scale * _beside(down, up)[:, :, middle, middle]
    return whole


ADAPTER_GOES = Exercise(
    reference=lambda weight, down, up, scale: weight + scale * _beside(down, up),
    draw=_draw_adapter,
    mistakes={
        "The scale is missing.": lambda weight, down, up, scale: weight + _beside(down, up),
        "The scale belongs to the adapter alone, not to the frozen weight.": (
            lambda weight, down, up, scale: scale * (weight + _beside(down, up))
        ),
        "The scale came in twice.": lambda weight, down, up, scale: weight + scale**2 * _beside(down, up),
        "That is the adapter alone: the frozen weight goes on working beside it.": (
            lambda weight, down, up, scale: scale * _beside(down, up)
        ),
        "The frozen weight stays whole: nothing is taken from it.": (
            lambda weight, down, up, scale: (1 - scale) * weight + scale * _beside(down, up)
        ),
        "The sign: the adapter's output is added.": lambda weight, down, up, scale: weight - scale * _beside(down, up),
        "The outputs of the narrow filters are added up, not averaged.": (
            lambda weight, down, up, scale: weight + scale * _beside(down, up) / len(down)
        ),
        "torch's convolution does not turn its kernels round, so nothing is flipped.": (
            lambda weight, down, up, scale: weight + scale * _beside(down.flip(2, 3), up)
        ),
        "up is missing: it says how much of each narrow filter an output gets.": (
            lambda weight, down, up, scale: weight + scale * down.sum(dim=0)
        ),
        "Only the first of the narrow filters is in it.": (
            lambda weight, down, up, scale: weight + scale * _beside(down[:1], up[:, :1])
        ),
        "Only the middle of the kernel was changed: down has kernels of the full size.": _only_in_the_middle,
        "down and up were added: one works on what the other gives out, so their numbers are multiplied.": (
            lambda weight, down, up, scale: weight + scale * (up.sum(dim=1, keepdim=True) + down.sum(dim=0))
        ),
    },
)

EXERCISES = {"10.1": INTENSITY, "10.2": EIGHT_BITS, "10.3": A_PART_FASTER, "10.4": ADAPTER_GOES}
