"""The windows of an image: where a kernel fits on it, and which pixels it covers there.

Convolution and pooling both start here. Windows are never cut out one by one. Element (k, l) of a kernel covers, at all
positions together, one slice of the image with steps as wide as the stride: copying all windows, or adding them up,
takes K times L slices.
"""

from collections.abc import Iterable, Iterator, Sequence

from torch import Tensor

from tlhelpers.byhand.arguments import Size, check_images, pair, require, upcast

MAX_ENTRIES = 2**21  # of the matrix of windows that is computed at once: about what a processor's cache holds


def output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, *, ceil_mode: bool = False
) -> int:
    """Count the positions at which a kernel fits along one axis.

    Parameters
    ----------
    size : int
        Pixels along the axis, without padding.
    kernel : int
        Pixels that the kernel covers.
    stride : int
        Pixels from one position to the next.
    padding : int
        Pixels added at EACH of the two ends.
    dilation : int
        Pixels from one element of the kernel to the next: the kernel spans dilation (kernel - 1) + 1.
    ceil_mode : bool
        Round up instead of down, as pooling may: one more position, at which the kernel extends beyond the end, but
        none that would start beyond the image and the padding before it. A kernel that is too large by less than a
        stride then has one position.

    Returns
    -------
    int
        floor((size + 2 padding - span) / stride) + 1

    Raises
    ------
    ValueError
        If size, stride, kernel or dilation is not positive, the padding is negative, or the kernel does not fit.

    Examples
    --------
    >>> output_size(5, 3), output_size(5, 3, padding=1), output_size(224, 7, 2, 3)
    (3, 5, 112)
    >>> output_size(6, 3, 2), output_size(6, 3, 2, ceil_mode=True), output_size(7, 3, dilation=2)
    (2, 3, 3)
    """
    require(size >= 1, "the image size", size, "be 1 pixel or more", "check how the images were cropped")
    require(kernel >= 1, "kernel", kernel, "be 1 pixel or more", "give a positive size")
    require(stride >= 1, "stride", stride, "be 1 or more", "use 1 for every position")
    require(dilation >= 1, "dilation", dilation, "be 1 or more", "use 1 for a kernel without gaps")
    require(padding >= 0, "padding", padding, "be 0 or more", "crop the images with a slice instead")
    padded, span = size + 2 * padding, dilation * (kernel - 1) + 1
    positions = (padded - span + (stride - 1 if ceil_mode else 0)) // stride + 1
    spanned, available = f"{kernel}, with dilation a span of {span} pixels", f"{padded} pixels, padding included"
    require(positions >= 1, "kernel", spanned, f"fit into {available}", "use a smaller kernel or more padding")
    return positions - 1 if ceil_mode and (positions - 1) * stride >= size + padding else positions


def im2col(images: Tensor, kernel: Size, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1) -> Tensor:
    """Copy the window at each position of a kernel into a column of a matrix.

    Parameters
    ----------
    images : Tensor of shape (N, C, H, W)
        N may be 0; one image without its batch axis is refused.
    kernel, stride, padding, dilation : int or (int, int)
        In pixels: for both axes, or (rows, columns).

    Returns
    -------
    Tensor of shape (N, C * K * L, rows * columns)
        As ``torch.nn.functional.unfold`` returns, which does not accept integers as pixels.

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
    check_images(images)
    grid = WindowGrid(images.shape[2:], kernel, stride, pair(padding, "padding"), dilation)
    windows = grid.windows(images.flatten(0, 1)[:, None])  # (N*C, K*L, 1, rows, columns)
    rows = images.shape[1] * len(grid.elements)
    return windows.reshape(len(images), rows, grid.shape[0] * grid.shape[1])


def col2im(
    columns: Tensor, size: Size, kernel: Size, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> Tensor:
    """Add every column back to the window of the image that ``im2col`` copies it from.

    This is ``im2col`` transposed, not its inverse: a pixel gets the sum of its entries in all windows. So it carries
    the gradient of the columns back to the images.

    Parameters
    ----------
    columns : Tensor of shape (N, C * K * L, rows * columns)
    size : int or (int, int)
        Pixels of the images, (H, W).
    kernel, stride, padding, dilation : int or (int, int)
        As in ``im2col``.

    Returns
    -------
    Tensor of shape (N, C, H, W)
        As ``torch.nn.functional.fold`` returns.

    Raises
    ------
    ValueError
        If the columns do not have the shape that ``im2col`` returns for such images.

    Examples
    --------
    >>> import torch
    >>> col2im(torch.ones(1, 4, 4), 3, 2)  # in how many windows of 2 by 2 each pixel is
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    height, width = pair(size, "size")
    grid = WindowGrid((height, width), kernel, stride, pair(padding, "padding"), dilation)
    elements, positions = len(grid.elements), grid.shape[0] * grid.shape[1]
    fits = columns.ndim == 3 and columns.shape[1] > 0 and columns.shape[1] % elements == 0
    require(
        fits and columns.shape[2] == positions,
        "columns.shape",
        tuple(columns.shape),
        f"be (N, a multiple of {elements}, {positions}), as im2col returns for images of {height} by {width} pixels",
        "give the size and the options of that call",
    )
    channels = len(columns), columns.shape[1] // elements  # N, C
    windows = columns.reshape(*channels, elements, *grid.shape)
    return grid.add_windows(windows.unbind(2), channels).to(columns.dtype)


