"""Pooling by hand to an output of a given size.

Where the size of the output does not divide that of the image, the windows of ``adaptive_mean_pool2d`` differ in size
and may share pixels. Each window is pooled like an image of its own.
"""

from torch import Tensor

from tlhelpers.byhand.arguments import Size, check_grad, check_pixels, pair, require, upcast


def global_mean_pool2d(images: Tensor) -> Tensor:
    """Return the mean of each channel, over all its pixels.

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
    >>> import torch
    >>> global_mean_pool2d(torch.tensor([[[[1.0, 2.0], [3.0, 6.0]]]]))
    tensor([[3.]])
    """
    check_pixels(images)
    total = upcast(images).sum(dim=(2, 3))  # (N, C)
    return (total / (images.shape[2] * images.shape[3])).to(images.dtype)


def global_mean_pool2d_backward(grad: Tensor, images: Tensor) -> Tensor:
    """Share each channel's gradient equally among all its pixels.

    Parameters
    ----------
    grad : (N, C) tensor
        Gradient of the loss with respect to what ``global_mean_pool2d`` returned.
    images : (N, C, H, W) tensor of floats
        As ``global_mean_pool2d`` got them.

    Returns
    -------
    (N, C, H, W) tensor
        Gradient of the loss with respect to the images.

    Raises
    ------
    ValueError
        As in ``global_mean_pool2d``, or if the gradient does not have the shape of the output.

    Examples
    --------
    >>> import torch
    >>> global_mean_pool2d_backward(torch.tensor([[6.0]]), torch.zeros(1, 1, 1, 3))
    tensor([[[[2., 2., 2.]]]])
    """
    check_pixels(images)
    check_grad(grad, images.shape[:2], images.dtype)
    share = grad / (images.shape[2] * images.shape[3])
    return grad.new_zeros(images.shape) + share[:, :, None, None]


def adaptive_mean_pool2d(images: Tensor, size: Size) -> Tensor:
    """Return the mean of each window, with as many windows as the output has pixels.

    Along an axis of ``n`` pixels, window ``i`` of ``m`` starts at floor(i n / m) and ends before
    ceil((i + 1) n / m). Where m does not divide n, neighbors share a pixel or two; m may be larger than n.

    Parameters
    ----------
    images : (N, C, H, W) tensor of floats
        N may be 0; one image without its batch axis is refused.
    size : int or (int, int)
        Height and width of the output, at least 1.

    Returns
    -------
    (N, C, rows, columns) tensor

    Raises
    ------
    ValueError
        If the shape is not (N, C, H, W) with at least one pixel, the values are not floats, or a size is not positive.

    Examples
    --------
    >>> import torch
    >>> adaptive_mean_pool2d(torch.tensor([[[[0.0, 2.0, 4.0, 6.0, 8.0]]]]), (1, 2))  # pixels 0 to 2, pixels 2 to 4
    tensor([[[[2., 6.]]]])
    """
    rows, columns = _windows(images, size)
    means = images.new_zeros(*images.shape[:2], len(rows), len(columns))
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            means[:, :, i, j] = global_mean_pool2d(images[:, :, row, column])
    return means


def adaptive_mean_pool2d_backward(grad: Tensor, images: Tensor, size: Size) -> Tensor:
    """Share each window's gradient equally among its pixels; a pixel in several windows gets the sum.

    Parameters
    ----------
    grad : (N, C, rows, columns) tensor
        Gradient of the loss with respect to what ``adaptive_mean_pool2d`` returned.
    images, size
        As ``adaptive_mean_pool2d`` got them.

    Returns
    -------
    (N, C, H, W) tensor
        Gradient of the loss with respect to the images.

    Raises
    ------
    ValueError
        As in ``adaptive_mean_pool2d``, or if the gradient does not have the shape of the output.

    Examples
    --------
    >>> import torch
    >>> adaptive_mean_pool2d_backward(torch.tensor([[[[3.0, 6.0]]]]), torch.zeros(1, 1, 1, 5), (1, 2))
    tensor([[[[1., 1., 3., 2., 2.]]]])
    """
    rows, columns = _windows(images, size)
    check_grad(grad, (*images.shape[:2], len(rows), len(columns)), images.dtype)
    grad_images = grad.new_zeros(images.shape)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            grad_images[:, :, row, column] += global_mean_pool2d_backward(grad[:, :, i, j], images[:, :, row, column])
    return grad_images


def _windows(images: Tensor, size: Size) -> tuple[list[slice], list[slice]]:
    """Return the rows and the columns of the windows."""
    check_pixels(images)
    size = pair(size, "size")
    require(min(size) >= 1, "size", size, "be 1 or more along both axes", "use 1 for one mean per channel")
    rows, columns = (
        [slice(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]  # -(-a // b) rounds up
        for n, m in zip(images.shape[2:], size, strict=True)
    )
    return rows, columns
