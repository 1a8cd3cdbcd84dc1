"""Every wrong answer that was written from the task alone is refused, and most are told what is wrong with them.

The answers are in ``wrong_nbNN.py``, six for each exercise. Whoever adds some should not have read the exercises.
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
    """Return the verdicts on all wrong answers, by exercise."""
    return {name: [judge(EXERCISES[name], answer) for answer in answers] for name, answers in WRONG.items()}


def is_told_why(name, message):
    """Tell whether a message names the mistake; the text of an exception, or the first difference, are not enough."""
    named = any(hint in message for hint in EXERCISES[name].mistakes)
    described = "\n  got: " in message and "It first differs here" not in message
    explained = any(sentence in message for sentence in ERRORS.values())
    return named or explained or "returns nothing" in message or (described and "It is right for" not in message)


def test_every_exercise_is_tried():
    """Each exercise has at least five wrong answers here."""
    assert WRONG.keys() == EXERCISES.keys()
    assert {name: len(answers) for name, answers in WRONG.items() if len(answers) < 5} == {}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answers_are_refused(name, verdicts):
    """The check calls each of them wrong and says more than that; none fails for a name that the package lacks."""
    found = list(zip(WRONG[name], verdicts[name], strict=True))
    assert [answer for answer, verdict in found if verdict.status != "wrong"] == []
    assert [answer for answer, verdict in found if len(verdict.message.split()) <= 4] == []
    assert [verdict.message for _, verdict in found if "tlhelpers" in verdict.message] == []


def test_most_are_told_why(verdicts):
    """At least seven of ten wrong answers are told their mistake, and at least half of those to each exercise."""
    told = {name: [is_told_why(name, verdict.message) for verdict in found] for name, found in verdicts.items()}
    assert {name: each for name, each in told.items() if sum(each) < len(each) / 2} == {}
    every = sum(told.values(), [])
    assert sum(every) >= 0.7 * len(every), f"{sum(every)} of {len(every)}"
