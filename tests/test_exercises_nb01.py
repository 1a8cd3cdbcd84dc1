"""Answers to the exercises of notebook 01, written apart from the checker; ``test_exercises.py`` tries them."""

import torch

from tlhelpers.classroom.exercises.nb01 import EXERCISES


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


SOLUTIONS = {"01.1": shift_kernel, "01.2": dilated}


def test_the_kernels_move_the_picture_where_they_say():
    """A single bright pixel goes ``down`` rows down and ``right`` columns to the right."""
    picture = torch.zeros(5, 5)
    picture[2, 2] = 1
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            kernel = EXERCISES["01.1"].reference(down, right)
            moved = torch.nn.functional.conv2d(picture[None, None], kernel[None, None], padding=1)[0, 0]
            assert moved.nonzero().tolist() == [[2 + down, 2 + right]]
