"""Pooling by hand: every window of an image gives one number, its largest or its mean.

A window is never cut out. For each place (k, l) inside the kernel, one strided slice holds what all windows
have at that place; the slices are then put together, by maximum or by sum.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from .convolution import _check_images, _output_shape, _pair

Pair = tuple[int, int]


def max_pool2d(
    images: Tensor, kernel: int | Pair, *, stride: int | Pair | None = None, padding: int | Pair = 0
) -> Tensor:
    """Return the largest value of every window.

    The border that padding adds holds minus infinity, so it never wins. NaN wins its window, as in torch.

    Parameters
    ----------
    images : (N, C, H, W) tensor of floats
    kernel : int or (int, int)
        Height and width of the window, in pixels.
    stride : int or (int, int), optional
        Pixels from one window to the next; the kernel's size if none is given.
    padding : int or (int, int)
        Pixels added on every side, at most half the kernel.

    Returns
    -------
    (N, C, H_out, W_out) tensor
        Sizes as ``output_size`` gives them, rounded down.

    Raises
    ------
    ValueError
        If the shape is not (N, C, H, W), the values are not floats, a kernel or stride is not positive, the
        padding is negative or more than half the kernel, or no window fits.

    Examples
    --------
    >>> max_pool2d(torch.tensor([[[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 1.0]]]]), 2)
    tensor([[[[4., 5.]]]])
    """
    largest = None
    for piece in _slices(images, kernel, stride, padding, border=-torch.inf):
        largest = piece if largest is None else torch.maximum(largest, piece)  # (N, C, H_out, W_out)
    return largest


def mean_pool2d(
    images: Tensor, kernel: int | Pair, *, stride: int | Pair | None = None, padding: int | Pair = 0
) -> Tensor:
    """Return the mean of every window.

    The border that padding adds holds zeros, and they count: every sum is divided by the whole kernel, as
    torch does by default (``count_include_pad=True``). Means at a padded edge are therefore drawn to zero.

    Parameters
    ----------
    images : (N, C, H, W) tensor of floats
    kernel : int or (int, int)
        Height and width of the window, in pixels.
    stride : int or (int, int), optional
        Pixels from one window to the next; the kernel's size if none is given.
    padding : int or (int, int)
        Pixels added on every side, at most half the kernel.

    Returns
    -------
    (N, C, H_out, W_out) tensor
        Sizes as ``output_size`` gives them, rounded down.

    Raises
    ------
    ValueError
        As in ``max_pool2d``.

    Examples
    --------
    >>> mean_pool2d(torch.tensor([[[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 1.0]]]]), 2)
    tensor([[[[2.5000, 1.7500]]]])
    """
    height, width = _pair(kernel, "kernel")
    return sum(_slices(images, kernel, stride, padding, border=0.0)) / (height * width)


def global_mean_pool2d(images: Tensor) -> Tensor:
    """Return one number a channel: the mean over all its pixels.

    Parameters
    ----------
    images : (N, C, H, W) tensor of floats
        Of any height and width.

    Returns
    -------
    (N, C) tensor

    Raises
    ------
    ValueError
        If the shape is not (N, C, H, W) with at least one pixel, or the values are not floats.

    Examples
    --------
    >>> global_mean_pool2d(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]]))
    tensor([[3.]])
    """
    _check_pixels(images)
    return images.sum(dim=(2, 3)) / (images.shape[2] * images.shape[3])  # (N, C)


def _slices(
    images: Tensor, kernel: int | Pair, stride: int | Pair | None, padding: int | Pair, *, border: float
) -> Iterator[Tensor]:
    """Yield, for each place in the kernel, what all windows hold there: (N, C, H_out, W_out)."""
    _check_pixels(images)
    kernel, padding = _pair(kernel, "kernel"), _pair(padding, "padding")
    stride = kernel if stride is None else _pair(stride, "stride")
    rows, columns = _output_shape(images, kernel, stride, padding)
    _check_padding(kernel, padding)
    padded = _pad_with(border, images, padding)  # (N, C, H + 2 pH, W + 2 pW)
    for k in range(kernel[0]):
        for l in range(kernel[1]):
            met = padded[:, :, k :: stride[0], l :: stride[1]]  # what (k, l) meets, and a little more
            yield met[:, :, :rows, :columns]


def _pad_with(border: float, images: Tensor, padding: Pair) -> Tensor:
    """Return the images in a frame of one value."""
    (above, left), (height, width) = padding, images.shape[2:]
    padded = images.new_full((*images.shape[:2], height + 2 * above, width + 2 * left), border)
    padded[:, :, above : above + height, left : left + width] = images
    return padded


def _check_pixels(images: Tensor) -> None:
    _check_images(images)
    if 0 in images.shape[1:]:
        raise ValueError(
            f"images must have at least one channel and one pixel, got shape {tuple(images.shape)}: "
            "look at what was cropped away"
        )
    if not images.is_floating_point():
        raise ValueError(f"images must hold floats, got {images.dtype}: convert them with images.float()")


def _check_padding(kernel: Pair, padding: Pair) -> None:
    for k, p in zip(kernel, padding, strict=True):
        if 2 * p > k:
            raise ValueError(
                f"padding must be at most half the kernel, got {p} for a kernel of {k}: use {k // 2} or "
                "less, since a window must not see border alone"
            )
