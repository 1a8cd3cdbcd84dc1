"""The parts of a checkpoint, one row each, and what each must be: a damaged part is noticed before anything is loaded.

torch reads any plain values. Of which kind they are would show only later, when half of a training is loaded.
"""

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tlhelpers.network.identity import is_description, is_names

MAX_STEPS = 10_000_000  # of a schedule, which takes them one by one when it is resumed, in a minute


def check_parts(path: Path, state: Any) -> None:
    """Raise ValueError if something is not a checkpoint, or a part of it is not as ``save_checkpoint`` makes it.

    Parameters
    ----------
    path : Path
        For messages.
    state : object
        What a file holds, of any type.
    """
    if not isinstance(state, dict) or not set(state) >= set(PARTS):
        raise ValueError(f"{path} does not hold a training; load weights alone with load_resnet50({str(path)!r})")
    for name, is_right in PARTS.items():
        try:
            right = is_right(state[name])
        except Exception:  # a value of another kind than expected: wrong in any case
            right = False
        if not right:
            raise ValueError(
                f"{path} holds a training whose {name!r} is not as save_checkpoint writes it; take an earlier "
                "checkpoint, or train anew"
            )


def plain_numbers(value: Any) -> Any:
    """Return a value in which numbers of numpy and torch are those of Python: no others are read from a checkpoint.

    A learning rate of ``np.logspace`` is such a number.
    """
    if isinstance(value, Mapping):
        return {name: plain_numbers(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain_numbers(part) for part in value]
    return value.tolist() if isinstance(value, np.generic | np.ndarray | Tensor) else value


def _is_state_dict(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(k, str) and _has_values(v) for k, v in value.items())


def _has_values(value: Any) -> bool:
    return isinstance(value, Tensor) and value.layout is torch.strided and not value.is_meta


def _is_finite(value: Any) -> bool:
    return all(tensor.isfinite().all() for tensor in value.values())


def _is_optimizer_state(value: Any) -> bool:
    """Tell whether it has the numbers of parameters, and tensors and numbers for each."""
    return isinstance(value, dict) and all(
        isinstance(number, int) and all(_has_values(v) or _is_plain(v) for v in values.values())
        for number, values in value.items()
    )


def _is_plain(value: Any) -> bool:
    """Tell whether a value consists of numbers, words, lists and dicts."""
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_plain(part) for name, part in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return isinstance(value, int | float | str | None)


def _is_random_state(value: Any) -> bool:
    """Tell whether generators accept the states, which new ones try."""
    random.Random().setstate(value["python"])
    np.random.RandomState().set_state(value["numpy"])
    torch.Generator().set_state(value["torch"])
    return all(map(_has_values, value["cuda"]))


def _is_arithmetic(value: Any) -> bool:
    numbers_and_words = isinstance(value["number of threads"], int) and isinstance(value["device"], str)
    return numbers_and_words and value["precision"] in ("float32", "bfloat16")


PARTS: dict[str, Callable[[Any], bool]] = {
    "model": lambda value: _is_state_dict(value) and _is_finite(value),
    "network": lambda value: value is None or is_description(value),
    "classes": is_names,
    "optimizer": _is_optimizer_state,
    "steps": lambda value: isinstance(value, int) and 0 <= value <= MAX_STEPS,
    "settings": lambda value: isinstance(value, dict) and _is_plain(value),
    "history": lambda value: isinstance(value, list) and all(isinstance(v, dict) and _is_plain(v) for v in value),
    "random": _is_random_state,
    "arithmetic": _is_arithmetic,
}
