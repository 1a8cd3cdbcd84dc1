"""Wrong answers to the exercises of notebook 02, as learners write them; ``test_wrong_answers.py`` uses them."""

import torch
import torch.nn.functional as F

import tlhelpers as tl


def in_equal_parts(window, grad):
    return grad.expand_as(window) / (window.shape[-2] * window.shape[-1])


# 02.1: the smallest of every window


def turned_but_not_back(images, kernel):
    return tl.byhand.max_pool2d(-images, kernel)


def turned_back_only(images, kernel):
    return -tl.byhand.max_pool2d(images, kernel)


def sign_taken_off(images, kernel):
    return tl.byhand.max_pool2d(-images, kernel).abs()


def reciprocal_of_the_reciprocals(images, kernel):
    return 1 / tl.byhand.max_pool2d(1 / images, kernel)


def windows_overlap(images, kernel):
    return -tl.byhand.max_pool2d(-images, kernel, stride=1)


def smallest_of_each_channel(images, kernel):
    return -tl.byhand.max_pool2d(-images, images.shape[2:])


# 02.2: a mean without the border


def border_counted(images, kernel, stride, padding):
    return tl.byhand.mean_pool2d(images, kernel, stride=stride, padding=padding)


def black_not_counted(images, kernel, stride, padding):
    means = tl.byhand.mean_pool2d(images, kernel, stride=stride, padding=padding)
    share = tl.byhand.mean_pool2d((images != 0).to(images.dtype), kernel, stride=stride, padding=padding)
    return means / share


def multiplied_by_the_share(images, kernel, stride, padding):
    means = tl.byhand.mean_pool2d(images, kernel, stride=stride, padding=padding)
    return means * tl.byhand.mean_pool2d(torch.ones_like(images), kernel, stride=stride, padding=padding)


def corners_only(images, kernel, stride, padding):
    means = tl.byhand.mean_pool2d(images, kernel, stride=stride, padding=padding)
    for i in (0, -1):
        for j in (0, -1):
            means[..., i, j] *= kernel**2 / (kernel - padding) ** 2
    return means


def stride_forgotten_for_the_ones(images, kernel, stride, padding):
    means = tl.byhand.mean_pool2d(images, kernel, stride=stride, padding=padding)
    return means / tl.byhand.mean_pool2d(torch.ones_like(images), kernel, padding=padding)


def edge_pixels_repeated(images, kernel, stride, padding):
    framed = F.pad(images, (padding,) * 4, mode="replicate")
    return tl.byhand.mean_pool2d(framed, kernel, stride=stride)


# 02.4: the way back through adaptive pooling


def overlaps_overwritten(grad, height, width):
    rows, columns = grad.shape[2:]
    spread = torch.zeros(*grad.shape[:2], height, width)
    for i in range(rows):
        for j in range(columns):
            top, left = i * height // rows, j * width // columns
            bottom, right = -(-(i + 1) * height // rows), -(-(j + 1) * width // columns)
            here = (..., slice(top, bottom), slice(left, right))
            spread[here] = in_equal_parts(spread[here], grad[..., i, j, None, None])
    return spread


def whole_gradient_to_each_pixel(grad, height, width):
    rows, columns = grad.shape[2:]
    spread = torch.zeros(*grad.shape[:2], height, width)
    for i in range(rows):
        for j in range(columns):
            top, left = i * height // rows, j * width // columns
            bottom, right = -(-(i + 1) * height // rows), -(-(j + 1) * width // columns)
            spread[..., top:bottom, left:right] += grad[..., i, j, None, None]
    return spread


def one_size_for_all_windows(grad, height, width):
    rows, columns = grad.shape[2:]
    spread = torch.zeros(*grad.shape[:2], height, width)
    for i in range(rows):
        for j in range(columns):
            top, left = i * height // rows, j * width // columns
            bottom, right = -(-(i + 1) * height // rows), -(-(j + 1) * width // columns)
            spread[..., top:bottom, left:right] += grad[..., i, j, None, None] * rows * columns / (height * width)
    return spread


def ends_rounded_down(grad, height, width):
    rows, columns = grad.shape[2:]
    spread = torch.zeros(*grad.shape[:2], height, width)
    for i in range(rows):
        for j in range(columns):
            here = (
                ...,
                slice(i * height // rows, (i + 1) * height // rows),
                slice(j * width // columns, (j + 1) * width // columns),
            )
            spread[here] += grad[..., i, j, None, None] / spread[0, 0][here].numel()
    return spread


def gradient_pooled_to_the_size(grad, height, width):
    rows, columns = grad.shape[2:]
    return F.adaptive_avg_pool2d(grad, (height, width)) * rows * columns / (height * width)


def batch_and_channels_forgotten(grad, height, width):
    rows, columns = grad.shape[2:]
    spread = torch.zeros(height, width)
    for i in range(rows):
        for j in range(columns):
            top, left = i * height // rows, j * width // columns
            bottom, right = -(-(i + 1) * height // rows), -(-(j + 1) * width // columns)
            spread[top:bottom, left:right] += grad[i, j] / ((bottom - top) * (right - left))
    return spread


WRONG = {
    "02.1": [
        turned_but_not_back,
        turned_back_only,
        sign_taken_off,
        reciprocal_of_the_reciprocals,
        windows_overlap,
        smallest_of_each_channel,
    ],
    "02.2": [
        border_counted,
        black_not_counted,
        multiplied_by_the_share,
        corners_only,
        stride_forgotten_for_the_ones,
        edge_pixels_repeated,
    ],
    "02.3": [
        4 * 7 - 2 * 4,  # windows rounded up
        3 * 2 * 3,  # three losers in each window, the last column forgotten
        4 * 7 * 3 // 4,  # three of every four pixels
        2 * 3,  # the pixels that must stay
        4 * 7 - 3 * 6,  # windows that move by 1
        4,  # the last column alone
    ],
    "02.4": [
        overlaps_overwritten,
        whole_gradient_to_each_pixel,
        one_size_for_all_windows,
        ends_rounded_down,
        gradient_pooled_to_the_size,
        batch_and_channels_forgotten,
    ],
}
