"""Checks of arguments that several functions by hand share."""

import torch
from torch import Tensor

Size = int | tuple[int, int]  # one integer stands for both axes


def require(holds: bool, name: str, value: object, rule: str, remedy: str) -> None:
    """Raise ValueError with the sentence ``NAME is VALUE; it must RULE; REMEDY`` unless the rule holds."""
    if not holds:
        raise ValueError(f"{name} is {value}; it must {rule}; {remedy}")


def is_integer(value: object) -> bool:
    """Return whether a value is an int, and not True or False, which are integers for Python."""
    return isinstance(value, int) and not isinstance(value, bool)


def pair(value: Size, name: str) -> tuple[int, int]:
    """Return (rows, columns) of a size that is given as one integer or as two."""
    both = value if isinstance(value, tuple | list) else (value, value)
    fits = len(both) == 2 and all(map(is_integer, both))
    require(fits, name, repr(value), "be an integer or two of them", "give (rows, columns)")
    return both[0], both[1]


def check_images(images: Tensor) -> None:
    """Raise ValueError if the images are not (N, C, H, W) with at least one channel."""
    shape = tuple(images.shape)
    remedy = "add missing axes in front, as images[None] does"
    require(images.ndim == 4, "images.shape", shape, "have the four axes (N, C, H, W)", remedy)
    require(shape[1] > 0, "images.shape", shape, "have at least one channel", "check which channels were kept")


def check_pixels(images: Tensor) -> None:
    """Raise ValueError if the images are not (N, C, H, W) floats with at least one channel and one pixel."""
    check_images(images)
    shape = tuple(images.shape)
    require(0 not in shape[2:], "images.shape", shape, "have at least one pixel", "check how the images were cropped")
    check_floats(images, "images")


def check_floats(values: Tensor, name: str) -> None:
    """Raise ValueError if the values are integers, complex numbers, or booleans."""
    remedy = f"convert the values with {name}.float()"
    require(values.is_floating_point(), f"{name}.dtype", values.dtype, "be a floating-point type", remedy)


def check_shape(
    tensor: Tensor, name: str, shape: tuple[int, ...], meaning: str, remedy: str = "change its shape"
) -> None:
    """Raise ValueError if a tensor does not have a shape, whose meaning the message explains; nothing is broadcast."""
    found, wanted = tuple(tensor.shape), tuple(shape)
    require(found == wanted, f"{name}.shape", found, f"be {wanted}, {meaning}", remedy)


def check_dtype(tensor: Tensor, name: str, dtype: torch.dtype, other: str, remedy: str = "") -> None:
    """Raise ValueError if a tensor does not have the dtype of another one, which the message names."""
    remedy = remedy or f"convert one of the two, as {other}.to({name}.dtype) does"
    require(tensor.dtype == dtype, f"{name}.dtype", tensor.dtype, f"be {dtype}, the dtype of {other}", remedy)


def check_grad(grad: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Raise ValueError if a gradient does not have the shape and the dtype of the output that it belongs to."""
    remedy = "give the gradient of the loss with respect to what the forward function returned"
    check_shape(grad, "grad", shape, "the shape of the output", remedy)
    if grad.ndim:  # a single number, such as torch.tensor(1.0), may have another dtype
        check_dtype(grad, "grad", dtype, "the output", f"convert it with grad.to({dtype})")


def check_rows(features: Tensor, weight: Tensor) -> None:
    """Raise ValueError if features and weight are not matrices with the same number of columns."""
    shapes = tuple(features.shape), tuple(weight.shape)
    matching = features.ndim == weight.ndim == 2 and shapes[0][1] == shapes[1][1]
    remedy = "transpose the weight, or flatten the features to one row per image"
    require(matching, "(features.shape, weight.shape)", shapes, "be (N, D) and (C, D) with the same D", remedy)


def upcast(values: Tensor) -> Tensor:
    """Return values of 16 bits as float32, in which long sums stay accurate, and all others as they are."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
