"""What a wrong answer looks like in any exercise: a turned sign, a constant factor, exchanged rows and columns."""

import re
from typing import Any

import torch
from torch import Tensor

# of numbers in the right shape; the first that fits every drawn input is named
NUMBERS = {
    "The sign is turned round.": lambda got, want: _close(got, -want),
    "That is the square of it.": lambda got, want: _close(got, want**2),
    "The square is missing: that is its root.": lambda got, want: _close(got, want.abs().sqrt()),
    "A logarithm is missing: that is its exponential.": lambda got, want: _close(got, want.exp()),
    "There is a logarithm too many.": lambda got, want: _close(got, want.log()),
    "That is one divided by it.": lambda got, want: _close(got, 1 / want),
    "That is one minus it.": lambda got, want: _close(got, 1 - want),
    "It is cut or rounded to whole numbers.": lambda got, want: _close(got, want.floor()) or _close(got, want.round()),
    "The absolute values are right, some signs are not.": lambda got, want: _close(got.abs(), want.abs()),
    "The last dimension runs backwards.": lambda got, want: got.dim() > 0 and _close(got, want.flip(-1)),
    "Rows and columns are exchanged.": lambda got, want: got.dim() > 1 and _close(got, want.transpose(-1, -2)),
    "These are the right numbers in another order.": lambda got, want: _close(
        got.flatten().sort()[0], want.flatten().sort()[0]
    ),
    "Inside it is right, along the border it is not.": lambda got, want: _close(_inside(got), _inside(want)),
}
# of numbers in another shape
SHAPES = {
    "Rows and columns are exchanged.": lambda got, want: got.dim() == 2 and _close(got.T, want),
    "The numbers are right, the shape is not": lambda got, want: _close(got.flatten(), want.flatten()),
    "That is the sum of all that was asked for.": lambda got, want: _close(got.squeeze(), want.sum()),
    "That is the mean of all that was asked for.": lambda got, want: _close(got.squeeze(), want.mean()),
}

# by a piece of what Python or torch says when an answer breaks off
ERRORS = {
    "out of bounds|out of range": "It reads past an end: which is the last place, and does it count from 0?",
    "must match|cannot be multiplied|broadcast|inconsistent tensor|not match": "Two shapes do not fit: print both.",
    "values to unpack": "There are more or fewer numbers in there than names for them: print it.",
    "by zero": "It divides by zero: which case is that, and what is the answer there?",
    "could not infer output dtype|tensor of type|expected .*(?:Float|Double|Long)|not implemented for": (
        "Whole numbers or truth values stand where fractions are needed, or the other way: .double(), .long()."
    ),
    "cannot be interpreted as an integer": "A fraction stands where a whole number is needed: // in place of /?",
    "is not defined": "There is no such name: is it spelt so where it is made, and was that cell run?",
    "positional argument": "It takes other arguments than the task says: compare the first line with that of the stub.",
    "has no attribute": "That is no tensor, or a tensor has no such function: print its type.",
}


def same(got: Any, expected: Any) -> bool:
    """Tell whether an answer is right: texts and flags exactly, counts exactly, other numbers to four digits."""
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
    """Return a sentence on what an error of an answer may come from; nothing if it is an unusual one."""
    return next((sentence for words, sentence in ERRORS.items() if re.search(words, str(error))), "")


def describe(trials: list[tuple[tuple, Any, Any]]) -> str | None:
    """Return a sentence on what the wrong answers of all trials have in common, or None.

    Parameters
    ----------
    trials : list of (inputs, got, expected)
        Of which at least one is wrong; ``expected`` a tensor or a number, else nothing is said.
    """
    try:
        pairs = [(_numbers(got), _numbers(expected)) for _, got, expected in trials]
    except (TypeError, ValueError, RuntimeError):
        return None
    right = sum(same(got, expected) for _, got, expected in trials)
    if right > len(pairs) / 2:
        return f"It is right for {right} of {len(pairs)} inputs: what is special about this one?"
    if right:
        return f"It is right for only {right} of {len(pairs)} inputs: what do those have in common, and not this one?"
    if any(not got.isfinite().all() and want.isfinite().all() for got, want in pairs):
        return "It is not finite: is there an exponential of a large number, the logarithm of 0, or a division by it?"
    if any(got.shape != want.shape for got, want in pairs):
        return _of_shapes(pairs)
    if all(_close(got, want) for got, want in pairs):  # counts that are a little off: the numbers say it best
        return None
    return _of_arguments(trials, pairs) or _first(NUMBERS, pairs) or _of_differences(pairs)


def _of_shapes(pairs: list[tuple[Tensor, Tensor]]) -> str:
    got, want = next((tuple(got.shape), tuple(want.shape)) for got, want in pairs if got.shape != want.shape)
    found = _first(SHAPES, pairs) or "The shape is not right"
    return found if found.endswith(".") else f"{found}: {got} in place of {want}."


def _of_arguments(trials: list[tuple[tuple, Any, Any]], pairs: list[tuple[Tensor, Tensor]]) -> str | None:
    """Name an argument that comes back as it was, or an answer that hangs on none of them."""
    for place, argument in enumerate(trials[0][0]):
        if isinstance(argument, Tensor) and all(
            _close(got, inputs[place].double()) for (inputs, _, _), (got, _) in zip(trials, pairs, strict=True)
        ):
            return f"That is argument {place + 1} as it came: nothing was done to it."
    first, wanted = pairs[0]
    same = all(_close(got, first) for got, _ in pairs)
    if same and not all(_close(want, wanted) for _, want in pairs):
        return "It is the same for all inputs: does it use its arguments?"
    return None


def _of_differences(pairs: list[tuple[Tensor, Tensor]]) -> str | None:
    """Name a constant factor or a constant difference."""
    got, want = (torch.cat([each.flatten() for each in side]) for side in zip(*pairs, strict=True))
    if (want.abs() > 1e-9).any():
        factor = (got * want).sum() / (want * want).sum()
        if factor.abs() > 1e-9 and _close(got, factor * want):
            return f"Everything is {factor:.4g} times as large as it should be."
    difference = (got - want).mean()
    if _close(got, want + difference):
        return f"Everything is {abs(difference):.4g} too {'large' if difference > 0 else 'small'}."
    return None


def _first(patterns: dict, pairs: list[tuple[Tensor, Tensor]]) -> str | None:
    return next((name for name, fits in patterns.items() if all(fits(got, want) for got, want in pairs)), None)


def _numbers(value: Any) -> Tensor:
    if isinstance(value, str):
        raise TypeError("a text has no sign and no size")
    return torch.as_tensor(value).double()


def _inside(values: Tensor) -> Tensor:
    """Return a map without its border, or nothing that equals anything if it has no inside."""
    return values[..., 1:-1, 1:-1] if values.dim() > 1 and min(values.shape[-2:]) > 2 else torch.tensor(torch.nan)


def _close(got: Tensor, want: Tensor) -> bool:
    return got.shape == want.shape and torch.allclose(got, want, rtol=1e-4, atol=1e-6)
