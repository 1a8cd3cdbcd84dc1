"""Wrong answers that were written from the tasks alone: all are refused, and most are told what is wrong with them.

They stand in ``wrong_nbNN.py``, six for each exercise. Whoever adds some should not have read the checkers.
"""

from importlib import import_module
from pathlib import Path

import pytest

from tlhelpers.classroom.exercises import all_exercises
from tlhelpers.classroom.judging import judge
from tlhelpers.classroom.patterns import ERRORS

EXERCISES = all_exercises()
MODULES = [import_module(f"{__package__}.{path.stem}") for path in sorted(Path(__file__).parent.glob("wrong_nb*.py"))]
WRONG = {name: answers for module in MODULES for name, answers in module.WRONG.items()}


@pytest.fixture(scope="module")
def verdicts():
    """What the checks say of every wrong answer, by its exercise."""
    return {name: [judge(EXERCISES[name], answer) for answer in answers] for name, answers in WRONG.items()}


def is_told_why(name, message):
    """Tell whether a check names a mistake; an error's own words, or where an answer first differs, are not enough."""
    named = any(hint in message for hint in EXERCISES[name].mistakes)
    described = "\n  got: " in message and "It first differs here" not in message
    explained = any(sentence in message for sentence in ERRORS.values())
    return named or explained or "returns nothing" in message or (described and "It is right for" not in message)


def test_every_exercise_is_tried():
    assert WRONG.keys() == EXERCISES.keys()
    assert all(len(answers) >= 5 for answers in WRONG.values())


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_refused(name, verdicts):
    """Every one of them, and with more than a bare no."""
    assert [verdict.status for verdict in verdicts[name]] == ["wrong"] * len(verdicts[name])
    assert all(len(verdict.message.split()) > 4 for verdict in verdicts[name])


def test_most_are_told_why(verdicts):
    """Seven of ten over all exercises, and at least half of each."""
    told = {name: [is_told_why(name, verdict.message) for verdict in found] for name, found in verdicts.items()}
    assert {name: each for name, each in told.items() if sum(each) < len(each) / 2} == {}
    every = sum(told.values(), [])
    assert sum(every) >= 0.7 * len(every), f"{sum(every)} of {len(every)}"
