"""Checks of arguments that several functions by hand share."""

import torch
from torch import Tensor

Size = int | tuple[int, int]  # one number stands for both axes


def pair(value: Size, name: str) -> tuple[int, int]:
    """Return (rows, columns); raise ValueError if it is neither one whole number nor two."""
    both = value if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2 or not all(isinstance(number, int) and not isinstance(number, bool) for number in both):
        raise ValueError(f"{name} must be a whole number or two of them, got {value!r}: give (rows, columns)")
    return both[0], both[1]


def check_images(images: Tensor) -> None:
    """Raise ValueError if the images are not (N, C, H, W)."""
    if images.ndim != 4:
        raise ValueError(
            f"images must have the four axes (N, C, H, W), got shape {tuple(images.shape)}: "
            "put the missing ones in front, as images[None] does"
        )


def check_pixels(images: Tensor) -> None:
    """Raise ValueError if the images are not (N, C, H, W) floats with a channel and a pixel."""
    check_images(images)
    if 0 in images.shape[1:]:
        raise ValueError(
            f"images must have at least one channel and one pixel, got shape {tuple(images.shape)}: "
            "look at what was cropped away"
        )
    check_floats(images, "images")


def check_floats(values: Tensor, name: str) -> None:
    """Raise ValueError if the values are whole numbers, complex ones, or true and false."""
    if not values.is_floating_point():
        raise ValueError(f"{name} must hold floats, got {values.dtype}: convert them with {name}.float()")


def check_grad(grad: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Raise ValueError if a gradient has not the shape and the type of the output that it belongs to."""
    if tuple(grad.shape) != tuple(shape):
        raise ValueError(
            f"grad must have the shape of the output, {tuple(shape)}, got {tuple(grad.shape)}: "
            "give the gradient of the loss with respect to what the forward function returned"
        )
    if grad.ndim and grad.dtype != dtype:
        raise ValueError(f"grad must be {dtype} as the output is, got {grad.dtype}: convert it with grad.to({dtype})")


def upcast(values: Tensor) -> Tensor:
    """Return numbers of 16 bits as float32, in which sums of many are made, and all others as they are."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