class WindowGrid:
    """All positions of a kernel on images of one size, and the padding around these images.

    Attributes
    ----------
    shape : (int, int)
        The number of positions, (rows, columns).
    elements : list of slices
        For each element of the kernel in row-major order, the pixels of the padded image that it covers at all
        positions.
    padded_size : (int, int)
        Pixels of the padded image, including what the last position may cover beyond the padding.
    image_part, padded_part : slices
        The part of the padded image that is the image, and the part that is the image with its padding.
    """

    def __init__(
        self,
        size: Sequence[int],
        kernel: Size,
        stride: Size,
        padding: Size | str,
        dilation: Size,
        *,
        ceil_mode: bool = False,
    ) -> None:
        kernels, strides, dilations = pair(kernel, "kernel"), pair(stride, "stride"), pair(dilation, "dilation")
        paddings = (padding, padding) if isinstance(padding, str) else pair(padding, "padding")
        axes = [_axis(size[i], kernels[i], strides[i], paddings[i], dilations[i], ceil_mode) for i in (0, 1)]
        self.shape, self.padded_size, image, padded, (rows, columns) = zip(*axes, strict=True)
        self.image_part, self.padded_part = (..., *image), (..., *padded)
        self.elements = [(..., row, column) for row in rows for column in columns]

    def pad(self, images: Tensor, value: float = 0) -> Tensor:
        """Return the images with one value around them as padding, or themselves if there is no padding."""
        if self.padded_size == images.shape[2:]:
            return images
        padded = images.new_full((*images.shape[:2], *self.padded_size), value)
        padded[self.image_part] = images
        return padded

    def windows(self, images: Tensor) -> Tensor:
        """Copy all windows of images (A, B, H, W): (A, K*L, B, rows, columns)."""
        padded = self.pad(images)
        windows = images.new_empty(len(images), len(self.elements), images.shape[1], *self.shape)
        for number, pixels in enumerate(self.elements):
            windows[:, number] = padded[pixels]
        return windows

    def columns(self, images: Tensor, groups: int) -> Tensor:
        """Copy all windows of images (n, C, H, W) into columns: (groups, C / groups * K * L, n * positions)."""
        windows = channels = images.transpose(0, 1)  # a kernel of one pixel needs no copy
        if self.padded_size != images.shape[2:] or self.shape != self.padded_size:
            windows = self.windows(channels)  # (C, K*L, n, rows, columns)
        return windows.reshape(groups, images.shape[1] // groups * len(self.elements), -1)

    def batches(self, images: Tensor, max_entries: int = MAX_ENTRIES) -> Iterator[slice]:
        """Yield the images in batches whose windows have at most ``max_entries`` entries, or one by one."""
        entries = images.shape[1] * len(self.elements) * self.shape[0] * self.shape[1]  # of one image
        step = max(1, max_entries // entries)
        for start in range(0, len(images), step):
            yield slice(start, start + step)

    def add_windows(self, windows: Iterable[Tensor], channels: Sequence[int]) -> Tensor:
        """Add the windows back to the pixels that they were copied from: ``(*channels, H, W)``.

        ``windows`` yields one tensor ``(*channels, rows, columns)`` for each element of the kernel, in row-major order.
        """
        total: Tensor | None = None
        for pixels, window in zip(self.elements, windows, strict=True):
            if total is None:
                total = upcast(window).new_zeros(*channels, *self.padded_size)
            total[pixels] += window
        assert total is not None  # a kernel has at least one element
        return total[self.image_part]


def _axis(
    size: int, kernel: int, stride: int, padding: int | str, dilation: int, ceil_mode: bool
) -> tuple[int, int, slice, slice, list[slice]]:
    """Return for one axis: positions, padded size, slices of the image and of the padded image, slices of elements."""
    before = dilation * (kernel - 1) // 2 if isinstance(padding, str) else padding
    extra = dilation * (kernel - 1) % 2 if isinstance(padding, str) else 0  # "same": an odd zero goes to the end
    positions = output_size(size + extra, kernel, stride, before, dilation, ceil_mode=ceil_mode)
    reach = stride * (positions - 1) + 1  # from the first position to the last
    elements = [slice(k * dilation, k * dilation + reach, stride) for k in range(kernel)]
    padded = size + 2 * before + extra
    return positions, max(padded, elements[-1].stop), slice(before, before + size), slice(padded), elements
