"""The exercises of notebook 02 know the right answer, the stub, and every mistake they claim to know."""

import pytest
import torch

from tlhelpers import byhand
from tlhelpers.classroom.exercises import judge
from tlhelpers.classroom.exercises.nb02 import EXERCISES

CASES = [(name, hint) for name, exercise in EXERCISES.items() for hint in exercise.mistakes]


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


@pytest.mark.parametrize(("name", "answer", "hint"), TYPICAL)
def test_a_typical_wrong_answer_gets_the_hint_that_fits(name, answer, hint):
    """What a learner writes by mistake is met with the sentence about that mistake."""
    assert judge(EXERCISES[name], answer).message.startswith(f"not yet. {hint}")
