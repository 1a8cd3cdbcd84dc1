"""The exercises of notebook 06 know the right answer, the stub, and every mistake they claim to know."""

import pytest
import torch

from tlhelpers.classroom.exercises import judge
from tlhelpers.classroom.exercises.nb06 import EXERCISES

CASES = [(name, hint) for name, exercise in EXERCISES.items() for hint in exercise.mistakes]


def photos_needed(accuracy, error):
    n = 1
    while (accuracy * (1 - accuracy) / n) ** 0.5 > error:
        n += 1
    return n


def leave_one_out(features, labels, k):
    unit = features / features.norm(dim=1, keepdim=True)
    similarity = (unit @ unit.T).fill_diagonal_(-2)
    votes = labels[similarity.topk(k).indices].double().mean(dim=1)
    return ((votes > 0.5) == labels).double().mean()


SOLUTIONS = {"06.1": photos_needed, "06.2": leave_one_out}


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
    verdict = judge(EXERCISES[name], lambda *inputs: SOLUTIONS[name](*inputs) + 0.37)
    assert verdict.status == "wrong" and "expected" in verdict.message and "got" in verdict.message


def test_the_number_of_photos_is_the_smallest():
    """With the number asked for the error is small enough, with one photo fewer it is not."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(10):
        accuracy, error = EXERCISES["06.1"].draw(generator)
        n = EXERCISES["06.1"].reference(accuracy, error)
        assert (accuracy * (1 - accuracy) / n) ** 0.5 <= error < (accuracy * (1 - accuracy) / (n - 1)) ** 0.5


def test_leaving_one_out_is_not_fooled_by_a_twin_of_oneself():
    """Of two pairs of equal photos with different labels, each photo is told wrong by its twin."""
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert EXERCISES["06.2"].reference(features, torch.tensor([0, 1, 0, 1]), 1) == 0
    assert EXERCISES["06.2"].reference(features, torch.tensor([0, 0, 1, 1]), 1) == 1
