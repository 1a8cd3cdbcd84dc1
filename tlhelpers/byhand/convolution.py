"""Convolution, three times over: its size, with plain loops, and as one matrix product.

What deep learning calls a convolution is a cross-correlation: the kernel is not flipped. Nothing here
rounds, guesses or falls back; ``torch.nn.functional.conv2d`` and ``unfold`` give the same numbers.
"""

from torch import Tensor


def output_size(size: int, kernel: int, stride: int = 1, padding: int = 0) -> int:
    """Count the places at which a kernel fits along one axis.

    Parameters
    ----------
    size : int
        Pixels along the axis, without padding.
    kernel : int
        Pixels that the kernel covers.
    stride : int
        Pixels from one place to the next.
    padding : int
        Pixels added at EACH of the two ends.

    Returns
    -------
    int
        floor((size + 2 padding - kernel) / stride) + 1

    Raises
    ------
    ValueError
        If the stride or the kernel is not positive, the padding is negative, or the kernel does not fit.

    Examples
    --------
    >>> output_size(5, 3), output_size(5, 3, padding=1), output_size(224, 7, 2, 3)
    (3, 5, 112)
    """
    if kernel < 1:
        raise ValueError(f"a kernel must cover at least 1 pixel, got {kernel}: give a positive size")
    if stride < 1:
        raise ValueError(f"stride must be at least 1, got {stride}: use 1 to visit every place")
    if padding < 0:
        raise ValueError(f"padding must not be negative, got {padding}: crop the images with a slice instead")
    padded = size + 2 * padding
    if kernel > padded:
        raise ValueError(
            f"a kernel of {kernel} pixels does not fit into {size} pixels with padding {padding} "
            f"({padded} in all): use a smaller kernel or more padding"
        )
    return (padded - kernel) // stride + 1


