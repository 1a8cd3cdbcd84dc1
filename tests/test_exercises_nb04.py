"""The exercises of notebook 04 know the right answer, the stub, and every mistake they claim to know."""

import pytest
import torch
from torch import nn

from tlhelpers.byhand.initialization import xavier_normal
from tlhelpers.classroom.exercises import judge
from tlhelpers.classroom.exercises.nb04 import EXERCISES

CASES = [(name, hint) for name, exercise in EXERCISES.items() for hint in exercise.mistakes]


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


def test_the_spread_is_what_torch_draws_with():
    """Weights that torch draws have the standard deviation asked for; Xavier's have another."""
    shape = (40, 30, 5, 5)
    asked = EXERCISES["04.1"].reference(shape)
    assert nn.init.kaiming_normal_(torch.empty(shape)).std().item() == pytest.approx(asked, rel=0.03)
    assert xavier_normal(shape).std().item() != pytest.approx(asked, rel=0.1)
