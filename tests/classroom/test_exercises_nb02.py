"""Answers to the exercises of notebook 02 that share no code with the exercises; ``test_exercises.py`` uses them."""

import torch

from tlhelpers import byhand
from tlhelpers.classroom.exercises import find_exercise


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


def paintable():
    picture = torch.rand(4, 7, generator=torch.Generator().manual_seed(0)) + 1
    pooled = byhand.max_pool2d(picture[None, None], 2)
    for pixel in range(picture.numel()):  # paint one after the other, and undo it if the output changes
        painted = picture.clone()
        painted.view(-1)[pixel] = 0
        picture = painted if torch.equal(byhand.max_pool2d(painted[None, None], 2), pooled) else picture
    return int((picture == 0).sum())


def shares(pixels, means):
    """Return the weight of each pixel in each mean, (means, pixels)."""
    inside = [[i * pixels // means <= p < -(-(i + 1) * pixels // means) for p in range(pixels)] for i in range(means)]
    inside = torch.tensor(inside).float()
    return inside / inside.sum(1, keepdim=True)


def adaptive_back(grad, height, width):
    return shares(height, grad.shape[2]).T @ grad @ shares(width, grad.shape[3])


SOLUTIONS = {"02.1": min_pool, "02.2": mean_of_pixels, "02.3": paintable, "02.4": adaptive_back}


# Wrong answers as a learner would write them.


def counts_what_is_not_black(images, kernel, stride, padding):
    how = {"stride": stride, "padding": padding}
    return byhand.mean_pool2d(images, kernel, **how) / byhand.mean_pool2d((images != 0).float(), kernel, **how)


def divides_means_by_a_count(images, kernel, stride, padding):
    means = byhand.mean_pool2d(images, kernel, stride=stride, padding=padding)
    return means / (kernel**2 * byhand.mean_pool2d(torch.ones_like(images), kernel, stride=stride, padding=padding))


def multiplies_by_the_share(images, kernel, stride, padding):
    means = byhand.mean_pool2d(images, kernel, stride=stride, padding=padding)
    return means * byhand.mean_pool2d(torch.ones_like(images), kernel, stride=stride, padding=padding)


def by_window(grad, height, width, give=lambda window, g: window + g / window[0, 0].numel(), up=True):
    """Go through the windows; ``give`` returns the new gradient of the pixels of one window."""
    rows, columns = grad.shape[2:]
    images = torch.zeros(*grad.shape[:2], height, width)
    for i in range(rows):
        for j in range(columns):
            bottom, right = (i + 1) * height // rows, (j + 1) * width // columns
            if up:
                bottom, right = -(-(i + 1) * height // rows), -(-(j + 1) * width // columns)
            here = (..., slice(i * height // rows, bottom), slice(j * width // columns, right))
            if images[here].numel():
                images[here] = give(images[here], grad[..., i, j, None, None])
    return images


def given(give):
    return lambda grad, height, width: by_window(grad, height, width, give)


def by_the_picture(grad, height, width):
    return by_window(grad, height, width, lambda window, g: window + g / (height * width))


def by_the_average(grad, height, width):
    size = (height / grad.shape[2]) * (width / grad.shape[3])
    return by_window(grad, height, width, lambda window, g: window + g / size)


def by_the_means(grad, height, width):
    return by_window(grad, height, width, lambda window, g: window + g / (grad.shape[2] * grad.shape[3]))


# How the hint that belongs to each begins.
TYPICAL = [
    ("02.1", byhand.max_pool2d, "That is max pooling"),
    ("02.1", lambda images, kernel: byhand.max_pool2d(-images, kernel), "The sign is still turned round"),
    ("02.1", lambda images, kernel: -byhand.max_pool2d(images, kernel), "The sign was turned after"),
    ("02.1", byhand.mean_pool2d, "That is mean pooling"),
    ("02.1", lambda images, kernel: images.amin(dim=(2, 3)), "That is the smallest of the whole channel"),
    ("02.1", lambda images, kernel: -byhand.max_pool2d(-images, kernel, stride=1), "The windows overlap"),
    ("02.1", lambda images, kernel: 1 / byhand.max_pool2d(1 / images, kernel), "That is the reciprocal"),
    ("02.2", lambda x, k, s, p: byhand.mean_pool2d(x, k, stride=s, padding=p), "The zeros of the border"),
    ("02.2", lambda x, k, s, p: byhand.mean_pool2d(x, k, stride=s, padding=p) * k * k, "That is the sum"),
    ("02.2", lambda x, k, s, p: byhand.mean_pool2d(x, k, stride=s), "There is no border"),
    ("02.2", counts_what_is_not_black, "Black pixels"),
    ("02.2", divides_means_by_a_count, "It is divided twice"),
    ("02.2", multiplies_by_the_share, "Multiplied where"),
    ("02.2", lambda x, k, s, p: mean_of_pixels(x, k, k, p), "The stride is missing"),
    ("02.3", 6, "Those are the pixels that must stay"),
    ("02.3", 6 * 3, "What of the pixels that no window reaches?"),
    ("02.3", 4, "Those are the pixels that no window reaches"),
    ("02.3", 28 * 0.75, "That share holds within the windows"),
    ("02.3", 28 - 2 * 4, "Rounded down means"),
    ("02.3", 28 - 3 * 6, "The windows overlap there"),
    ("02.3", 28 - 1, "Not only the largest"),
    ("02.3", 28, "If all pixels were black"),
    ("02.3", 3, "That is for one window"),
    ("02.4", given(lambda window, g: g.expand_as(window) / window[0, 0].numel()), "The last window won"),
    ("02.4", lambda grad, height, width: by_window(grad, height, width, up=False), "The windows do not overlap"),
    ("02.4", given(lambda window, g: window + g), "Every pixel got the whole gradient"),
    ("02.4", by_the_picture, "Divided by all pixels"),
    ("02.4", by_the_average, "Divided by the size of an average"),
    ("02.4", by_the_means, "Divided by the number of means"),
    ("02.4", given(lambda window, g: window + g / window.shape[-2]), "Divided by the rows"),
    ("02.4", given(lambda window, g: window + g / window.shape[-1]), "Divided by the columns"),
    ("02.4", given(lambda window, g: window + g * window[0, 0].numel()), "Multiplied by the pixels"),
]


def test_the_backward_pass_of_adaptive_pooling_keeps_the_sum():
    """The gradients of the pixels sum to the gradients of the means."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        grad, height, width = find_exercise("02.4").draw(generator)
        back = find_exercise("02.4").reference(grad, height, width)
        torch.testing.assert_close(back.sum((2, 3)), grad.sum((2, 3)))
