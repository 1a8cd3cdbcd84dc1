"""Exercises that answer: what is wrong, where it first shows, and which mistake it looks like.

An exercise is a right answer, a way to draw inputs, and the mistakes that people make, each written out
as the function that makes it. An answer is run on drawn inputs beside all of them; if it is wrong in just
the way one of the mistakes is, the learner gets that mistake's hint.
"""

import copy
import math
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch

from tlhelpers.classroom.exercises import Exercise, find_exercise
from tlhelpers.classroom.patterns import describe, describe_error, same
from tlhelpers.classroom.progress import remember

TRIALS = 20


@dataclass(frozen=True)
class Verdict:
    """What a check found: ``status`` is "not attempted", "right" or "wrong"."""

    status: str
    message: str


def check_exercise(exercise_id: str, answer: Any) -> None:
    """Print what the check of one exercise says of an answer: not attempted yet, right, or what is wrong.

    A right one is remembered, for ``progress``.

    Parameters
    ----------
    exercise_id : str
        Such as "01.2": notebook 01, exercise 2.
    answer : Any
        The function or the value asked for.

    Raises
    ------
    ValueError
        If there is no exercise of that name.
    """
    verdict = judge(find_exercise(exercise_id), answer)
    if verdict.status == "right":
        remember(exercise_id)
    print(f"Exercise {exercise_id}: {verdict.message}")


def check_solution(exercise_id: str, answer: Any) -> None:
    """Print what the check says of the notebook's own solution, which does not count as the reader's.

    Parameters and errors are those of ``check_exercise``.
    """
    print(f"Exercise {exercise_id}: {judge(find_exercise(exercise_id), answer).message}")


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """Run an answer on drawn inputs beside the reference and the mistakes."""
    if _is_stub(answer):
        return Verdict("not attempted", "not attempted yet.")
    answer_of = answer if callable(answer) else lambda *_: answer
    generator = torch.Generator().manual_seed(0)
    suspects, trials = dict(exercise.mistakes), []
    for _ in range(TRIALS):
        inputs = exercise.draw(generator)
        try:
            got = answer_of(*_copies(inputs))
        except Exception as error:  # whatever a learner's code raises is an answer to talk about
            said = f"It raised {type(error).__name__}: {error}. {describe_error(error)}".rstrip()
            return Verdict("wrong", "\n".join([f"not yet. {said}", *_named(exercise, inputs)]))
        if got is None:
            return Verdict("wrong", "not yet. It returns nothing: is there a return on every way through it?")
        trials.append((inputs, got, exercise.reference(*_copies(inputs))))
        suspects = {hint: wrong for hint, wrong in suspects.items() if same(got, wrong(*_copies(inputs)))}
    differ = [trial for trial in trials if not same(*trial[1:])]
    if not differ:
        return Verdict("right", "right.")
    return Verdict("wrong", f"not yet. {next(iter(suspects), None) or _difference(exercise, trials, *differ[0])}")


def _stub(): ...


def _is_stub(answer: Any) -> bool:
    """Tell whether an answer is still the dots, alone or as the body of a function."""
    if answer is None or answer is Ellipsis:
        return True
    code, stub = getattr(answer, "__code__", None), _stub.__code__
    return code is not None and (code.co_code, code.co_consts) == (stub.co_code, stub.co_consts)


def _difference(exercise: Exercise, trials: list[tuple], inputs: tuple, got: Any, expected: Any) -> str:
    """Say how an answer differs, and where it first does; of a question without inputs that would be the answer."""
    if not inputs:
        return f"{_show(got)} is not the answer."
    results = [f"  expected: {_show(expected)}", f"  got: {_show(got)}"]
    return "\n".join([describe(trials) or "It first differs here:", *_named(exercise, inputs), *results])


def _named(exercise: Exercise, inputs: tuple) -> list[str]:
    """Return a line for each input, with the name that the task gives it."""
    names = list(signature(exercise.reference).parameters)[: len(inputs)]
    return [f"  {name} = {_show(value)}" for name, value in zip(names, inputs, strict=True)]


def _copies(inputs: tuple) -> tuple:
    """A learner's function may write into its input; nobody else should notice."""
    return copy.deepcopy(inputs)


def _show(value: Any) -> str:
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
