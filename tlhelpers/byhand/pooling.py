"""Max and mean pooling by hand, and their gradients.

Windows are never cut out one by one. For each element (k, l) of the kernel, one strided slice holds the pixels that it
covers in all windows; the slices are combined by a maximum or a sum. The gradient goes back through the same slices.
"""

import torch
from torch import Tensor

from tlhelpers.byhand.arguments import Size, check_grad, check_pixels, pair, require, upcast
from tlhelpers.byhand.windows import WindowGrid


def max_pool2d(
    images: Tensor,
    kernel: Size,
    *,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Return the largest value of every window.

    The padding is minus infinity, so it is never larger than a pixel. A window with NaN gives NaN. A dilated window
    that covers padding only, on both sides of the image, gives minus infinity. All this is as in torch.

    Parameters
    ----------
    images : (N, C, H, W) tensor of floats
        N may be 0; one image without its batch axis is refused.
    kernel, padding : int or (int, int)
        Pixels of the window, and pixels added on every side: at most half the kernel.
    stride : int or (int, int), optional
        Pixels from one window to the next; the kernel's size if none is given.
    dilation : int or (int, int)
        Pixels from one element of a window to the next.
    ceil_mode : bool
        Round the number of windows up: the last one may extend beyond the padding.

    Returns
    -------
    (N, C, H_out, W_out) tensor
        Sizes as ``output_size`` returns them.

    Raises
    ------
    ValueError
        If the shape is not (N, C, H, W), the values are not floats, a kernel, stride or dilation is not positive,
        the padding is negative or more than half the kernel, or no window fits.

    Examples
    --------
    >>> image = torch.tensor([[[[1.0, 2.0, 5.0], [4.0, 3.0, 1.0]]]])
    >>> max_pool2d(image, 2), max_pool2d(image, 2, ceil_mode=True)
    (tensor([[[[4.]]]]), tensor([[[[4., 5.]]]]))
    """
    grid = _window_grid(images, kernel, stride, padding, dilation, ceil_mode)
    padded = grid.pad(images, -torch.inf)
    largest = padded[grid.elements[0]].clone()  # (N, C, H_out, W_out)
    for pixels in grid.elements[1:]:
        largest = torch.maximum(largest, padded[pixels])
    return largest


def max_pool2d_backward(
    grad: Tensor,
    images: Tensor,
    kernel: Size,
    *,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """Give each window's gradient to the one pixel that is its maximum.

    Among equal pixels it is the first in row-major order, NaN is larger than any number, and among several NaNs it is
    the last, all as in torch. If a dilated window covers padding only, no pixel gets its gradient.

    Parameters
    ----------
    grad : (N, C, H_out, W_out) tensor
        Gradient of the loss with respect to what ``max_pool2d`` returned.
    images, kernel, stride, padding, dilation, ceil_mode
        As ``max_pool2d`` got them.

    Returns
    -------
    (N, C, H, W) tensor
        Gradient of the loss with respect to the images; a pixel that is the maximum of several windows gets the sum.

    Raises
    ------
    ValueError
        As in ``max_pool2d``, or if the gradient does not have the shape of the output.

    Examples
    --------
    >>> max_pool2d_backward(torch.tensor([[[[1.0]]]]), torch.tensor([[[[2.0, 7.0], [7.0, 3.0]]]]), 2)
    tensor([[[[0., 1.],
              [0., 0.]]]])
    """
    grid = _window_grid(images, kernel, stride, padding, dilation, ceil_mode)
    check_grad(grad, (*images.shape[:2], *grid.shape), images.dtype)
    winner = _winner(grid, images)
    shares = (grad.where(winner == number, 0.0) for number in range(len(grid.elements)))
    return grid.add_windows(shares, images.shape[:2]).to(images.dtype)


def mean_pool2d(
    images: Tensor,
    kernel: Size,
    *,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Return the mean of every window.

    The padding is zero and counts by default: means at the edges are pulled towards zero. What a last window covers
    beyond the padding (``ceil_mode``) never counts. All this is as in torch.

    Parameters
    ----------
    images, kernel, stride, padding, ceil_mode
        As in ``max_pool2d``; as in torch there is no dilation.
    count_include_pad : bool
        If False, the sum is divided by the number of pixels in the window, without the padding.

    Returns
    -------
    (N, C, H_out, W_out) tensor
        Sizes as ``output_size`` returns them.

    Raises
    ------
    ValueError
        As in ``max_pool2d``.

    Examples
    --------
    >>> mean_pool2d(torch.tensor([[[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 1.0]]]]), 2)
    tensor([[[[2.5000, 1.7500]]]])
    """
    grid = _window_grid(images, kernel, stride, padding, 1, ceil_mode)
    padded = upcast(grid.pad(images))
    total = sum(padded[pixels] for pixels in grid.elements)  # (N, C, H_out, W_out)
    return (total / _counts(grid, images, count_include_pad)).to(images.dtype)


def mean_pool2d_backward(
    grad: Tensor,
    images: Tensor,
    kernel: Size,
    *,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Share each window's gradient equally among its pixels.

    Parameters
    ----------
    grad : (N, C, H_out, W_out) tensor
        Gradient of the loss with respect to what ``mean_pool2d`` returned.
    images, kernel, stride, padding, ceil_mode, count_include_pad
        As ``mean_pool2d`` got them.

    Returns
    -------
    (N, C, H, W) tensor
        Gradient of the loss with respect to the images.

    Raises
    ------
    ValueError
        As in ``mean_pool2d``, or if the gradient does not have the shape of the output.

    Examples
    --------
    >>> mean_pool2d_backward(torch.tensor([[[[8.0]]]]), torch.tensor([[[[2.0, 7.0], [7.0, 3.0]]]]), 2)
    tensor([[[[2., 2.],
              [2., 2.]]]])
    """
    grid = _window_grid(images, kernel, stride, padding, 1, ceil_mode)
    check_grad(grad, (*images.shape[:2], *grid.shape), images.dtype)
    share = upcast(grad) / _counts(grid, images, count_include_pad)
    return grid.add_windows((share for _ in grid.elements), images.shape[:2]).to(images.dtype)


def _window_grid(
    images: Tensor, kernel: Size, stride: Size | None, padding: Size, dilation: Size, ceil_mode: bool
) -> WindowGrid:
    """Check all arguments of a pooling, and return the positions of its windows."""
    check_pixels(images)
    kernel, padding = pair(kernel, "kernel"), pair(padding, "padding")
    stride = kernel if stride is None else stride
    grid = WindowGrid(images.shape[2:], kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    for border, side in zip(padding, kernel, strict=True):  # with more, a window could contain padding alone
        rule = f"be at most half the kernel, which is {side}"
        require(2 * border <= side, "padding", border, rule, f"use {side // 2} or less")
    return grid


def _counts(grid: WindowGrid, images: Tensor, count_include_pad: bool) -> Tensor:
    """Return how many pixels of every window count: (H_out, W_out)."""
    counted = images.new_zeros(grid.padded_size, dtype=torch.bool)
    counted[grid.padded_part if count_include_pad else grid.image_part] = True
    counts = [counted[pixels] for pixels in grid.elements]  # of booleans, so exact in any precision
    return sum(counts[1:], counts[0].long())


def _winner(grid: WindowGrid, images: Tensor) -> Tensor:
    """Return which element of each window is its largest, or -1 where it covers padding only."""
    padded, inside = grid.pad(images), images.new_zeros(grid.padded_size, dtype=torch.bool)
    inside[grid.image_part] = True
    largest = padded[grid.elements[0]]
    winner = largest.new_full(largest.shape, -1).int()
    for number, pixels in enumerate(grid.elements):
        piece = padded[pixels]
        wins = inside[pixels] & ((winner < 0) | (piece > largest) | (piece != piece))  # NaN differs from itself
        largest, winner = piece.where(wins, largest), winner.masked_fill(wins, number)
    return winner
