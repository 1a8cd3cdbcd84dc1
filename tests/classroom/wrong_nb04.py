"""Wrong answers to the exercises of notebook 04, as learners write them; ``test_wrong_answers.py`` uses them."""

import math

import torch
import torch.nn.functional as F

import tlhelpers as tl


def variance_not_deviation(shape):
    return 2 / math.prod(shape[1:])


def xavier(shape):
    pixels = math.prod(shape[2:])
    return math.sqrt(2 / (shape[0] * pixels + shape[1] * pixels))


def channels_without_pixels(shape):
    return math.sqrt(2 / shape[1])


def all_weights_counted(shape):
    return math.sqrt(2 / math.prod(shape))


def four_sides_always(shape):
    _, channels, rows, columns = shape
    return math.sqrt(2 / (channels * rows * columns))


def measured_on_one_draw(shape):
    return tl.byhand.kaiming_normal(shape, generator=torch.Generator().manual_seed(0)).std().item()


def means_not_corrected(weights, gradients, means, squares, step, rate):
    means = 0.9 * means + 0.1 * gradients
    squares = 0.999 * squares + 0.001 * gradients**2
    return weights - rate * means / (squares.sqrt() + 1e-8)


def steps_from_zero(weights, gradients, means, squares, step, rate):
    means = 0.9 * means + 0.1 * gradients
    squares = 0.999 * squares + 0.001 * gradients**2
    m, s = means / (1 - 0.9 ** (step - 1)), squares / (1 - 0.999 ** (step - 1))
    return weights - rate * m / (s.sqrt() + 1e-8)


def root_forgotten(weights, gradients, means, squares, step, rate):
    m = (0.9 * means + 0.1 * gradients) / (1 - 0.9**step)
    s = (0.999 * squares + 0.001 * gradients**2) / (1 - 0.999**step)
    return weights - rate * m / (s + 1e-8)


def square_of_the_mean(weights, gradients, means, squares, step, rate):
    means = 0.9 * means + 0.1 * gradients
    squares = 0.999 * squares + 0.001 * means**2
    m, s = means / (1 - 0.9**step), squares / (1 - 0.999**step)
    return weights - rate * m / (s.sqrt() + 1e-8)


def changed_in_place(weights, gradients, means, squares, step, rate):
    means *= 0.9
    means += 0.1 * gradients
    squares *= 0.999
    squares += 0.001 * gradients**2
    m, s = means / (1 - 0.9**step), squares / (1 - 0.999**step)
    weights -= rate * m / (s.sqrt() + 1e-8)


def torchs_adam_without_a_past(weights, gradients, means, squares, step, rate):
    parameter = torch.nn.Parameter(weights.clone())
    parameter.grad = gradients.clone()
    torch.optim.Adam([parameter], lr=rate).step()
    return parameter.detach()


def not_averaged(x, labels, first, second):
    before = x @ first.T
    logits = tl.byhand.relu(before) @ second.T
    grad = tl.byhand.softmax(logits) - F.one_hot(labels, len(second))
    return ((grad @ second) * (before > 0)).T @ x


def relu_passed_over(x, labels, first, second):
    logits = tl.byhand.relu(x @ first.T) @ second.T
    grad = (tl.byhand.softmax(logits) - F.one_hot(labels, len(second))) / len(x)
    return (grad @ second).T @ x


def gate_by_the_gradient(x, labels, first, second):
    logits = tl.byhand.relu(x @ first.T) @ second.T
    grad = (tl.byhand.softmax(logits) - F.one_hot(labels, len(second))) / len(x)
    return tl.byhand.relu(grad @ second).T @ x


def softmax_down_the_batch(x, labels, first, second):
    before = x @ first.T
    logits = tl.byhand.relu(before) @ second.T
    grad = (torch.softmax(logits, dim=0) - F.one_hot(labels, len(second))) / len(x)
    return ((grad @ second) * (before > 0)).T @ x


def classes_seen_in_the_batch(x, labels, first, second):
    before = x @ first.T
    logits = tl.byhand.relu(before) @ second.T
    grad = (tl.byhand.softmax(logits) - F.one_hot(labels)) / len(x)
    return ((grad @ second) * (before > 0)).T @ x


def transposed(x, labels, first, second):
    before = x @ first.T
    logits = tl.byhand.relu(before) @ second.T
    grad = (tl.byhand.softmax(logits) - F.one_hot(labels, len(second))) / len(x)
    return x.T @ ((grad @ second) * (before > 0))


WRONG = {
    "04.1": [
        variance_not_deviation,
        xavier,
        channels_without_pixels,
        all_weights_counted,
        four_sides_always,
        measured_on_one_draw,
    ],
    "04.2": [
        means_not_corrected,
        steps_from_zero,
        root_forgotten,
        square_of_the_mean,
        changed_in_place,
        torchs_adam_without_a_past,
    ],
    "04.3": [
        0.01 * 2,  # the step without momentum
        2 / (1 - 0.9),  # the velocity
        -0.01 * 2 / (1 - 0.9),  # downhill taken for a sign
        0.01 / (1 - 0.9),  # the gradient forgotten
        0.01 * 2 / 0.9,  # divided by what is kept
        0.01 * (0.9 * 2 + 2),  # the second step
    ],
    "04.4": [
        not_averaged,
        relu_passed_over,
        gate_by_the_gradient,
        softmax_down_the_batch,
        classes_seen_in_the_batch,
        transposed,
    ],
}
