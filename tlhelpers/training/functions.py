"""Tell functions apart by what they compute: their code, and the plain values that it uses."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FunctionType, MethodType
from typing import Any

from torch import nn


def short_hash(value: Any) -> str:
    """Return the first 8 digits of a hash of the ``repr`` of a value."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]


def functions_in(value: Any) -> Iterator[Callable]:
    """Yield the functions in a transform, also those of the transforms in it."""
    if isinstance(value, FunctionType | MethodType | partial):
        yield value
    parts = vars(value).values() if isinstance(value, nn.Module) else value if isinstance(value, list | tuple) else ()
    for part in parts:
        yield from functions_in(part)


def hash_functions(functions: list[Callable]) -> str:
    """Return a hash that another function, another default, or another value of a variable would change."""
    return short_hash([_describe(function) for function in functions])


def _describe(function: Any) -> Any:
    """Return the code of a function, and the plain values of its defaults and of the variables from outside of it."""
    if isinstance(function, partial):
        given = [*function.args, *(part for item in sorted(function.keywords.items()) for part in item)]
        return [_describe(function.func), [value if _is_plain(value) else _describe(value) for value in given]]
    function = getattr(function, "__func__", function)  # of a method
    if not isinstance(function, FunctionType):
        return getattr(function, "__qualname__", type(function).__qualname__)
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    outside = [function.__globals__.get(name) for name in function.__code__.co_names]
    values = [value for value in (*(function.__defaults__ or ()), *cells, *outside) if _is_plain(value)]
    return [_describe_code(function.__code__), values]


def _describe_code(code: CodeType) -> list:
    inner = [_describe_code(part) for part in code.co_consts if isinstance(part, CodeType)]
    return [code.co_code, code.co_names, [part for part in code.co_consts if _is_plain(part)], inner]


def _is_plain(value: Any) -> bool:
    return isinstance(value, int | float | str | bytes | None)
