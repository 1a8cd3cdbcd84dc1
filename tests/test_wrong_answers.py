"""Wrong answers that were written from the tasks alone: all are refused, and most are told what is wrong with them.

They stand in ``wrong_nbNN.py``, six for each exercise. Whoever adds some should not have read the checkers.
"""

from importlib import import_module
from pathlib import Path

import pytest

from tlhelpers.classroom.exercises import all_exercises, judge
from tlhelpers.classroom.patterns import ERRORS

EXERCISES = all_exercises()
MODULES = [import_module(path.stem) for path in sorted(Path(__file__).parent.glob("wrong_nb*.py"))]
WRONG = {name: answers for module in MODULES for name, answers in module.WRONG.items()}
CASES = [(name, answer) for name, answers in WRONG.items() for answer in answers]


def is_told_why(name, answer):
    """Tell whether the check names a mistake; an error's own words, or where it first differs, are not enough."""
    message = judge(EXERCISES[name], answer).message
    named = any(hint in message for hint in EXERCISES[name].mistakes)
    described = "\n  got: " in message and "It first differs here" not in message
    explained = any(sentence in message for sentence in ERRORS.values())
    return named or explained or "returns nothing" in message or (described and "It is right for" not in message)


def test_every_exercise_is_tried():
    assert WRONG.keys() == EXERCISES.keys()
    assert all(len(answers) >= 5 for answers in WRONG.values())


@pytest.mark.parametrize(("name", "answer"), CASES)
def test_a_wrong_answer_is_refused(name, answer):
    assert judge(EXERCISES[name], answer).status == "wrong"


def test_most_are_told_why():
    """Seven of ten, over all exercises."""
    told = [is_told_why(name, answer) for name, answer in CASES]
    assert sum(told) >= 0.7 * len(told), f"{sum(told)} of {len(told)}"
