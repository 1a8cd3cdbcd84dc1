"""Answers to the exercises of notebook 01 that share no code with the exercises; ``test_exercises.py`` uses them."""

import torch

from tlhelpers import byhand
from tlhelpers.classroom.exercises import find_exercise


def shift_kernel(down, right):
    kernel = torch.zeros(3, 3)
    kernel[1 - down, 1 - right] = 1
    return kernel


def dilated(image, kernel, dilation):
    rows = image.shape[0] - dilation * (kernel.shape[0] - 1)
    columns = image.shape[1] - dilation * (kernel.shape[1] - 1)
    total = torch.zeros(rows, columns)
    for k in range(kernel.shape[0]):
        for l in range(kernel.shape[1]):
            top, left = k * dilation, l * dilation
            total += kernel[k, l] * image[top : top + rows, left : left + columns]
    return total


def multiply_adds():
    positions = (32 + 2 * 1 - 3) // 2 + 1
    return positions**2 * 48 * (24 // 6) * 3**2


def enlarge(small, kernel, stride):
    size = [stride * (n - 1) + k for n, k in zip(small.shape, kernel.shape, strict=True)]
    matrix = byhand.conv2d_matrix(kernel[None, None], size, stride=stride)
    return (matrix.T @ small.flatten()).reshape(size)


SOLUTIONS = {"01.1": shift_kernel, "01.2": dilated, "01.3": multiply_adds, "01.4": enlarge}


# Wrong answers as a learner would write them.


def one_at(row, column):
    kernel = torch.zeros(3, 3)
    kernel[row, column] = 1
    return kernel


def one_and_middle(down, right):
    kernel = one_at(1, 1)
    kernel[1 - down, 1 - right] = 1
    return kernel


def mean_of_products(image, kernel, dilation):
    rows, columns = (n - dilation * (k - 1) for n, k in zip(image.shape, kernel.shape, strict=True))
    y = torch.zeros(rows, columns)
    for i in range(rows):
        for j in range(columns):
            window = image[i::dilation, j::dilation][: kernel.shape[0], : kernel.shape[1]]
            y[i, j] = (window * kernel).mean()
    return y


def flipped(image, kernel, dilation):
    return dilated(image, kernel.flip(0, 1), dilation)


def in_strides(image, kernel, dilation):
    return byhand.conv2d(image[None, None], kernel[None, None], stride=dilation)[0, 0]


def framed(image, kernel, dilation):
    return byhand.conv2d(image[None, None], kernel[None, None], padding=dilation, dilation=dilation)[0, 0]


def windows_laid_down(small, kernel, stride, size=None, add=True):
    """Place the kernel times each pixel; the size may be wrong, and windows may overwrite each other."""
    rows, columns = kernel.shape
    large = torch.zeros(size or [stride * (n - 1) + k for n, k in zip(small.shape, kernel.shape, strict=True)])
    for i in range(small.shape[0]):
        for j in range(small.shape[1]):
            window = large[i * stride : i * stride + rows, j * stride : j * stride + columns]
            new = (small[i, j] * kernel)[: window.shape[0], : window.shape[1]]
            window.copy_(window + new if add else new)
    return large


def mean_of_windows(small, kernel, stride):
    count = windows_laid_down(torch.ones_like(small), torch.ones_like(kernel), stride)
    return windows_laid_down(small, kernel, stride) / count.clamp(min=1)


def without_frame(small, kernel, stride):
    wide = torch.zeros([stride * (n - 1) + 1 for n in small.shape])
    wide[::stride, ::stride] = small
    return byhand.conv2d(wide[None, None], kernel.flip(0, 1)[None, None])[0, 0]


def squares(small, kernel, stride):
    return enlarge(small.repeat_interleave(stride, 0).repeat_interleave(stride, 1), kernel, 1)


def as_large_as_the_stride_says(small, kernel, stride):
    return windows_laid_down(small, kernel, stride, (stride * small.shape[0], stride * small.shape[1]))


TYPICAL = [
    ("01.1", lambda down, right: one_at(1 + down, 1 + right), "The picture moves the other way"),
    ("01.1", lambda down, right: one_at(1 - right, 1 - down), "Rows and columns are swapped"),
    ("01.1", lambda down, right: one_at(-down, -right), "Off by one"),
    ("01.1", lambda down, right: one_at(1, 1), "Nothing moves"),
    ("01.1", one_at, "Two slips: the middle"),
    ("01.1", lambda down, right: one_at(1 - down, 1 + right), "Up and down are right"),
    ("01.1", lambda down, right: one_at(1 + down, 1 - right), "Left and right are right"),
    ("01.1", one_and_middle, "The picture stays as well"),
    ("01.2", lambda image, kernel, dilation: dilated(image, kernel, 1), "The gaps are missing"),
    ("01.2", in_strides, "That is a stride"),
    ("01.2", lambda image, kernel, dilation: dilated(image, kernel, dilation + 1), "The gaps are one too wide"),
    ("01.2", flipped, "The kernel is flipped"),
    ("01.2", mean_of_products, "That is the mean"),
    ("01.2", framed, "Zeros were added"),
    ("01.3", 16 * 16 * 48 * 24 * 9, "The groups save nothing"),
    ("01.3", 16 * 16 * 48 // 6 * 4 * 9, "The groups were counted twice"),
    ("01.3", 32 * 32 * 48 * 4 * 9, "The stride is missing"),
    ("01.3", ((32 - 3) // 2 + 1) ** 2 * 48 * 4 * 9, "The padding is missing"),
    ("01.3", 17 * 17 * 48 * 4 * 9, "The places were rounded up"),
    ("01.3", 16 * 16 * 48 * 9, "That is one channel for each kernel"),
    ("01.3", 16 * 16 * 4 * 9, "That is the cost of one feature map"),
    ("01.3", 48 * 16 * 16, "Those are the outputs"),
    ("01.3", 48 * 4 * 3 * 3, "Those are the weights"),
    ("01.3", 2 * 16 * 16 * 48 * 4 * 9, "Multiplications and additions"),
    ("01.3", 48 * 4 * (3 * 16 - 1) ** 2, "Zeros of the frame"),  # on each axis one of 16 windows begins in the frame
    ("01.4", lambda small, kernel, stride: windows_laid_down(small, kernel, stride, add=False), "The last window won"),
    ("01.4", lambda small, kernel, stride: enlarge(small, kernel.flip(0, 1), stride), "The kernel is turned round"),
    ("01.4", lambda small, kernel, stride: enlarge(small, kernel, 1), "The stride is missing"),
    ("01.4", lambda small, kernel, stride: windows_laid_down(small, kernel, stride + 1), "The windows lie one pixel"),
    ("01.4", mean_of_windows, "A mean was taken"),
    ("01.4", without_frame, "The numbers are apart"),
    ("01.4", squares, "Each number became a square"),
    ("01.4", as_large_as_the_stride_says, "The large picture ends at"),
    ("01.4", lambda small, kernel, stride: enlarge(small, kernel.T, stride), "That is the kernel's own transpose"),
    ("01.4", lambda small, kernel, stride: torch.kron(small, kernel), "The windows lie a kernel apart"),
]


def test_the_larger_picture_is_the_gradient_of_a_convolution():
    """A transposed convolution is the backward pass of the convolution with that stride."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        small, kernel, stride = find_exercise("01.4").draw(generator)
        large = find_exercise("01.4").reference(small, kernel, stride)
        ours = byhand.conv2d_backward(small[None, None], large[None, None], kernel[None, None], stride=stride)[0]
        torch.testing.assert_close(ours[0, 0], large)


def test_each_kernel_moves_the_picture_as_asked():
    """A single bright pixel moves ``down`` rows down and ``right`` columns to the right."""
    picture = torch.zeros(5, 5)
    picture[2, 2] = 1
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            kernel = find_exercise("01.1").reference(down, right)
            moved = torch.nn.functional.conv2d(picture[None, None], kernel[None, None], padding=1)[0, 0]
            assert moved.nonzero().tolist() == [[2 + down, 2 + right]]
