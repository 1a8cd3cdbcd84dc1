"""The exercises of notebook 05 know the right answer, the stub, and every mistake they claim to know."""

import pytest
import torch

import tlhelpers as tl
from tlhelpers.classroom.exercises import judge
from tlhelpers.classroom.exercises.nb05 import EXERCISES

CASES = [(name, hint) for name, exercise in EXERCISES.items() for hint in exercise.mistakes]


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


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solution_written_apart_is_right(name):
    """A solution that shares no line with the reference is accepted."""
    assert judge(EXERCISES[name], SOLUTIONS[name]).status == "right"


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("nothing", [None, ...])
def test_the_stub_is_not_attempted(name, nothing):
    """A function that returns nothing yet is no mistake."""
    assert judge(EXERCISES[name], lambda *_: nothing).status == "not attempted"


@pytest.mark.parametrize(("name", "hint"), CASES)
def test_every_mistake_gets_its_own_hint(name, hint):
    """Each mistake is told apart from all the others, and from the right answer."""
    verdict = judge(EXERCISES[name], EXERCISES[name].mistakes[hint])
    assert verdict.status == "wrong" and hint in verdict.message
    assert sum(other in verdict.message for other in EXERCISES[name].mistakes) == 1


@pytest.mark.parametrize("name", EXERCISES)
def test_an_unknown_mistake_gets_the_first_difference(name):
    """An answer wrong in a way of its own is shown where it first differs."""
    verdict = judge(EXERCISES[name], lambda *inputs: SOLUTIONS[name](*inputs) + 0.5)
    assert verdict.status == "wrong" and "expected" in verdict.message and "got" in verdict.message


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
