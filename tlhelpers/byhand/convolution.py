"""Convolution by hand: with plain loops, as a matrix product, and as one large matrix; and its gradients.

What deep learning calls a convolution is a cross-correlation: the kernel is not flipped.
"""

import torch
from torch import Tensor

from tlhelpers.byhand.arguments import (
    Size,
    check_dtype,
    check_grad,
    check_images,
    check_shape,
    is_integer,
    pair,
    require,
    upcast,
)
from tlhelpers.byhand.windows import WindowGrid


def conv2d_loops(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve images with kernels, one output value at a time.

    Parameters
    ----------
    images : Tensor of shape (N, C, H, W)
        N may be 0; one image without its batch axis is refused.
    weight : Tensor of shape (O, C / groups, K, L)
        One kernel for each of the O output channels.
    bias : Tensor of shape (O,), optional
    stride : int or (int, int)
        Pixels from one position of the kernel to the next: for both axes, or (rows, columns).
    padding : int, (int, int) or "same"
        Zeros on each side of the images. "same" adds as many as keep the size, for stride 1; if their number is odd,
        as with an even kernel, there is one more below or on the right.
    dilation : int or (int, int)
        Pixels from one element of the kernel to the next.
    groups : int
        Parts into which input and output channels are divided: the kernels of one part see its channels only. With
        as many groups as channels the convolution is depthwise.

    Returns
    -------
    Tensor of shape (N, O, rows, columns)
        As ``torch.nn.functional.conv2d`` returns.

    Raises
    ------
    ValueError
        If shapes, groups or dtypes do not match, or the kernel does not fit (see ``output_size``).

    Examples
    --------
    >>> image = torch.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d_loops(image, torch.ones(1, 1, 2, 2)).tolist()
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    """
    grid = _window_grid(images, weight, bias, stride, padding, dilation, groups)
    (down, right), (d, e), (channels, height, width) = pair(stride, ""), pair(dilation, ""), weight.shape[1:]
    padded = grid.pad(images)
    outputs = images.new_zeros(len(images), len(weight), *grid.shape)
    for n in range(len(images)):
        for o in range(len(weight)):
            first = o // (len(weight) // groups) * channels  # first channel of the kernel's group
            for i in range(grid.shape[0]):
                for j in range(grid.shape[1]):
                    rows = slice(i * down, i * down + height * d, d)
                    columns = slice(j * right, j * right + width * e, e)
                    window = padded[n, first : first + channels, rows, columns]  # (C / groups, K, L)
                    outputs[n, o, i, j] = (window * weight[o]).sum()
    return outputs if bias is None else outputs + bias[:, None, None]


def conv2d(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Convolve images with kernels as a matrix product: kernels in rows times windows in columns.

    This is much faster than ``conv2d_loops``. It needs more memory, because each pixel is copied once for each window
    that contains it; so only a few images are convolved at a time.

    Parameters
    ----------
    images, weight, bias, stride, padding, dilation, groups
        As in ``conv2d_loops``, and so are the returned tensor and the errors.

    Examples
    --------
    >>> image = torch.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(image, torch.ones(1, 1, 2, 2), torch.tensor([0.5])).tolist()
    [[[[8.5, 12.5], [20.5, 24.5]]]]
    """
    grid = _window_grid(images, weight, bias, stride, padding, dilation, groups)
    kernels = weight.reshape(groups, -1, weight[0].numel())  # (groups, O / groups, C / groups * K * L)
    outputs = images.new_empty(len(images), len(weight), *grid.shape)
    for some in grid.batches(images):
        products = kernels @ grid.columns(images[some], groups)  # (groups, O / groups, n * positions)
        outputs[some] = products.reshape(len(weight), -1, *grid.shape).transpose(0, 1)
    if bias is not None:
        outputs += bias[:, None, None]
    return outputs


def conv2d_backward(
    grad: Tensor,
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return the gradients of ``conv2d`` with respect to the images, the weight and the bias.

    With the kernels as rows of W and the windows as columns of X, the outputs are Y = W X. So the gradient of W is that
    of Y times X transposed; that of X is W transposed times that of Y, and is added back to the images.

    Parameters
    ----------
    grad : Tensor of shape (N, O, rows, columns)
        Gradient of the loss with respect to what ``conv2d`` returned for the same arguments.
    images, weight, bias, stride, padding, dilation, groups
        As in ``conv2d_loops``.

    Returns
    -------
    grad_images, grad_weight, grad_bias : Tensors
        In the shapes of the images, the weight and the bias; grad_bias is None without a bias.

    Raises
    ------
    ValueError
        As in ``conv2d_loops``, or if the gradient does not have the shape of the output.

    Examples
    --------
    >>> image, kernel = torch.arange(9.0).reshape(1, 1, 3, 3), torch.ones(1, 1, 3, 3)
    >>> conv2d_backward(torch.tensor([[[[2.0]]]]), image, kernel)[1]
    tensor([[[[ 0.,  2.,  4.],
              [ 6.,  8., 10.],
              [12., 14., 16.]]]])
    """
    grid = _window_grid(images, weight, bias, stride, padding, dilation, groups)
    check_grad(grad, (len(images), len(weight), *grid.shape), images.dtype)
    kernels = weight.reshape(groups, -1, weight[0].numel())  # (groups, O / groups, C / groups * K * L)
    grad_images, grad_kernels = images.new_empty(images.shape), upcast(kernels.new_zeros(kernels.shape))
    for some in grid.batches(images):
        products = grad[some].transpose(0, 1).reshape(groups, kernels.shape[1], -1)  # of kernels and windows
        grad_kernels += products @ grid.columns(images[some], groups).mT
        windows = (kernels.mT @ products).reshape(images.shape[1], len(grid.elements), -1, *grid.shape)
        grad_images[some] = grid.add_windows(windows.unbind(1), (images.shape[1], windows.shape[2])).transpose(0, 1)
    grad_weight = grad_kernels.to(weight.dtype).reshape(weight.shape)
    return grad_images, grad_weight, None if bias is None else grad.sum((0, 2, 3))


def conv2d_matrix(
    weight: Tensor,
    size: Size,
    *,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Tensor:
    """Write a convolution of images of one size as one matrix: each output is linear in the pixels.

    For an image x, ``conv2d(x, weight).flatten()`` is ``M @ x.flatten()``; the transposed matrix carries the gradient
    of the output back to the image. Column p is the output for an image that is 1 at pixel p and 0 elsewhere. Only for
    small images: M has as many entries as pixels times outputs, nearly all of them 0.

    Parameters
    ----------
    weight : Tensor of shape (O, C / groups, K, L)
    size : int or (int, int)
        Pixels of the image, (H, W).
    stride, padding, dilation, groups
        As in ``conv2d_loops``.

    Returns
    -------
    Tensor of shape (O * rows * columns, C * H * W)

    Raises
    ------
    ValueError
        As in ``conv2d_loops``.

    Examples
    --------
    >>> conv2d_matrix(torch.tensor([[[[-1.0, 1.0]]]]), (1, 4))
    tensor([[-1.,  1.,  0.,  0.],
            [ 0., -1.,  1.,  0.],
            [ 0.,  0., -1.,  1.]])
    """
    _check_kernels(weight, groups)
    shape = (weight.shape[1] * groups, *pair(size, "size"))  # (C, H, W)
    pixels = shape[0] * shape[1] * shape[2]
    units = weight.new_zeros(pixels, pixels).fill_diagonal_(1).reshape(pixels, *shape)
    return conv2d(units, weight, stride=stride, padding=padding, dilation=dilation, groups=groups).flatten(1).mT


def _window_grid(
    images: Tensor, weight: Tensor, bias: Tensor | None, stride: Size, padding: Size | str, dilation: Size, groups: int
) -> WindowGrid:
    """Check all arguments of a convolution, and return the positions of its kernels."""
    check_images(images)
    _check_kernels(weight, groups, images.shape[1])
    not_bool = "convert images and weight to numbers, for example with images.float()"
    require(images.dtype != torch.bool, "images.dtype", images.dtype, "be a type of numbers", not_bool)
    check_dtype(weight, "weight", images.dtype, "images")
    if bias is not None:
        check_shape(bias, "bias", weight.shape[:1], "one value for each output channel")
        check_dtype(bias, "bias", images.dtype, "images")
    if isinstance(padding, str):
        require(padding == "same", "padding", repr(padding), 'be integers or "same"', "give 0 for no padding")
        require(pair(stride, "stride") == (1, 1), "stride", stride, 'be 1 for padding "same"', "give it in pixels")
    return WindowGrid(images.shape[2:], (weight.shape[2], weight.shape[3]), stride, padding, dilation)


def _check_kernels(weight: Tensor, groups: int, channels: int | None = None) -> None:
    shape, fits = tuple(weight.shape), is_integer(groups) and groups >= 1
    require(len(shape) == 4, "weight.shape", shape, "have the four axes (O, C, K, L)", "use weight[None, None] for one")
    require(fits, "groups", repr(groups), "be an integer of 1 or more", "use 1 to let every kernel see all channels")
    channels = shape[1] * groups if channels is None else channels
    for name, count in (("kernels", len(weight)), ("channels", channels)):
        rule = f"be a multiple of groups={groups}, but not 0"
        require(count > 0 and count % groups == 0, f"the number of {name}", count, rule, "change one of the two")
    rule = f"be ({shape[0]}, {channels // groups}, ...) for images with {channels} channels and groups={groups}"
    require(shape[1] * groups == channels, "weight.shape", shape, rule, "change one of the three")
