"""What a wrong answer looks like in any exercise: the wrong sign, a constant factor, rows and columns exchanged."""

import re
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

Trial = tuple[tuple, Any, Any]  # the inputs, the answer that was given, the correct answer
Pair = tuple[Tensor, Tensor]  # the answer that was given and the correct answer, as numbers

# For answers of the right shape. The first sentence that is true of every trial is used.
VALUES: dict[str, Callable[[Tensor, Tensor], bool]] = {
    "The sign is turned round.": lambda got, want: _close(got, -want),
    "This is the square of the correct answer.": lambda got, want: _close(got, want**2),
    "A square is missing: this is the square root of the correct answer.": lambda got, want: _close(
        got, want.abs().sqrt()
    ),
    "A logarithm is missing: this is the exponential of the correct answer.": lambda got, want: _close(got, want.exp()),
    "There is one logarithm too many.": lambda got, want: _close(got, want.log()),
    "This is 1 divided by the correct answer.": lambda got, want: _close(got, 1 / want),
    "This is 1 minus the correct answer.": lambda got, want: _close(got, 1 - want),
    "The result is rounded to whole numbers.": lambda got, want: _close(got, want.floor()) or _close(got, want.round()),
    "The absolute values are right, but some signs are not.": lambda got, want: _close(got.abs(), want.abs()),
    "The last dimension is in reverse order.": lambda got, want: got.dim() > 0 and _close(got, want.flip(-1)),
    "Rows and columns are exchanged.": lambda got, want: got.dim() > 1 and _close(got, want.transpose(-1, -2)),
    "These are the right values in the wrong order.": lambda got, want: _close(
        got.flatten().sort()[0], want.flatten().sort()[0]
    ),
    "It is right inside, but not along the border.": lambda got, want: _close(_inside(got), _inside(want)),
}
# For answers of another shape.
SHAPES: dict[str, Callable[[Tensor, Tensor], bool]] = {
    "Rows and columns are exchanged.": lambda got, want: got.dim() == 2 and _close(got.T, want),
    "The values are right, but the shape is not": lambda got, want: _close(got.flatten(), want.flatten()),
    "This is the sum of all values of the correct answer.": lambda got, want: _close(got.squeeze(), want.sum()),
    "This is the mean of all values of the correct answer.": lambda got, want: _close(got.squeeze(), want.mean()),
}

# For answers that raise an exception, by words in the message of Python or torch.
ERRORS = {
    "out of bounds|out of range": "An index is past the end: which is the last index, and does it count from 0?",
    "must match|cannot be multiplied|broadcast|inconsistent tensor|not match": (
        "Two shapes do not fit together: print both."
    ),
    "values to unpack": "The number of values differs from the number of names on the left: print the values.",
    "by zero": "It divides by zero: in which case, and what is the answer then?",
    "could not infer output dtype|tensor of type|expected .*(?:Float|Double|Long)|not implemented for": (
        "Integers or truth values are used where floating-point numbers are needed, or the other way round: "
        ".double() and .long() convert them."
    ),
    "cannot be interpreted as an integer": (
        "A floating-point number is used where an integer is needed: should a / be a //?"
    ),
    "is not defined": "There is no such name: is it spelled the same where it is assigned, and was that cell run?",
    "positional argument": (
        "The function does not take the arguments of the task: compare its first line with the first line of the stub."
    ),
    "has no attribute": "This is not a tensor, or tensors do not have such a method: print its type.",
}


def same(got: Any, expected: Any) -> bool:
    """Return whether an answer is correct: texts, flags and counts exactly, other numbers to four digits."""
    if isinstance(expected, str | bool | set | list | tuple):
        return type(got) is type(expected) and got == expected
    try:
        got, expected = torch.as_tensor(got), torch.as_tensor(expected)
    except (TypeError, ValueError, RuntimeError):
        return False
    rtol = 1e-4 if expected.is_floating_point() else 1e-12  # a count is right or wrong
    got, expected = got.double(), expected.double()
    return got.shape == expected.shape and torch.allclose(got, expected, rtol=rtol, atol=1e-6, equal_nan=True)


