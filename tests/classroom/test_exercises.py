"""The check of every exercise accepts a correct answer, ignores the stub, and gives each mistake its own hint.

The answers are in ``test_exercises_nbNN.py``: ``SOLUTIONS`` share no code with the exercises, and ``TYPICAL`` are wrong
answers as learners write them, each with the beginning of the hint that it must get.
"""

import copy
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
import torch

from tlhelpers.classroom.exercises import all_exercises, find_exercise
from tlhelpers.classroom.judging import judge

EXERCISES = all_exercises()
ANSWERS = [
    import_module(f"{__package__}.{path.stem}") for path in sorted(Path(__file__).parent.glob("test_exercises_nb*.py"))
]
SOLUTIONS = {name: solution for module in ANSWERS for name, solution in module.SOLUTIONS.items()}
TYPICAL = [case for module in ANSWERS for case in module.TYPICAL]


def test_every_exercise_has_a_solution_and_typical_wrong_answers_here():
    """No exercise is left out of the tests below."""
    assert SOLUTIONS.keys() == EXERCISES.keys() == {name for name, _, _ in TYPICAL}


def test_an_unknown_exercise_is_refused():
    """The error names the exercises that there are."""
    with pytest.raises(ValueError, match=r"exercise_id is '01\.9'; it must be one of 01\.1, 01\.2"):
        find_exercise("01.9")


@pytest.mark.parametrize("name", EXERCISES)
def test_a_solution_written_apart_is_right(name):
    """The check accepts a solution that shares no code with the reference."""
    assert judge(EXERCISES[name], SOLUTIONS[name]).status == "right"


def stub(*_): ...  # your turn


@pytest.mark.parametrize("nothing", [None, ..., stub], ids=["None", "dots", "stub"])
def test_the_stub_is_not_attempted(nothing):
    """The three dots, alone or as the body of a function, are not a mistake in any exercise."""
    verdicts = {name: judge(exercise, nothing).status for name, exercise in EXERCISES.items()}
    assert verdicts == dict.fromkeys(EXERCISES, "not attempted")


def test_a_forgotten_return_is_named():
    """An answer that computes something and returns nothing is told so in every exercise."""

    def without_return(*inputs, solve):
        solve(*inputs)

    for name, exercise in EXERCISES.items():
        assert "returns nothing" in judge(exercise, partial(without_return, solve=SOLUTIONS[name])).message, name


@pytest.mark.parametrize("name", EXERCISES)
def test_every_mistake_gets_its_own_hint(name):
    """The check tells each mistake from the correct answer and from all other mistakes."""
    exercise = EXERCISES[name]
    messages = {hint: judge(exercise, mistake).message for hint, mistake in exercise.mistakes.items()}
    named = {hint: [other for other in exercise.mistakes if other in message] for hint, message in messages.items()}
    assert named == {hint: [hint] for hint in exercise.mistakes}
    assert all(message.startswith("not yet. ") for message in messages.values())


@pytest.mark.parametrize("name", EXERCISES)
def test_an_unknown_mistake_gets_the_first_difference(name):
    """Where no hint fits, the check shows a wrong result; if the answer is a value, it only says that it is wrong."""
    verdict = judge(EXERCISES[name], lambda *inputs: SOLUTIONS[name](*inputs) + 0.37)
    is_value = EXERCISES[name].draw(torch.Generator()) == ()
    expected = ["is not the answer"] if is_value else ["expected", "got"]
    assert verdict.status == "wrong"
    assert [words for words in expected if words not in verdict.message] == []


@pytest.mark.parametrize("name", EXERCISES)
def test_a_typical_wrong_answer_gets_the_hint_that_fits(name):
    """A wrong answer as a learner writes it gets the hint about its mistake."""
    cases = [(answer, hint) for exercise, answer, hint in TYPICAL if exercise == name]
    told = [(answer, hint, judge(EXERCISES[name], answer).message) for answer, hint in cases]
    assert [case for case in told if not case[2].startswith(f"not yet. {case[1]}")] == []


@pytest.mark.parametrize("name", EXERCISES)
def test_no_function_of_an_exercise_changes_its_inputs(name):
    """The check gives the same inputs to the reference and to all mistakes."""
    exercise, generator = EXERCISES[name], torch.Generator().manual_seed(1)
    for _ in range(3):
        inputs = exercise.draw(generator)
        for function in (exercise.reference, *exercise.mistakes.values()):
            before = copy.deepcopy(inputs)
            function(*inputs)
            torch.testing.assert_close(inputs, before, rtol=0, atol=0)
            assert repr(inputs) == repr(before)  # shows requires_grad, too
