"""Exercise 05.1: count the parameters of a bottleneck block."""

from torch import Generator

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[int, int]:
    """Draw in_channels and channels; half of the blocks need no convolution in the shortcut."""
    channels = whole_number(generator, 2, 64)
    return (4 * channels if whole_number(generator, 0, 1) else whole_number(generator, 2, 256)), channels


def _weights(in_channels: int, channels: int) -> int:
    """Count the weights of the three convolutions of the branch: 1x1, 3x3, 1x1."""
    return channels * (in_channels + 9 * channels + 4 * channels)


def _norms(channels: int, per_channel: int = 2) -> int:
    """Count the parameters of the three batch norms of the branch."""
    return per_channel * (channels + channels + 4 * channels)


def _shortcut(in_channels: int, channels: int, per_channel: int = 2) -> int:
    """Count the convolution and the batch norm of the shortcut, if it has them."""
    return (in_channels + per_channel) * 4 * channels if in_channels != 4 * channels else 0


def _block(in_channels: int, channels: int, per_channel: int = 2) -> int:
    return (
        _weights(in_channels, channels) + _norms(channels, per_channel) + _shortcut(in_channels, channels, per_channel)
    )


EXERCISE = Exercise(
    reference=_block,
    draw=_draw,
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
