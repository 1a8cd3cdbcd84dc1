"""Wrong answers to the exercises of notebook 01, as learners write them; ``test_wrong_answers.py`` uses them."""

import torch
import torch.nn.functional as F


def places(size, kernel, stride=1, padding=0):
    return (size + 2 * padding - kernel) // stride + 1


# 01.1: move the picture


def moved_the_other_way(down, right):
    kernel = torch.zeros(3, 3)
    kernel[1 + down, 1 + right] = 1
    return kernel


def axes_swapped(down, right):
    kernel = torch.zeros(3, 3)
    kernel[1 - right, 1 - down] = 1
    return kernel


def one_for_each_direction(down, right):
    kernel = torch.zeros(3, 3)
    kernel[1 - down, 1] = 1
    kernel[1, 1 - right] = 1
    return kernel


def only_rows_turned(down, right):
    kernel = torch.zeros(3, 3)
    kernel[1 - down, 1 + right] = 1
    return kernel


def counted_from_one(down, right):
    kernel = torch.zeros(3, 3)
    kernel[2 - down, 2 - right] = 1
    return kernel


def identity_matrix_rolled(down, right):
    return torch.eye(3).roll((-down, -right), dims=(0, 1))


# 01.2: a kernel with gaps


def dilation_taken_for_zeros_between(image, kernel, dilation):
    height, width = kernel.shape
    step = dilation + 1
    rows, columns = image.shape[0] - (height - 1) * step, image.shape[1] - (width - 1) * step
    output = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            output[i, j] = (image[i : i + step * height : step, j : j + step * width : step] * kernel).sum()
    return output


def gaps_not_in_the_size(image, kernel, dilation):
    height, width = kernel.shape
    output = torch.zeros(places(image.shape[0], height), places(image.shape[1], width))
    for i in range(output.shape[0]):
        for j in range(output.shape[1]):
            for k in range(height):
                for m in range(width):
                    output[i, j] += kernel[k, m] * image[i + k * dilation, j + m * dilation]
    return output


def dilation_taken_for_stride(image, kernel, dilation):
    height, width = kernel.shape
    output = torch.zeros(places(image.shape[0], height, dilation), places(image.shape[1], width, dilation))
    for i in range(output.shape[0]):
        for j in range(output.shape[1]):
            top, left = i * dilation, j * dilation
            output[i, j] = (image[top : top + height, left : left + width] * kernel).sum()
    return output


def last_windows_missed(image, kernel, dilation):
    height, width = kernel.shape
    rows, columns = places(image.shape[0], height * dilation), places(image.shape[1], width * dilation)
    output = torch.zeros(rows, columns)
    for k in range(height):
        for m in range(width):
            top, left = k * dilation, m * dilation
            output += kernel[k, m] * image[top : top + rows, left : left + columns]
    return output


def numbers_repeated_in_the_gaps(image, kernel, dilation):
    wide = kernel.repeat_interleave(dilation, 0).repeat_interleave(dilation, 1)
    height, width = dilation * (kernel.shape[0] - 1) + 1, dilation * (kernel.shape[1] - 1) + 1
    output = torch.zeros(places(image.shape[0], height), places(image.shape[1], width))
    for i in range(output.shape[0]):
        for j in range(output.shape[1]):
            output[i, j] = (image[i : i + height, j : j + width] * wide[:height, :width]).sum()
    return output


def kernel_taken_for_square(image, kernel, dilation):
    size = len(kernel)
    span = (size - 1) * dilation
    rows, columns = image.shape[0] - span, image.shape[1] - span
    output = torch.zeros(rows, columns)
    for k in range(size):
        for m in range(size):
            top, left = k * dilation, m * dilation
            output += kernel[k, m] * image[top : top + rows, left : left + columns]
    return output


# 01.4: larger again


def overlaps_overwritten(small, kernel, stride):
    (rows, columns), (height, width) = small.shape, kernel.shape
    large = torch.zeros(stride * (rows - 1) + height, stride * (columns - 1) + width)
    for i in range(rows):
        for j in range(columns):
            large[i * stride : i * stride + height, j * stride : j * stride + width] = small[i, j] * kernel
    return large


def overlaps_averaged(small, kernel, stride):
    (rows, columns), (height, width) = small.shape, kernel.shape
    large = torch.zeros(stride * (rows - 1) + height, stride * (columns - 1) + width)
    seen = torch.zeros_like(large)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            large[top : top + height, left : left + width] += small[i, j] * kernel
            seen[top : top + height, left : left + width] += 1
    return large / seen.clamp(min=1)


def kernel_not_flipped(small, kernel, stride):
    (rows, columns), (height, width) = small.shape, kernel.shape
    spread = small.new_zeros(stride * (rows - 1) + 1, stride * (columns - 1) + 1)
    spread[::stride, ::stride] = small
    return F.conv2d(spread[None, None], kernel[None, None], padding=(height - 1, width - 1))[0, 0]


def stride_times_the_size(small, kernel, stride):
    (rows, columns), (height, width) = small.shape, kernel.shape
    large = torch.zeros(stride * rows, stride * columns)
    for i in range(rows):
        for j in range(columns):
            large[i * stride : i * stride + height, j * stride : j * stride + width] += small[i, j] * kernel
    return large


def nothing_returned(small, kernel, stride):
    (rows, columns), (height, width) = small.shape, kernel.shape
    large = torch.zeros(stride * (rows - 1) + height, stride * (columns - 1) + width)
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            large[top : top + height, left : left + width] += small[i, j] * kernel


def pixels_repeated_then_convolved(small, kernel, stride):
    height, width = kernel.shape
    large = small.repeat_interleave(stride, 0).repeat_interleave(stride, 1)
    return F.conv2d(large[None, None], kernel[None, None], padding=(height - 1, width - 1))[0, 0]


WRONG = {
    "01.1": [
        moved_the_other_way,
        axes_swapped,
        one_for_each_direction,
        only_rows_turned,
        counted_from_one,
        identity_matrix_rolled,
    ],
    "01.2": [
        dilation_taken_for_zeros_between,
        gaps_not_in_the_size,
        dilation_taken_for_stride,
        last_windows_missed,
        numbers_repeated_in_the_gaps,
        kernel_taken_for_square,
    ],
    "01.3": [
        48 * 16 * 16 * 24 * 3 * 3,  # every kernel sees all channels
        48 * 32 * 32 * (24 // 6) * 3 * 3,  # as if the stride were 1
        48 * places(32, 3, stride=2) ** 2 * (24 // 6) * 3 * 3,  # the padding forgotten
        (48 // 6) * 16 * 16 * (24 // 6) * 3 * 3,  # one group only
        2 * 48 * 16 * 16 * (24 // 6) * 3 * 3,  # multiplications and additions counted apart
        48 * (24 // 6) * 3 * 3,  # the weights
    ],
    "01.4": [
        overlaps_overwritten,
        overlaps_averaged,
        kernel_not_flipped,
        stride_times_the_size,
        nothing_returned,
        pixels_repeated_then_convolved,
    ],
}
