"""Where a kernel fits on an image, and which pixels it meets there. Convolution and pooling both begin here.

The windows of an image are never cut out one by one. Element (k, l) of a kernel meets, at all places together, one
slice of the image with steps as wide as the stride: to copy the windows, or to add them up, takes K times L slices.
"""

from collections.abc import Iterable, Iterator

from torch import Tensor

from .arguments import Size, check_images, pair, widened

_AT_ONCE = 2**21  # entries of a matrix of windows that is made at once: about what a processor's cache holds


def output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, *, ceil_mode: bool = False
) -> int:
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
    dilation : int
        Pixels from one element of the kernel to the next: the kernel spans dilation (kernel - 1) + 1.
    ceil_mode : bool
        Round up instead of down, as pooling may: one more place where a kernel hangs over the end, but none that
        would begin beyond the image and the padding before it. A kernel that is too large by less than a stride
        then has one place.

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
    if size < 1:
        raise ValueError(f"an image must have at least 1 pixel along each axis, got {size}: look at what was cropped")
    if kernel < 1:
        raise ValueError(f"a kernel must cover at least 1 pixel, got {kernel}: give a positive size")
    if stride < 1:
        raise ValueError(f"stride must be at least 1, got {stride}: use 1 to visit every place")
    if dilation < 1:
        raise ValueError(f"dilation must be at least 1, got {dilation}: 1 means a kernel without gaps")
    if padding < 0:
        raise ValueError(f"padding must not be negative, got {padding}: crop the images with a slice instead")
    padded, span = size + 2 * padding, dilation * (kernel - 1) + 1
    places = (padded - span + (stride - 1 if ceil_mode else 0)) // stride + 1
    if places < 1:
        spread = f" spread over {span} by dilation {dilation}" if dilation > 1 else ""
        raise ValueError(
            f"a kernel of {kernel} pixels{spread} does not fit into {size} pixels with padding {padding} "
            f"({padded} in all): use a smaller kernel or more padding"
        )
    return places - 1 if ceil_mode and (places - 1) * stride >= size + padding else places


def im2col(images: Tensor, kernel: Size, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1) -> Tensor:
    """Copy every window that a kernel would visit into a column of a matrix.

    Parameters
    ----------
    images : Tensor of shape (N, C, H, W)
        N may be 0; one image without its batch axis is refused.
    kernel, stride, padding, dilation : int or (int, int)
        In pixels: for both axes, or (rows, columns).

    Returns
    -------
    Tensor of shape (N, C * K * L, rows * columns)
        As ``torch.nn.functional.unfold`` gives, which however takes no whole numbers as pixels.

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
    if not images.shape[1]:
        raise ValueError(f"images must have at least one channel, got shape {tuple(images.shape)}: keep one, [:, :1]")
    visits = Visits(images.shape[2:], kernel, stride, pair(padding, "padding"), dilation)
    windows = visits.windows(images.flatten(0, 1)[:, None])  # (N*C, K*L, 1, rows, columns)
    rows = images.shape[1] * len(visits.met)
    return windows.reshape(len(images), rows, visits.shape[0] * visits.shape[1])


def col2im(
    columns: Tensor, size: Size, kernel: Size, *, stride: Size = 1, padding: Size = 0, dilation: Size = 1
) -> Tensor:
    """Add every column back to the window of an image that it would have been copied from.

    This is ``im2col`` transposed, not its inverse: a pixel gets the sum of its entries in all windows. So it brings
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
        As ``torch.nn.functional.fold`` gives.

    Raises
    ------
    ValueError
        If the columns are not as many, or not as long, as ``im2col`` would make of such images.

    Examples
    --------
    >>> import torch
    >>> col2im(torch.ones(1, 4, 4), 3, 2)  # in how many windows of 2 by 2 each pixel is
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    height, width = pair(size, "size")
    visits = Visits((height, width), kernel, stride, pair(padding, "padding"), dilation)
    elements, places = len(visits.met), visits.shape[0] * visits.shape[1]
    if columns.ndim != 3 or columns.shape[1] % elements or columns.shape[2] != places or not columns.shape[1]:
        raise ValueError(
            f"columns must have shape (N, a multiple of {elements}, {places}), as im2col makes them of images of "
            f"{height} by {width} pixels, got {tuple(columns.shape)}: give the size and the options of that call"
        )
    channels = len(columns), columns.shape[1] // elements  # N, C
    windows = columns.reshape(*channels, elements, *visits.shape)
    return visits.sums(windows.unbind(2), channels).to(columns.dtype)


