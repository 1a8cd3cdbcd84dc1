"""Answers to the exercises of notebook 05, written apart from the checker; ``test_exercises.py`` tries them."""

import torch

import tlhelpers as tl
from tlhelpers.classroom.exercises import judge
from tlhelpers.classroom.exercises.nb05 import EXERCISES


def block_parameters(in_channels, channels):
    block = tl.Bottleneck(in_channels, channels)
    return sum(parameter.numel() for parameter in block.parameters())


def receptive_field(layers):
    field, step = 1, 1
    for kernel, stride in layers:
        field += (kernel - 1) * step
        step *= stride
    return field


SOLUTIONS = {"05.1": block_parameters, "05.2": receptive_field}


def test_an_answer_that_reverses_its_list_is_right():
    """The learner's list is a copy: turning it round in place, as the way from the back invites, harms nobody."""

    def backwards(layers):
        field = 1
        layers.reverse()
        for kernel, stride in layers:
            field = (field - 1) * stride + kernel
        return field

    assert judge(EXERCISES["05.2"], backwards).status == "right"


def test_the_receptive_field_is_what_the_gradient_reaches():
    """The field of a stack of convolutions is the width of the pixels that one output depends on."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        (layers,) = EXERCISES["05.2"].draw(generator)
        field = EXERCISES["05.2"].reference(layers)
        pixels = torch.ones(1, 1, field, dtype=torch.float64, requires_grad=True)
        x = pixels
        for kernel, stride in layers:
            x = torch.nn.functional.conv1d(x, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
        assert x.shape[-1] == 1  # the field fits exactly one output
        x.sum().backward()
        assert pixels.grad[0, 0, 0] > 0 and pixels.grad[0, 0, -1] > 0
