"""Answers to the exercises of notebook 04, written apart from the checker; ``test_exercises.py`` tries them."""

import pytest
import torch
from torch import nn

from tlhelpers.byhand.initialization import xavier_normal
from tlhelpers.classroom.exercises.nb04 import EXERCISES


def kaiming_std(shape):
    count = 1
    for size in shape[1:]:
        count *= size
    return (2 / count) ** 0.5


def adam_step(weights, gradients, means, squares, step, rate):
    """Let torch take the step, from the same means."""
    parameter = weights.clone().requires_grad_()
    optimizer = torch.optim.Adam([parameter], lr=rate)
    optimizer.state[parameter] = {"step": torch.tensor(step - 1.0), "exp_avg": means, "exp_avg_sq": squares}
    parameter.grad = gradients
    optimizer.step()
    return parameter.detach()


SOLUTIONS = {"04.1": kaiming_std, "04.2": adam_step}


def rescaled(weights, gradients, means, squares, step, rate):
    """Forget that both means began at zero, as is often done."""
    means, squares = 0.9 * means + 0.1 * gradients, 0.999 * squares + 0.001 * gradients**2
    return weights - rate * means / (squares.sqrt() + 1e-8)


# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("04.1", lambda shape: 2 / nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))[0], "That is the variance"),
    ("04.1", lambda shape: (2 / nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))[1]) ** 0.5, "Counted are"),
    ("04.1", lambda shape: (2 / torch.empty(shape).numel()) ** 0.5, "Every weight of the layer"),
    ("04.2", rescaled, "The two means are not corrected"),
    ("04.2", lambda w, g, *rest: w - (adam_step(w, g, *rest) - w), "Uphill"),
]


def test_the_spread_is_what_torch_draws_with():
    """Weights that torch draws have the standard deviation asked for; Xavier's have another."""
    shape = (40, 30, 5, 5)
    asked = EXERCISES["04.1"].reference(shape)
    assert nn.init.kaiming_normal_(torch.empty(shape)).std().item() == pytest.approx(asked, rel=0.03)
    assert xavier_normal(shape).std().item() != pytest.approx(asked, rel=0.1)