class Visits:
    """All places that a kernel visits on images of one size, and the frame around these images.

    Attributes
    ----------
    shape : (int, int)
        How many places there are, (rows, columns).
    met : list of slices
        For each element of the kernel in row-major order, what it meets of the framed image at all places.
    framed : (int, int)
        Pixels of the image with its frame: the padding, and what a last place hangs over.
    image, padded : slices
        Where in the frame the image is, and where the image with its padding.
    """

    def __init__(self, size, kernel, stride, padding, dilation, *, ceil_mode=False):
        padding = (padding, padding) if padding == "same" else pair(padding, "padding")
        pairs = pair(kernel, "kernel"), pair(stride, "stride"), padding, pair(dilation, "dilation")
        axes = [_along(*axis, ceil_mode) for axis in zip(size, *pairs, strict=True)]
        self.shape, self.framed, image, padded, (rows, columns) = zip(*axes, strict=True)
        self.image, self.padded = (..., *image), (..., *padded)
        self.met = [(..., row, column) for row in rows for column in columns]

    def frame(self, images: Tensor, border: float = 0) -> Tensor:
        """Return the images in a frame of one value, or themselves if there is no frame."""
        if self.framed == images.shape[2:]:
            return images
        framed = images.new_full((*images.shape[:2], *self.framed), border)
        framed[self.image] = images
        return framed

    def windows(self, images: Tensor) -> Tensor:
        """Copy all windows of images (A, B, H, W): (A, K*L, B, rows, columns)."""
        framed = self.frame(images)
        windows = images.new_empty(len(images), len(self.met), images.shape[1], *self.shape)
        for number, pixels in enumerate(self.met):
            windows[:, number] = framed[pixels]
        return windows

    def columns(self, images: Tensor, groups: int) -> Tensor:
        """Copy all windows of images (n, C, H, W) into columns: (groups, C / groups * K * L, n * places)."""
        windows = channels = images.transpose(0, 1)  # a kernel that meets one pixel at a time needs no copy
        if self.framed != images.shape[2:] or self.shape != self.framed:
            windows = self.windows(channels)  # (C, K*L, n, rows, columns)
        return windows.reshape(groups, images.shape[1] // groups * len(self.met), -1)

    def portions(self, images: Tensor) -> Iterator[slice]:
        """Yield the images in portions whose windows have at most ``_AT_ONCE`` entries, or one by one."""
        entries = images.shape[1] * len(self.met) * self.shape[0] * self.shape[1]  # of one image
        step = max(1, _AT_ONCE // entries)
        for start in range(0, len(images), step):
            yield slice(start, start + step)

    def sums(self, windows: Iterable[Tensor], channels: tuple[int, int]) -> Tensor:
        """Add up what each element of the kernel has for the pixels that it met: ``(*channels, H, W)``.

        ``windows`` yields one tensor ``(*channels, rows, columns)`` an element, in the order of ``met``.
        """
        total = None
        for pixels, window in zip(self.met, windows, strict=True):
            if total is None:
                total = widened(window).new_zeros(*channels, *self.framed)
            total[pixels] += window
        return total[self.image]


def _along(size: int, kernel: int, stride: int, padding: int | str, dilation: int, ceil_mode: bool):
    """Return for one axis: places, pixels with the frame, where image and padding are, what each element meets."""
    extra = 0
    if padding == "same":
        padding, extra = divmod(dilation * (kernel - 1), 2)  # an odd zero goes to the end
    places = output_size(size + extra, kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    reach = stride * (places - 1) + 1  # from the first place to the last
    met = [slice(k * dilation, k * dilation + reach, stride) for k in range(kernel)]
    padded = size + 2 * padding + extra
    return places, max(padded, met[-1].stop), slice(padding, padding + size), slice(padded), met