def conv2d_loops(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """Convolve images with kernels, one output number at a time.

    Parameters
    ----------
    images : Tensor of shape (N, C, H, W)
    weight : Tensor of shape (O, C, K, L)
        One kernel of C channels for each of the O output channels.
    bias : Tensor of shape (O,), optional
    stride, padding : int or (int, int)
        In pixels: for both axes, or (rows, columns).

    Returns
    -------
    Tensor of shape (N, O, rows, columns)
        As ``torch.nn.functional.conv2d`` gives.

    Raises
    ------
    ValueError
        If shapes or dtypes do not go together, or the kernel does not fit (see ``output_size``).

    Examples
    --------
    >>> import torch
    >>> image = torch.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d_loops(image, torch.ones(1, 1, 2, 2)).tolist()
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    """
    _check_layer(images, weight, bias)
    (height, width), (down, right) = weight.shape[2:], _pair(stride, "stride")
    rows, columns = _output_shape(images, (height, width), stride, padding)
    padded = _pad(images, padding)
    outputs = images.new_zeros(len(images), len(weight), rows, columns)
    for n in range(len(images)):
        for o in range(len(weight)):
            for i in range(rows):
                for j in range(columns):
                    top, left = i * down, j * right
                    window = padded[n, :, top : top + height, left : left + width]  # (C, K, L)
                    outputs[n, o, i, j] = (window * weight[o]).sum()
    return outputs if bias is None else outputs + bias[:, None, None]


def im2col(
    images: Tensor,
    kernel: int | tuple[int, int],
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """Copy every window that a kernel would visit into a column of a matrix.

    Parameters
    ----------
    images : Tensor of shape (N, C, H, W)
    kernel, stride, padding : int or (int, int)
        In pixels: for both axes, or (rows, columns).

    Returns
    -------
    Tensor of shape (N, C * K * L, rows * columns)
        As ``torch.nn.functional.unfold`` gives.

    Raises
    ------
    ValueError
        If the images are not (N, C, H, W), or the kernel does not fit (see ``output_size``).

    Examples
    --------
    >>> import torch
    >>> im2col(torch.arange(9.0).reshape(1, 1, 3, 3), 2)[0, :, 0]
    tensor([0., 1., 3., 4.])
    """
    _check_images(images)
    (height, width), (down, right) = _pair(kernel, "kernel"), _pair(stride, "stride")
    rows, columns = _output_shape(images, (height, width), stride, padding)
    padded = _pad(images, padding)
    windows = images.new_empty(*images.shape[:2], height, width, rows, columns)
    for k in range(height):
        for l in range(width):
            met = padded[:, :, k::down, l::right]  # what kernel element (k, l) meets at every place
            windows[:, :, k, l] = met[:, :, :rows, :columns]
    return windows.flatten(4).flatten(1, 3)


def conv2d(
    images: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
) -> Tensor:
    """Convolve images with kernels as one matrix product.

    Parameters, result and errors are those of ``conv2d_loops``; it is much faster, and holds every pixel
    once for each window that it is in.

    Examples
    --------
    >>> import torch
    >>> image = torch.arange(9.0).reshape(1, 1, 3, 3)
    >>> conv2d(image, torch.ones(1, 1, 2, 2), torch.tensor([0.5])).tolist()
    [[[[8.5, 12.5], [20.5, 24.5]]]]
    """
    _check_layer(images, weight, bias)
    rows, columns = _output_shape(images, weight.shape[2:], stride, padding)
    windows = im2col(images, weight.shape[2:], stride=stride, padding=padding)  # (N, C*K*L, rows*columns)
    outputs = weight.flatten(1) @ windows  # (N, O, rows*columns)
    if bias is not None:
        outputs = outputs + bias[:, None]
    return outputs.reshape(len(images), len(weight), rows, columns)


def _pad(images: Tensor, padding: int | tuple[int, int]) -> Tensor:
    """Return the images with a frame of zeros, as wide on one side as on the other."""
    (above, left), (height, width) = _pair(padding, "padding"), images.shape[2:]
    padded = images.new_zeros(*images.shape[:2], height + 2 * above, width + 2 * left)
    padded[:, :, above : above + height, left : left + width] = images
    return padded


def _output_shape(images: Tensor, kernel, stride, padding) -> tuple[int, int]:
    sizes = zip(images.shape[2:], kernel, _pair(stride, "stride"), _pair(padding, "padding"), strict=True)
    rows, columns = (output_size(*axis) for axis in sizes)
    return rows, columns


def _pair(value: int | tuple[int, int], name: str) -> tuple[int, int]:
    pair = value if isinstance(value, tuple | list) else (value, value)
    if len(pair) != 2 or not all(isinstance(number, int) for number in pair):
        raise ValueError(f"{name} must be a whole number or two of them, got {value!r}: give (rows, columns)")
    return tuple(pair)


def _check_images(images: Tensor) -> None:
    if images.ndim != 4:
        raise ValueError(
            f"images must have the four axes (N, C, H, W), got shape {tuple(images.shape)}: "
            "put the missing ones in front, as images[None] does"
        )


def _check_layer(images: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    _check_images(images)
    if weight.ndim != 4:
        raise ValueError(
            f"weight must have the four axes (O, C, K, L), got shape {tuple(weight.shape)}: "
            "one kernel is weight[None, None]"
        )
    if weight.shape[1] != images.shape[1]:
        raise ValueError(
            f"the kernels have {weight.shape[1]} channels and the images {images.shape[1]}: "
            f"make a weight of shape ({len(weight)}, {images.shape[1]}, ...)"
        )
    if weight.dtype != images.dtype:
        raise ValueError(
            f"images are {images.dtype} and weight is {weight.dtype}: "
            "convert one, as images.to(weight.dtype) does"
        )
    if bias is not None and tuple(bias.shape) != (len(weight),):
        raise ValueError(
            f"bias must have shape ({len(weight)},), one number for each output channel, "
            f"got {tuple(bias.shape)}: reshape it"
        )
