"""The mathematics by hand: indexing, arithmetic, matrix products, sums and maxima, and nothing ready-made."""

from .convolution import conv2d, conv2d_loops, im2col, output_size

__all__ = [
    "conv2d",
    "conv2d_loops",
    "im2col",
    "output_size",
]
