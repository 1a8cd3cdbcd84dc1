"""Answers to the exercises of notebook 02, written apart from the checker; ``test_exercises.py`` tries them."""

import torch

from tlhelpers import byhand


def min_pool(images, kernel):
    rows, columns = images.shape[2] // kernel, images.shape[3] // kernel
    smallest = torch.zeros(*images.shape[:2], rows, columns)
    for i in range(rows):
        for j in range(columns):
            top, left = i * kernel, j * kernel
            smallest[:, :, i, j] = images[:, :, top : top + kernel, left : left + kernel].amin((2, 3))
    return smallest


def mean_of_pixels(images, kernel, stride, padding):
    means = byhand.mean_pool2d(images, kernel, stride=stride, padding=padding)
    return means / byhand.mean_pool2d(torch.ones_like(images), kernel, stride=stride, padding=padding)


SOLUTIONS = {"02.1": min_pool, "02.2": mean_of_pixels}

# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("02.1", byhand.max_pool2d, "That is max pooling"),
    ("02.1", lambda images, kernel: byhand.max_pool2d(-images, kernel), "The sign is still turned round"),
    ("02.1", lambda images, kernel: -byhand.max_pool2d(images, kernel), "The sign was turned after"),
    ("02.1", byhand.mean_pool2d, "That is mean pooling"),
    ("02.2", lambda x, k, s, p: byhand.mean_pool2d(x, k, stride=s, padding=p), "The zeros of the border"),
    ("02.2", lambda x, k, s, p: byhand.mean_pool2d(x, k, stride=s, padding=p) * k * k, "That is the sum"),
    ("02.2", lambda x, k, s, p: byhand.mean_pool2d(x, k, stride=s), "There is no border"),
]
