"""Checks that raise: equal to torch, the right shape, frozen that is really frozen."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def check_close(ours, theirs, *others, what: str = "result", atol: float = 1e-6) -> None:
    """Raise at the first value that differs, or print one line.

    Parameters
    ----------
    ours : Tensor, or tuple of tensors
        What is to be proven. Numbers are taken too.
    theirs, others : Tensor, or tuple of tensors
        One or more references of the same shape, such as torch's result and the package's.
    what : str
        The name of what is compared, for the line that is printed.
    atol : float
        The largest difference allowed, absolute. NaN equals NaN, infinity equals infinity.

    Raises
    ------
    AssertionError
        If the shapes differ or a value differs by more than ``atol``.

    Examples
    --------
    >>> check_close(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0]), what="two numbers")
    two numbers: equal, 2 values, no difference above 1e-06
    """
    for number, reference in enumerate((theirs, *others), start=1):
        name = f"{what}, beside reference {number}," if others else what
        count = _compare(ours, reference, name, atol)
    print(f"{what}: equal, {count:,} value{'' if count == 1 else 's'}, no difference above {atol:g}")


def _compare(ours, theirs, what: str, atol: float) -> int:
    """Raise AssertionError at the first difference, or return how many values are equal."""
    if isinstance(ours, tuple):
        if not isinstance(theirs, tuple) or len(ours) != len(theirs):
            raise AssertionError(f"{what} has {len(ours)} parts, expected {len(theirs)}")
        parts = zip(ours, theirs, strict=True)
        return sum(_compare(*pair, f"{what} part {number}", atol) for number, pair in enumerate(parts, start=1))
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
    """Raise AssertionError if a tensor has not the shape expected.

    Examples
    --------
    >>> check_shape(torch.zeros(2, 3), (2, 3))
    """
    if tuple(tensor.shape) != tuple(shape):
        raise AssertionError(f"{what} has shape {tuple(tensor.shape)}, expected {tuple(shape)}")


@contextmanager
def check_frozen(*modules: nn.Module) -> Iterator[None]:
    """Raise if a parameter or a buffer of these modules changed inside the ``with`` block.

    Buffers count: the running statistics of batch norm move in training mode even where
    ``requires_grad`` is False.

    Raises
    ------
    AssertionError
        Names the first tensors that changed.
    """
    before = [_fingerprints(module) for module in modules]
    yield
    changed = [
        name
        for module, old in zip(modules, before, strict=True)
        for name, print_ in _fingerprints(module).items()
        if old[name] != print_
    ]
    if changed:
        raise AssertionError(f"not frozen: {len(changed)} tensors changed, first {', '.join(changed[:3])}")
    print(f"frozen: {sum(map(len, before))} tensors unchanged, bit for bit")


def _fingerprints(module: nn.Module) -> dict[str, str]:
    return {
        name: hashlib.sha256(value.detach().cpu().contiguous().numpy().tobytes()).hexdigest()
        for name, value in module.state_dict().items()
    }