def describe_error(error: Exception) -> str:
    """Return a sentence on the usual cause of an exception, or an empty string for an unusual one."""
    return next((sentence for words, sentence in ERRORS.items() if re.search(words, str(error))), "")


def describe(trials: list[Trial]) -> str | None:
    """Return a sentence on what the wrong answers of all trials have in common, or None.

    Parameters
    ----------
    trials : list of (inputs, got, expected)
        At least one of them is wrong. If ``expected`` is not a tensor or a number, there is no sentence.
    """
    try:
        pairs = [(_as_numbers(got), _as_numbers(expected)) for _, got, expected in trials]
    except (TypeError, ValueError, RuntimeError):
        return None
    if partly_right := _describe_counts(trials):
        return partly_right
    if any(not got.isfinite().all() and want.isfinite().all() for got, want in pairs):
        return "It is not finite: is there an exponential of a large number, a logarithm of 0, or a division by 0?"
    if any(got.shape != want.shape for got, want in pairs):
        return _describe_shapes(pairs)
    if all(_close(got, want) for got, want in pairs):  # large counts that are off by a little: the values show it best
        return None
    return _describe_arguments(trials, pairs) or _first_that_fits(VALUES, pairs) or _describe_differences(pairs)


def _describe_counts(trials: list[Trial]) -> str | None:
    """Return how many answers are right, or None if all are wrong."""
    right = sum(same(got, expected) for _, got, expected in trials)
    if right > len(trials) / 2:
        return f"It is right for {right} of {len(trials)} inputs: what is special about this one?"
    if right:
        return f"It is right for only {right} of {len(trials)} inputs: what do those have in common, and not this one?"
    return None


def _describe_shapes(pairs: list[Pair]) -> str:
    got, want = next((tuple(got.shape), tuple(want.shape)) for got, want in pairs if got.shape != want.shape)
    found = _first_that_fits(SHAPES, pairs) or "The shape is not right"
    return found if found.endswith(".") else f"{found}: {got} in place of {want}."


def _describe_arguments(trials: list[Trial], pairs: list[Pair]) -> str | None:
    """Name an argument that comes back unchanged, or answers that do not depend on any argument."""
    for i, argument in enumerate(trials[0][0]):
        if isinstance(argument, Tensor) and all(
            _close(got, inputs[i].double()) for (inputs, _, _), (got, _) in zip(trials, pairs, strict=True)
        ):
            return f"This is argument {i + 1}, unchanged."
    first_got, first_want = pairs[0]
    constant = all(_close(got, first_got) for got, _ in pairs)
    if constant and not all(_close(want, first_want) for _, want in pairs):
        return "It is the same for all inputs: does it use its arguments?"
    return None


def _describe_differences(pairs: list[Pair]) -> str | None:
    """Name a constant factor or a constant difference."""
    got, want = (torch.cat([each.flatten() for each in side]) for side in zip(*pairs, strict=True))
    if (want.abs() > 1e-9).any():
        factor = (got * want).sum() / (want * want).sum()  # by least squares
        if factor.abs() > 1e-9 and _close(got, factor * want):
            return f"Everything is {factor:.4g} times as large as it should be."
    difference = (got - want).mean()
    if _close(got, want + difference):
        return f"Everything is {abs(difference):.4g} too {'large' if difference > 0 else 'small'}."
    return None


def _first_that_fits(patterns: dict[str, Callable[[Tensor, Tensor], bool]], pairs: list[Pair]) -> str | None:
    return next((sentence for sentence, fits in patterns.items() if all(fits(*pair) for pair in pairs)), None)


def _as_numbers(value: Any) -> Tensor:
    if isinstance(value, str):
        raise TypeError("a text has no sign and no size")
    return torch.as_tensor(value).double()


def _inside(values: Tensor) -> Tensor:
    """Return a map without its border, or NaN, which equals nothing, if it has no inside."""
    return values[..., 1:-1, 1:-1] if values.dim() > 1 and min(values.shape[-2:]) > 2 else torch.tensor(torch.nan)


def _close(got: Tensor, want: Tensor) -> bool:
    return got.shape == want.shape and torch.allclose(got, want, rtol=1e-4, atol=1e-6)
