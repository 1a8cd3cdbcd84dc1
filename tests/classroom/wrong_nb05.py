"""Wrong answers to the exercises of notebook 05, as learners write them; ``test_wrong_answers.py`` uses them."""

import torch


def running_statistics_counted(in_channels, channels):
    wide = 4 * channels
    count = in_channels * channels + 9 * channels * channels + channels * wide + 4 * (channels + channels + wide)
    if in_channels != wide:
        count += in_channels * wide + 4 * wide
    return count


def shortcut_without_norm(in_channels, channels):
    wide = 4 * channels
    count = in_channels * channels + 9 * channels * channels + channels * wide + 2 * (channels + channels + wide)
    if in_channels != wide:
        count += in_channels * wide
    return count


def three_weights_in_a_3x3(in_channels, channels):
    wide = 4 * channels
    count = in_channels * channels + 3 * channels * channels + channels * wide + 2 * (channels + channels + wide)
    if in_channels != wide:
        count += in_channels * wide + 2 * wide
    return count


def compared_with_the_squeeze(in_channels, channels):
    wide = 4 * channels
    count = in_channels * channels + 9 * channels * channels + channels * wide + 2 * (channels + channels + wide)
    if in_channels != channels:
        count += in_channels * wide + 2 * wide
    return count


def convolutions_with_bias(in_channels, channels):
    wide = 4 * channels
    count = in_channels * channels + 9 * channels * channels + channels * wide + 3 * (channels + channels + wide)
    if in_channels != wide:
        count += in_channels * wide + 3 * wide
    return count


def printed_only(in_channels, channels):
    wide = 4 * channels
    count = in_channels * channels + 9 * channels * channels + channels * wide + 2 * (channels + channels + wide)
    if in_channels != wide:
        count += in_channels * wide + 2 * wide
    print(count)


def strides_ignored(layers):
    return 1 + sum(kernel - 1 for kernel, _ in layers)


def own_stride_first(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        step *= stride
        field += (kernel - 1) * step
    return field


def last_stride_only(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step = stride
    return field


def backward_rule_run_forward(layers):
    field = 1
    for kernel, stride in layers:
        field = (field - 1) * stride + kernel
    return field


def returned_inside_the_loop(layers):  # noqa: RET503
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
        return field


def pixels_of_the_square(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field**2


def epsilon_forgotten(kernels, mean, variance, weight, bias):
    scale = weight / torch.sqrt(variance)
    new_bias = bias - mean * scale
    return torch.cat([(kernels * scale[:, None, None, None]).flatten(1), new_bias[:, None]], dim=1)


def mean_not_scaled(kernels, mean, variance, weight, bias):
    scale = weight / torch.sqrt(variance + 1e-5)
    new_bias = bias - mean
    return torch.cat([(kernels * scale[:, None, None, None]).flatten(1), new_bias[:, None]], dim=1)


def bias_scaled_too(kernels, mean, variance, weight, bias):
    scale = weight / torch.sqrt(variance + 1e-5)
    new_bias = (bias - mean) * scale
    return torch.cat([(kernels * scale[:, None, None, None]).flatten(1), new_bias[:, None]], dim=1)


def bias_in_front(kernels, mean, variance, weight, bias):
    scale = weight / torch.sqrt(variance + 1e-5)
    new_bias = bias - mean * scale
    return torch.cat([new_bias[:, None], (kernels * scale[:, None, None, None]).flatten(1)], dim=1)


def kernels_normalized(kernels, mean, variance, weight, bias):
    mean, variance, weight, shift = (v[:, None, None, None] for v in (mean, variance, weight, bias))
    new_kernels = weight * (kernels - mean) / torch.sqrt(variance + 1e-5) + shift
    return torch.cat([new_kernels.flatten(1), bias[:, None]], dim=1)


def input_channels_scaled(kernels, mean, variance, weight, bias):
    scale = weight / torch.sqrt(variance + 1e-5)
    new_bias = bias - mean * scale
    return torch.cat([(kernels * scale[:, None, None]).flatten(1), new_bias[:, None]], dim=1)


WRONG = {
    "05.1": [
        running_statistics_counted,
        shortcut_without_norm,
        three_weights_in_a_3x3,
        compared_with_the_squeeze,
        convolutions_with_bias,
        printed_only,
    ],
    "05.2": [
        strides_ignored,
        own_stride_first,
        last_stride_only,
        backward_rule_run_forward,
        returned_inside_the_loop,
        pixels_of_the_square,
    ],
    "05.3": [
        8 * 8 * 5 * (2 * 3 * 3),  # the stride forgotten
        3 * 3 * 5 * (2 * 3 * 3),  # the padding forgotten
        4 * 4 * 5 * (3 * 3),  # one map of two
        5 * (2 * 3 * 3),  # the weights, not the multiply-adds
        4 * 4 * 5 * (2 * 3 * 3) * 2,  # multiplications and additions counted apart
        ((8 + 2 - 3) / 2 + 1) ** 2 * 5 * (2 * 3 * 3),  # half a place not rounded down
    ],
    "05.4": [
        epsilon_forgotten,
        mean_not_scaled,
        bias_scaled_too,
        bias_in_front,
        kernels_normalized,
        input_channels_scaled,
    ],
}
