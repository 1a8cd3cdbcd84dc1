"""Every exercise knows the right answer, the stub, and every mistake that it claims to know.

The answers stand in ``test_exercises_nbNN.py``: ``SOLUTIONS``, each of which shares no line with the checker's, and
``TYPICAL`` wrong ones, as a learner would write them, with the beginning of the hint that belongs to each.
"""

from importlib import import_module
from pathlib import Path

import pytest
import torch

from tlhelpers.classroom.exercises import all_exercises
from tlhelpers.classroom.judging import judge

EXERCISES = all_exercises()
ANSWERS = [
    import_module(f"{__package__}.{path.stem}") for path in sorted(Path(__file__).parent.glob("test_exercises_nb*.py"))
]
SOLUTIONS = {name: solution for module in ANSWERS for name, solution in module.SOLUTIONS.items()}
TYPICAL = [case for module in ANSWERS for case in getattr(module, "TYPICAL", [])]
MISTAKES = [(name, hint) for name, exercise in EXERCISES.items() for hint in exercise.mistakes]


def test_every_exercise_has_a_solution_here():
    """None is forgotten below."""
    assert SOLUTIONS.keys() == EXERCISES.keys()


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solution_written_apart_is_right(name):
    """A solution that shares no line with the reference is accepted."""
    assert judge(EXERCISES[name], SOLUTIONS[name]).status == "right"


def stub(*_): ...  # your turn


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("nothing", [None, ..., stub], ids=["None", "dots", "stub"])
def test_the_stub_is_not_attempted(name, nothing):
    """The dots, alone or as the body of a function, are no mistake."""
    assert judge(EXERCISES[name], nothing).status == "not attempted"


@pytest.mark.parametrize("name", EXERCISES)
def test_a_forgotten_return_is_named(name):
    """Who has written something and returns nothing is told so, and not that nothing was attempted."""

    def without_return(*inputs):
        SOLUTIONS[name](*inputs)

    assert "returns nothing" in judge(EXERCISES[name], without_return).message


@pytest.mark.parametrize(("name", "hint"), MISTAKES)
def test_every_mistake_gets_its_own_hint(name, hint):
    """Each mistake is told apart from all the others, and from the right answer."""
    verdict = judge(EXERCISES[name], EXERCISES[name].mistakes[hint])
    assert verdict.status == "wrong" and hint in verdict.message
    assert sum(other in verdict.message for other in EXERCISES[name].mistakes) == 1


@pytest.mark.parametrize("name", EXERCISES)
def test_an_unknown_mistake_gets_the_first_difference(name):
    """An answer wrong in a way of its own is shown where it first differs; to a question, only that it is wrong."""
    verdict = judge(EXERCISES[name], lambda *inputs: SOLUTIONS[name](*inputs) + 0.37)
    is_question = EXERCISES[name].draw(torch.Generator()) == ()
    said = ["is not the answer"] if is_question else ["expected", "got"]
    assert verdict.status == "wrong" and all(words in verdict.message for words in said)


@pytest.mark.parametrize(("name", "answer", "hint"), TYPICAL)
def test_a_typical_wrong_answer_gets_the_hint_that_fits(name, answer, hint):
    """What a learner writes by mistake is met with the sentence about that mistake."""
    assert judge(EXERCISES[name], answer).message.startswith(f"not yet. {hint}")
