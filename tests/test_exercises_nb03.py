"""The exercises of notebook 03 know the right answer, the stub, and every mistake they claim to know."""

import pytest
import torch

from tlhelpers import byhand
from tlhelpers.classroom.exercises import judge
from tlhelpers.classroom.exercises.nb03 import EXERCISES

CASES = [(name, hint) for name, exercise in EXERCISES.items() for hint in exercise.mistakes]


def softmax_at(logits, temperature):
    scaled = logits / temperature
    exponentials = torch.exp(scaled - scaled.amax(-1, keepdim=True))
    return exponentials / exponentials.sum(-1, keepdim=True)


def loss_gradient(logits, labels):
    return byhand.cross_entropy_backward(torch.tensor(1.0), logits, labels)


def gradient_at(logits, labels, temperature):
    return loss_gradient(logits / temperature, labels) / temperature


SOLUTIONS = {"03.1": softmax_at, "03.2": gradient_at}

# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("03.1", lambda z, t: byhand.softmax(z * t), "Multiplied where it should be divided"),
    ("03.1", lambda z, t: byhand.softmax(z) / t, "The probabilities were divided"),
    ("03.1", lambda z, t: torch.exp(z / t) / torch.exp(z / t).sum(1, keepdim=True), "It overflows"),
    ("03.1", lambda z, t: byhand.softmax((z / t).T).T, "The columns sum to 1"),
    ("03.2", lambda z, y, t: loss_gradient(z / t, y), "The chain rule"),
    ("03.2", lambda z, y, t: loss_gradient(z, y) / t, "The probabilities are those of temperature 1"),
    ("03.2", lambda z, y, t: loss_gradient(z / t, y) * len(z) / t, "Not divided by N"),
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
