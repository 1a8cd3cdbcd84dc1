"""Checks that raise an error: values equal to those of torch, the right shape, parameters that did not change."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import torch
from torch import Tensor, nn


def check_close(ours: Any, theirs: Any, *others: Any, what: str = "result", atol: float = 1e-6) -> None:
    """Raise an error at the first value that differs, or print one line.

    Parameters
    ----------
    ours : Tensor, number, or tuple of tensors
        The values to be checked.
    theirs, others : Tensor, number, or tuple of tensors
        One or more references of the same shape, such as the result of torch and that of the package.
    what : str
        The name of the values, for the line that is printed.
    atol : float
        The largest absolute difference that is allowed. NaN equals NaN, and infinity equals infinity.

    Raises
    ------
    AssertionError
        If the shapes differ, or if a value differs by more than ``atol``.

    Examples
    --------
    >>> check_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]), what="two numbers")
    two numbers: equal, 2 values, no difference above 1e-06
    """
    for number, reference in enumerate((theirs, *others), start=1):
        name = f"{what}, beside reference {number}," if others else what
        count = _compare(ours, reference, name, atol)
    print(f"{what}: equal, {count:,} value{'' if count == 1 else 's'}, no difference above {atol:g}")


def _compare(ours: Any, theirs: Any, what: str, atol: float) -> int:
    """Raise an AssertionError at the first difference, or return how many values are equal."""
    if isinstance(ours, tuple):
        if not isinstance(theirs, tuple) or len(ours) != len(theirs):
            parts = len(theirs) if isinstance(theirs, tuple) else 1
            raise AssertionError(f"{what} has {len(ours)} parts, expected {parts}")
        pairs = zip(ours, theirs, strict=True)
        return sum(_compare(*pair, f"{what} part {number}", atol) for number, pair in enumerate(pairs, start=1))
    ours, theirs = torch.as_tensor(ours).detach(), torch.as_tensor(theirs).detach()
    check_shape(ours, theirs.shape, what=what)
    wrong = ~torch.isclose(ours.double(), theirs.double(), rtol=0, atol=atol, equal_nan=True)
    if wrong.any():
        index = tuple(wrong.nonzero()[0].tolist())
        raise AssertionError(
            f"{what} differs at index {index}: got {ours[index].item():.6g}, expected {theirs[index].item():.6g} "
            f"({int(wrong.sum())} of {wrong.numel()} values differ by more than {atol:g})"
        )
    return ours.numel()


def check_shape(tensor: Tensor, shape: tuple[int, ...], *, what: str = "result") -> None:
    """Raise an error if a tensor does not have the expected shape.

    Parameters
    ----------
    tensor : Tensor
    shape : tuple of int
    what : str
        The name of the tensor, for the error.

    Raises
    ------
    AssertionError
        If the shape is another one.

    Examples
    --------
    >>> check_shape(torch.zeros(2, 3), (2, 3))
    """
    if tuple(tensor.shape) != tuple(shape):
        raise AssertionError(f"{what} has shape {tuple(tensor.shape)}, expected {tuple(shape)}")


@contextmanager
def check_frozen(*modules: nn.Module) -> Iterator[None]:
    """Raise an error if a parameter or a buffer of these modules changes inside the ``with`` block.

    Buffers are checked too: in training mode the running statistics of batch norm change, even if ``requires_grad`` is
    False for its parameters.

    Parameters
    ----------
    *modules : nn.Module

    Raises
    ------
    AssertionError
        Names the first tensors that changed.
    """
    before = [_hashes(module) for module in modules]
    yield
    changed = [
        name
        for module, old in zip(modules, before, strict=True)
        for name, new_hash in _hashes(module).items()
        if old[name] != new_hash
    ]
    if changed:
        raise AssertionError(f"not frozen: {len(changed)} tensors changed, first {', '.join(changed[:3])}")
    print(f"frozen: {sum(map(len, before))} tensors unchanged, bit for bit")


def _hashes(module: nn.Module) -> dict[str, str]:
    """Return the SHA-256 of every parameter and buffer, by name."""
    tensors = module.state_dict().items()
    return {name: sha256(value.detach().cpu().contiguous().numpy().tobytes()).hexdigest() for name, value in tensors}
