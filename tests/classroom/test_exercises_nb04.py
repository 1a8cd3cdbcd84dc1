"""Answers to the exercises of notebook 04 that share no code with the exercises; ``test_exercises.py`` uses them."""

import pytest
import torch
from torch import nn

from tlhelpers.byhand.initialization import xavier_normal
from tlhelpers.classroom.exercises import find_exercise


def kaiming_std(shape):
    count = 1
    for size in shape[1:]:
        count *= size
    return (2 / count) ** 0.5


def adam_step(weights, gradients, means, squares, step, rate):
    """Let torch do the step, from the same running means."""
    parameter = weights.clone().requires_grad_()
    optimizer = torch.optim.Adam([parameter], lr=rate)
    optimizer.state[parameter] = {"step": torch.tensor(step - 1.0), "exp_avg": means, "exp_avg_sq": squares}
    parameter.grad = gradients
    optimizer.step()
    return parameter.detach()


def long_slope():
    """Let torch do steps until they no longer grow."""
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.01, momentum=0.9)
    weight.grad = torch.full_like(weight, 2.0)
    for _ in range(150):
        before = weight.item()
        optimizer.step()
    return before - weight.item()


def first_gradient(x, labels, first, second):
    """Do the backward pass image by image."""
    total = torch.zeros_like(first)
    for image, label in zip(x, labels, strict=True):
        before = first @ image
        message = torch.softmax(second @ before.clamp(min=0), dim=0)
        message[label] -= 1
        total += torch.outer((second.T @ message).where(before > 0, 0.0), image)
    return total / len(x)


SOLUTIONS = {"04.1": kaiming_std, "04.2": adam_step, "04.3": long_slope, "04.4": first_gradient}


def rescaled(weights, gradients, means, squares, step, rate):
    """Forget to correct both means."""
    means, squares = 0.9 * means + 0.1 * gradients, 0.999 * squares + 0.001 * gradients**2
    return weights - rate * means / (squares.sqrt() + 1e-8)


def one_hat(weights, gradients, means, squares, step, rate):
    """Forget to correct the squares."""
    means, squares = 0.9 * means + 0.1 * gradients, 0.999 * squares + 0.001 * gradients**2
    return weights - rate * means / (1 - 0.9**step) / (squares.sqrt() + 1e-8)


def rootless(weights, gradients, means, squares, step, rate):
    """Forget the square root."""
    means, squares = 0.9 * means + 0.1 * gradients, 0.999 * squares + 0.001 * gradients * gradients
    return weights - rate * (means / (1 - 0.9**step)) / (squares / (1 - 0.999**step) + 1e-8)


def unsquared(weights, gradients, means, squares, step, rate):
    """Forget to square the gradients."""
    means, squares = 0.9 * means + 0.1 * gradients, 0.999 * squares + 0.001 * gradients
    return weights - rate * (means / (1 - 0.9**step)) / ((squares / (1 - 0.999**step)) ** 0.5 + 1e-8)


def counted_from_zero(weights, gradients, means, squares, step, rate):
    """Count steps from 0."""
    return adam_step(weights, gradients, means, squares, step + 1, rate)


def backwards(x, labels, first, second, *, relu_there=True, relu_back=True, mean=True):
    """Do the backward pass with matrices; some parts can be left out."""
    before = x @ first.T
    logits = (before.relu() if relu_there else before) @ second.T
    message = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
    message[range(len(labels)), labels] -= 1
    message = message @ second
    if relu_back:
        message[before < 0] = 0
    return message.T @ x / (len(x) if mean else 1)


def every_number(x, labels, first, second):
    """Divide by the number of images and by the number of classes."""
    return backwards(x, labels, first, second, mean=False) / (len(x) * second.shape[0])


def as_gradient_of_squares(x, labels, first, second):
    """Forget the softmax."""
    hidden = torch.relu(x @ first.T)
    message = hidden @ second.T - torch.eye(len(second))[labels]
    return ((message @ second) * (hidden > 0)).T @ x / len(x)


# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("04.1", lambda shape: 2 / nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))[0], "That is the variance"),
    (
        "04.1",
        lambda shape: (2 / nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))[1]) ** 0.5,
        "That counts the outputs",
    ),
    ("04.1", lambda shape: (2 / torch.empty(shape).numel()) ** 0.5, "Every weight of the layer"),
    ("04.1", lambda shape: (2 / shape[1]) ** 0.5, "The pixels of the kernel are forgotten"),
    ("04.1", lambda shape: (2 / shape[-1]) ** 0.5, "The last axis alone"),
    ("04.1", lambda shape: torch.empty(shape)[0].numel() ** -0.5, "The 2 is missing"),
    ("04.1", lambda shape: 2 / torch.empty(shape)[0].numel() ** 0.5, "The root is to be taken of the 2"),
    ("04.1", lambda shape: 2**0.5 / torch.empty(shape)[0].numel(), "The root is taken of the 2 alone"),
    ("04.1", lambda shape: (6 / torch.empty(shape)[0].numel()) ** 0.5, "That is how far an even draw"),
    ("04.2", rescaled, "The two means are not corrected"),
    ("04.2", lambda w, g, *rest: w - (adam_step(w, g, *rest) - w), "Uphill"),
    ("04.2", lambda w, *rest: w - adam_step(w, *rest), "That is the step alone"),
    ("04.2", one_hat, "The mean of the squares is not corrected"),
    ("04.2", rootless, "The root is missing"),
    ("04.2", unsquared, "The squares took up the gradient as it is"),
    ("04.2", counted_from_zero, "The step is counted once too often"),
    ("04.3", 0.02, "That is a step without momentum"),
    ("04.3", 0.01 * (2 + 0.9 * 2), "That is the second step"),
    ("04.3", 2 / 0.1, "That is the velocity"),
    ("04.3", 0.1, "That is for a slope of 1"),
    ("04.3", 0.002, "Multiplied where it should be divided"),
    ("04.3", 10, "That is the number of gradients"),
    ("04.3", -0.2, "The size is right"),
    ("04.4", lambda *inputs: backwards(*inputs, relu_back=False), "ReLU is missing in the backward pass"),
    (
        "04.4",
        lambda *inputs: backwards(*inputs, relu_there=False, relu_back=False),
        "ReLU is missing, forward and backward",
    ),
    ("04.4", lambda *inputs: backwards(*inputs, mean=False), "Not divided by N"),
    ("04.4", every_number, "Divided by N and by the number of classes"),
    ("04.4", as_gradient_of_squares, "Softmax is missing"),
    ("04.4", lambda x, *rest: backwards(x, *rest).transpose(0, 1), "Rows and columns are exchanged"),
    ("04.4", lambda *inputs: 0 - backwards(*inputs), "The sign is turned round"),
]


def test_the_spread_is_what_torch_draws_with():
    """Weights that torch draws have the standard deviation of the reference; Xavier's weights have another."""
    shape = (40, 30, 5, 5)
    asked = find_exercise("04.1").reference(shape)
    assert nn.init.kaiming_normal_(torch.empty(shape)).std().item() == pytest.approx(asked, rel=0.03)
    assert xavier_normal(shape).std().item() != pytest.approx(asked, rel=0.1)


def test_every_drawn_network_has_positive_and_negative_activations():
    """ReLU keeps some values and sets others to 0, so that an answer without ReLU is wrong."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(20):
        x, _, first, _ = find_exercise("04.4").draw(generator)
        assert 0 < (x @ first.T > 0).double().mean() < 1
