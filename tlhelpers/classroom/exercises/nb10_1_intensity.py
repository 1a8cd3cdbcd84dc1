"""Exercise 10.1: compute the arithmetic intensity of a convolution."""

from collections.abc import Callable

from torch import Generator

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[int, int, int, int, int]:
    channels, filters = (whole_number(generator, 3, 40) for _ in range(2))
    kernel, number_bytes = 2 * whole_number(generator, 0, 2) + 1, 2 ** whole_number(generator, 0, 2)
    return channels, filters, whole_number(generator, 4, 30), kernel, number_bytes


def _operations(channels: int, filters: int, size: int, kernel: int) -> int:
    return 2 * channels * filters * kernel**2 * size**2


def _value_counts(channels: int, filters: int, size: int, kernel: int) -> tuple[int, int, int]:
    """Return how many values the input has, the kernels, and the output."""
    return channels * size**2, channels * filters * kernel**2, filters * size**2


def _per_byte(*weights: int) -> Callable[..., float]:
    """Return the answer that counts the bytes of input, kernels and output this many times each."""

    def answer(channels: int, filters: int, size: int, kernel: int, number_bytes: int) -> float:
        moved = sum(w * n for w, n in zip(weights, _value_counts(channels, filters, size, kernel), strict=True))
        return _operations(channels, filters, size, kernel) / (number_bytes * moved)

    return answer


_intensity = _per_byte(1, 1, 1)


EXERCISE = Exercise(
    reference=_intensity,
    draw=_draw,
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
