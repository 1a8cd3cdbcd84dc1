"""The mathematics by hand: indexing, arithmetic, matrix products, sums and maxima, and nothing ready-made."""

from .convolution import conv2d, conv2d_loops, im2col, output_size
from .pooling import global_mean_pool2d, max_pool2d, mean_pool2d
from .softmax import cross_entropy, cross_entropy_grad, linear, log_softmax, softmax

__all__ = [
    "conv2d",
    "conv2d_loops",
    "cross_entropy",
    "cross_entropy_grad",
    "global_mean_pool2d",
    "im2col",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mean_pool2d",
    "output_size",
    "softmax",
]
