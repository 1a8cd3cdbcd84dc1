"""The mathematics by hand: indexing, arithmetic, matrix products, sums and maxima, and nothing ready-made."""

from . import nn
from .adaptive_pooling import (
    adaptive_mean_pool2d,
    adaptive_mean_pool2d_backward,
    global_mean_pool2d,
    global_mean_pool2d_backward,
)
from .convolution import conv2d, conv2d_backward, conv2d_loops, conv2d_matrix
from .cross_entropy import cross_entropy, cross_entropy_backward
from .initialization import fans, kaiming_normal, kaiming_uniform, xavier_normal, xavier_uniform
from .layers import add, add_backward, linear, linear_backward, relu, relu_backward
from .normalization import batch_norm2d, batch_norm2d_backward
from .optimizers import SGD, Adam, AdamW
from .pooling import max_pool2d, max_pool2d_backward, mean_pool2d, mean_pool2d_backward
from .quantization import dequantize, quantize, quantized_linear, scale_of
from .schedules import cosine_rate, one_cycle_momentum, one_cycle_rate
from .softmax import log_softmax, log_softmax_backward, log_sum_exp, softmax, softmax_backward
from .windows import col2im, im2col, output_size

__all__ = [
    "Adam",
    "AdamW",
    "SGD",
    "adaptive_mean_pool2d",
    "adaptive_mean_pool2d_backward",
    "add",
    "add_backward",
    "batch_norm2d",
    "batch_norm2d_backward",
    "col2im",
    "conv2d",
    "conv2d_backward",
    "conv2d_loops",
    "conv2d_matrix",
    "cosine_rate",
    "cross_entropy",
    "cross_entropy_backward",
    "dequantize",
    "fans",
    "global_mean_pool2d",
    "global_mean_pool2d_backward",
    "im2col",
    "kaiming_normal",
    "kaiming_uniform",
    "linear",
    "linear_backward",
    "log_softmax",
    "log_softmax_backward",
    "log_sum_exp",
    "max_pool2d",
    "max_pool2d_backward",
    "mean_pool2d",
    "mean_pool2d_backward",
    "nn",
    "one_cycle_momentum",
    "one_cycle_rate",
    "output_size",
    "quantize",
    "quantized_linear",
    "relu",
    "relu_backward",
    "scale_of",
    "softmax",
    "softmax_backward",
    "xavier_normal",
    "xavier_uniform",
]
