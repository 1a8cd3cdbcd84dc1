"""The exercises of notebook 01 know the right answer, the stub, and every mistake they claim to know."""

import pytest
import torch

from tlhelpers.classroom.exercises import judge
from tlhelpers.classroom.exercises.nb01 import EXERCISES

CASES = [(name, hint) for name, exercise in EXERCISES.items() for hint in exercise.mistakes]


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


def test_the_kernels_move_the_picture_where_they_say():
    """A single bright pixel goes ``down`` rows down and ``right`` columns to the right."""
    picture = torch.zeros(5, 5)
    picture[2, 2] = 1
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            kernel = EXERCISES["01.1"].reference(down, right)
            moved = torch.nn.functional.conv2d(picture[None, None], kernel[None, None], padding=1)[0, 0]
            assert moved.nonzero().tolist() == [[2 + down, 2 + right]]
