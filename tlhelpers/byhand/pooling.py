"""Pooling by hand: every window of an image gives one number, its largest or its mean.

A window is never cut out. For each place (k, l) inside the kernel, one strided slice holds what all windows have at
that place; the slices are then put together, by maximum or by sum. The gradient goes back through the same slices.
"""

import torch
from torch import Tensor

from .arguments import Size, check_grad, check_pixels, pair
from .windows import output_size


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

    The border that padding adds holds minus infinity, so it never wins; NaN wins its window. A dilated window that
    steps over the whole image, from border to border, gives minus infinity. So does torch.

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
        Round the number of windows up: the last may hang over the border.

    Returns
    -------
    (N, C, H_out, W_out) tensor
        Sizes as ``output_size`` gives them.

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
    windows = _Windows(images, kernel, stride, padding, dilation, ceil_mode)
    framed = windows.frame(images, -torch.inf)
    largest = framed[windows.places[0]]  # (N, C, H_out, W_out)
    for place in windows.places[1:]:
        largest = torch.maximum(largest, framed[place])
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
    """Give each window's gradient to the one pixel that won it.

    Among equals the first in row-major order of the window wins, and it alone; NaN wins against numbers, and of
    several NaNs the last, all as in torch. Where a dilated window sees the border alone, no pixel gets anything.

    Parameters
    ----------
    grad : (N, C, H_out, W_out) tensor
        Gradient of the loss with respect to what ``max_pool2d`` returned for the same images and options.

    Returns
    -------
    (N, C, H, W) tensor
        Gradient of the loss with respect to the images; a pixel that won several windows gets the sum.

    Raises
    ------
    ValueError
        As in ``max_pool2d``, or if the gradient has not the shape of the output.

    Examples
    --------
    >>> max_pool2d_backward(torch.tensor([[[[1.0]]]]), torch.tensor([[[[2.0, 7.0], [7.0, 3.0]]]]), 2)
    tensor([[[[0., 1.],
              [0., 0.]]]])
    """
    windows = _Windows(images, kernel, stride, padding, dilation, ceil_mode)
    check_grad(grad, (*images.shape[:2], *windows.shape))
    winner = windows.winner(images)
    spread = windows.frame(grad.new_zeros(images.shape), 0.0)
    for number, place in enumerate(windows.places):
        spread[place] += grad.where(winner == number, 0.0)
    return spread[windows.image]


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

    The border that padding adds holds zeros, and they count unless told otherwise: means at a padded edge are drawn
    to zero. What a last window has beyond that border (``ceil_mode``) never counts. So does torch.

    Parameters
    ----------
    images, kernel, stride, padding, ceil_mode
        As in ``max_pool2d``; there is no dilation, in torch neither.
    count_include_pad : bool
        If False, a sum is divided by the number of true pixels in the window, without the border's zeros.

    Returns
    -------
    (N, C, H_out, W_out) tensor
        Sizes as ``output_size`` gives them.

    Raises
    ------
    ValueError
        As in ``max_pool2d``.

    Examples
    --------
    >>> mean_pool2d(torch.tensor([[[[1.0, 2.0, 5.0, 0.0], [4.0, 3.0, 1.0, 1.0]]]]), 2)
    tensor([[[[2.5000, 1.7500]]]])
    """
    windows = _Windows(images, kernel, stride, padding, 1, ceil_mode)
    framed = windows.frame(images, 0.0)
    return sum(framed[place] for place in windows.places) / windows.counts(images, count_include_pad)


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
        Gradient of the loss with respect to what ``mean_pool2d`` returned for the same images and options.

    Returns
    -------
    (N, C, H, W) tensor
        Gradient of the loss with respect to the images.

    Raises
    ------
    ValueError
        As in ``mean_pool2d``, or if the gradient has not the shape of the output.

    Examples
    --------
    >>> mean_pool2d_backward(torch.tensor([[[[8.0]]]]), torch.tensor([[[[2.0, 7.0], [7.0, 3.0]]]]), 2)
    tensor([[[[2., 2.],
              [2., 2.]]]])
    """
    windows = _Windows(images, kernel, stride, padding, 1, ceil_mode)
    check_grad(grad, (*images.shape[:2], *windows.shape))
    share = grad / windows.counts(images, count_include_pad)
    spread = windows.frame(grad.new_zeros(images.shape), 0.0)
    for place in windows.places:
        spread[place] += share
    return spread[windows.image]


class _Windows:
    """Where the windows lie in a frame that holds the image, its padding, and what a last window hangs over.

    ``places`` has, for each place (k, l) of the kernel in row-major order, the slices of the frame that hold what
    all windows have there; ``image`` and ``padded`` are the slices of the image, and of the image with its padding.
    """

    def __init__(self, images, kernel, stride, padding, dilation, ceil_mode):
        check_pixels(images)
        kernel, padding = pair(kernel, "kernel"), pair(padding, "padding")
        stride = kernel if stride is None else pair(stride, "stride")
        axes = zip(images.shape[2:], kernel, stride, padding, pair(dilation, "dilation"), strict=True)
        self.shape, self.size, slices = zip(*(_along(*axis, ceil_mode) for axis in axes), strict=True)
        self.places = [(..., row, column) for row in slices[0] for column in slices[1]]
        pairs = list(zip(padding, images.shape[2:], strict=True))
        self.image = (..., *(slice(p, p + size) for p, size in pairs))
        self.padded = (..., *(slice(p + size + p) for p, size in pairs))

    def frame(self, images, border):
        framed = images.new_full((*images.shape[:2], *self.size), border)
        framed[self.image] = images
        return framed

    def counts(self, images, count_include_pad):
        """Return how many pixels of every window count: (H_out, W_out)."""
        counted = images.new_zeros(self.size, dtype=torch.bool)
        counted[self.padded if count_include_pad else self.image] = True
        return sum(counted[place] for place in self.places)  # of booleans, so exact in any precision

    def winner(self, images):
        """Return which place of each window holds its largest value, or -1 where it sees the border alone."""
        framed, true = self.frame(images, -torch.inf), images.new_zeros(self.size, dtype=torch.bool)
        true[self.image] = True
        largest = framed[self.places[0]]
        winner = largest.new_full(largest.shape, -1).int()
        for number, place in enumerate(self.places):
            piece = framed[place]
            wins = true[place] & ((winner < 0) | (piece > largest) | (piece != piece))  # NaN differs from itself
            largest, winner = piece.where(wins, largest), winner.masked_fill(wins, number)
        return winner


def _along(size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool):
    """Return, for one axis, how many windows there are, the pixels of the frame, and a slice for each place k."""
    count = output_size(size, kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    if 2 * padding > kernel:
        raise ValueError(
            f"padding must be at most half the kernel, got {padding} for a kernel of {kernel}: use {kernel // 2} or "
            "less, since a window must not see border alone"
        )
    reach = stride * (count - 1) + 1  # from the first window's pixel to the last one's
    slices = [slice(k * dilation, k * dilation + reach, stride) for k in range(kernel)]
    return count, max(slices[-1].stop, size + 2 * padding), slices
