"""Check the answer to an exercise: say what is wrong, where it shows first, and which usual mistake it looks like.

An answer is run on inputs that are drawn at random. If it is wrong in the same way as one of the usual mistakes of the
exercise, the learner gets the hint of that mistake.
"""

import copy
import math
from dataclasses import dataclass
from functools import cache
from inspect import signature
from typing import Any

import torch

from tlhelpers.classroom.exercises import Exercise, find_exercise
from tlhelpers.classroom.patterns import Trial, describe, describe_error, same
from tlhelpers.classroom.progress import remember

TRIALS = 20  # inputs that are drawn for each exercise


@dataclass(frozen=True)
class Verdict:
    """The result of a check.

    Parameters
    ----------
    status : str
        "not attempted", "right" or "wrong".
    message : str
        What the learner reads.
    """

    status: str
    message: str


def check_exercise(exercise_id: str, answer: Any) -> None:
    """Print whether an answer is right, and if not, what is wrong with it. A right answer counts for ``progress``.

    Parameters
    ----------
    exercise_id : str
        Such as "01.2" for notebook 01, exercise 2.
    answer : object
        The function or the value that the task asks for.

    Raises
    ------
    ValueError
        If there is no exercise with this number.
    """
    verdict = judge(find_exercise(exercise_id), answer)
    if verdict.status == "right":
        remember(exercise_id)
    print(f"Exercise {exercise_id}: {verdict.message}")


def check_solution(exercise_id: str, answer: Any) -> None:
    """Print the same for the solution in the notebook, which does not count for ``progress``.

    Parameters and errors are those of ``check_exercise``.
    """
    print(f"Exercise {exercise_id}: {judge(find_exercise(exercise_id), answer).message}")


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Return the verdict on an answer, which may be a function or a value."""
    if _is_stub(answer):
        return Verdict("not attempted", "not attempted yet.")
    function = answer if callable(answer) else lambda *_: answer
    trials = []
    for inputs, expected in _cases(exercise):
        try:
            got = function(*copy.deepcopy(inputs))  # an answer may change its inputs, which are used again
        except Exception as error:  # whatever exception the code of a learner raises, the check explains it
            return Verdict("wrong", f"not yet. {_describe_exception(exercise, inputs, error)}")
        if got is None:
            return Verdict("wrong", "not yet. It returns nothing: does every path through it end with a return?")
        trials.append((inputs, got, expected))
    if all(same(got, expected) for _, got, expected in trials):
        return Verdict("right", "right.")
    return Verdict("wrong", f"not yet. {_find_mistake(exercise, trials) or _describe_difference(exercise, trials)}")


@cache
def _cases(exercise: Exercise) -> list[tuple[tuple, Any]]:
    """Return the drawn inputs of an exercise, the same each time, with their correct answers."""
    generator = torch.Generator().manual_seed(0)
    drawn = [exercise.draw(generator) for _ in range(TRIALS)]
    return [(inputs, exercise.reference(*inputs)) for inputs in drawn]


def _stub(): ...


def _is_stub(answer: Any) -> bool:
    """Return whether an answer is still three dots, alone or as the body of a function."""
    if answer is None or answer is Ellipsis:
        return True
    code, stub = getattr(answer, "__code__", None), _stub.__code__
    return code is not None and (code.co_code, code.co_consts) == (stub.co_code, stub.co_consts)


def _find_mistake(exercise: Exercise, trials: list[Trial]) -> str | None:
    """Return the hint of the first usual mistake that gives the same answers in all trials, or None."""
    for hint, mistake in exercise.mistakes.items():
        if all(same(got, mistake(*inputs)) for inputs, got, _ in trials):
            return hint
    return None


def _describe_exception(exercise: Exercise, inputs: tuple, error: Exception) -> str:
    """Return the name and the message of an exception, its usual cause, and the inputs that raised it."""
    sentence = f"It raised {type(error).__name__}: {error}. {describe_error(error)}".rstrip()
    return "\n".join([sentence, *_list_inputs(exercise, inputs)])


def _describe_difference(exercise: Exercise, trials: list[Trial]) -> str:
    """Return what all wrong answers have in common, and the first of them beside the correct one.

    If the exercise has no inputs, the correct answer is not shown, because it would be the solution.
    """
    inputs, got, expected = next(trial for trial in trials if not same(*trial[1:]))
    if not inputs:
        return f"{_show(got)} is not the answer."
    results = [f"  expected: {_show(expected)}", f"  got: {_show(got)}"]
    return "\n".join([describe(trials) or "It first differs here:", *_list_inputs(exercise, inputs), *results])


def _list_inputs(exercise: Exercise, inputs: tuple) -> list[str]:
    """Return a line for each input, with the name that it has in the task."""
    names = list(signature(exercise.reference).parameters)[: len(inputs)]
    return [f"  {name} = {_show(value)}" for name, value in zip(names, inputs, strict=True)]


def _show(value: Any) -> str:
    """Return a value as a short text: of a large tensor the shape and the first numbers, of a float four digits."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_show, value))})"
    if isinstance(value, torch.Tensor) and value.numel() > 12:
        first = ", ".join(map(_show, value.flatten()[:3].tolist()))
        return f"{' by '.join(map(str, value.shape))} numbers, {first}, …"
    if isinstance(value, torch.Tensor):
        return str(value.double().round(decimals=3).tolist() if value.is_floating_point() else value.tolist())
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}"
    return repr(value)
