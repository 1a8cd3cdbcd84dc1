"""The mathematics by hand: indexing, arithmetic, matrix products, exp and log, sums and maxima."""

from tlhelpers.byhand import nn
from tlhelpers.byhand.adaptive_pooling import (
    adaptive_mean_pool2d,
    adaptive_mean_pool2d_backward,
    global_mean_pool2d,
    global_mean_pool2d_backward,
)
from tlhelpers.byhand.convolution import conv2d, conv2d_backward, conv2d_loops, conv2d_matrix
from tlhelpers.byhand.cross_entropy import cross_entropy, cross_entropy_backward
from tlhelpers.byhand.initialization import fans, kaiming_normal, kaiming_uniform, xavier_normal, xavier_uniform
from tlhelpers.byhand.layers import add, add_backward, linear, linear_backward, relu, relu_backward
from tlhelpers.byhand.normalization import batch_norm2d, batch_norm2d_backward
from tlhelpers.byhand.optimizers import SGD, Adam, AdamW
from tlhelpers.byhand.pooling import max_pool2d, max_pool2d_backward, mean_pool2d, mean_pool2d_backward
from tlhelpers.byhand.quantization import dequantize, quantize, quantized_linear, scale_of
from tlhelpers.byhand.schedules import cosine_rate, one_cycle_momentum, one_cycle_rate
from tlhelpers.byhand.softmax import log_softmax, log_softmax_backward, log_sum_exp, softmax, softmax_backward
from tlhelpers.byhand.windows import col2im, im2col, output_size

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
