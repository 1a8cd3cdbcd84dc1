"""Exercises of notebook 01: a kernel that moves a picture, one with gaps, the cost of a layer, a larger picture."""

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _kernel_with_one(row: int, column: int) -> Tensor:
    kernel = torch.zeros(3, 3)
    kernel[row, column] = 1
    return kernel


def _draw_move(generator: Generator) -> tuple[int, int]:
    return whole_number(generator, -1, 1), whole_number(generator, -1, 1)


def _convolve(image: Tensor, kernel: Tensor, **options) -> Tensor:
    return F.conv2d(image[None, None], kernel[None, None], **options)[0, 0]


def _draw_dilated(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw an image, a kernel and a dilation; the image has room for gaps that are one pixel too wide."""
    dilation = whole_number(generator, 1, 3)
    kernel = torch.randn(whole_number(generator, 2, 3), whole_number(generator, 2, 3), generator=generator)
    room = (torch.tensor(kernel.shape) - 1) * (dilation + 1)
    rows, columns = (room + torch.randint(2, 5, (2,), generator=generator)).tolist()
    return torch.randn(rows, columns, generator=generator), kernel, dilation


def _filled(kernel: Tensor, dilation: int) -> Tensor:
    """Return a kernel whose gaps hold the number before them."""
    rows, columns = (dilation * (size - 1) + 1 for size in kernel.shape)
    return kernel.repeat_interleave(dilation, 0).repeat_interleave(dilation, 1)[:rows, :columns]


SHIFT_KERNEL = Exercise(
    reference=lambda down, right: _kernel_with_one(1 - down, 1 - right),
    draw=_draw_move,
    mistakes={
        "The picture moves the other way: an output takes the pixel under the one, so to go down, look up.": (
            lambda down, right: _kernel_with_one(1 + down, 1 + right)
        ),
        "Rows and columns are swapped: the first index of the kernel is the row, and moves up and down.": (
            lambda down, right: _kernel_with_one(1 - right, 1 - down)
        ),
        "Off by one: the middle of a 3x3 kernel, which moves nothing, is [1, 1] and not [0, 0].": (
            lambda down, right: _kernel_with_one(-down, -right)
        ),
        "Nothing moves: with the one always in the middle, every output is the pixel it stands on.": (
            lambda down, right: _kernel_with_one(1, 1)
        ),
        "Two slips: the middle of the kernel is [1, 1] and not [0, 0], and to go down an output looks up.": (
            lambda down, right: _kernel_with_one(down, right)
        ),
        "Up and down are right, left and right are not: an output takes the pixel under the one in both.": (
            lambda down, right: _kernel_with_one(1 - down, 1 + right)
        ),
        "Left and right are right, up and down are not: an output takes the pixel under the one in both.": (
            lambda down, right: _kernel_with_one(1 + down, 1 - right)
        ),
        "The picture stays as well as moves: one element of the kernel is to be 1, and no other.": (
            lambda down, right: _kernel_with_one(1 - down, 1 - right).maximum(_kernel_with_one(1, 1))
        ),
    },
)

DILATED = Exercise(
    reference=lambda image, kernel, dilation: _convolve(image, kernel, dilation=dilation),
    draw=_draw_dilated,
    mistakes={
        "The gaps are missing: this is the ordinary convolution, whatever the dilation.": (
            lambda image, kernel, dilation: _convolve(image, kernel)
        ),
        "That is a stride: it moves the whole kernel in larger steps; dilation moves its elements apart.": (
            lambda image, kernel, dilation: _convolve(image, kernel, stride=dilation)
        ),
        "The gaps are one too wide: with dilation 2 the kernel reads every second pixel and skips one.": (
            lambda image, kernel, dilation: _convolve(image, kernel, dilation=dilation + 1)
        ),
        "The kernel is flipped: its element [0, 0] belongs to the upper left pixel of the window.": (
            lambda image, kernel, dilation: _convolve(image, kernel.flip(0, 1), dilation=dilation)
        ),
        "That is the mean of the products: a convolution adds them up and does not divide.": (
            lambda image, kernel, dilation: _convolve(image, kernel, dilation=dilation) / kernel.numel()
        ),
        "Zeros were added around the image: here the kernel stays inside, so the output is smaller.": (
            lambda image, kernel, dilation: _convolve(image, kernel, dilation=dilation, padding=dilation)
        ),
        "The last windows are missing: a kernel with gaps spans d(K - 1) + 1 pixels, and not dK.": (
            lambda image, kernel, dilation: _convolve(
                image[: len(image) - dilation + 1, : image.shape[1] - dilation + 1], kernel, dilation=dilation
            )
        ),
        "Only the last product of each output is kept: add it to what is there, += in place of =.": (
            lambda image, kernel, dilation: _convolve(image, kernel[-1:, -1:])[
                dilation * (len(kernel) - 1) :, dilation * (kernel.shape[1] - 1) :
            ]
        ),
        "The numbers of the kernel are repeated in the gaps: what lies between them counts 0.": (
            lambda image, kernel, dilation: _convolve(image, _filled(kernel, dilation))
        ),
    },
)


def _multiply_adds(size: int = 16, kernels: int = 48, channels: int = 4) -> int:
    """Count those of a layer with 3 by 3 kernels, for each of which ``channels`` are seen at size by size places."""
    return size * size * kernels * channels * 3 * 3


def _grouped() -> tuple[Tensor, Tensor]:
    """Let torch run the layer of the question, all pixels and weights 1; return outputs and weights."""
    image, weight = torch.ones(1, 24, 32, 32), torch.ones(48, 4, 3, 3)
    return F.conv2d(image, weight, stride=2, padding=1, groups=6), weight


COST_OF_GROUPS = Exercise(
    reference=lambda: _grouped()[0].numel() * _grouped()[1][0].numel(),
    draw=lambda generator: (),
    mistakes={
        "The groups save nothing there: does each kernel see all channels?": lambda: _multiply_adds(channels=24),
        "The groups were counted twice: they part the channels that a kernel sees, and leave all kernels.": (
            lambda: _multiply_adds(kernels=8)
        ),
        "The stride is missing: how many places are left on a side?": lambda: _multiply_adds(size=32),
        "The padding is missing: a frame of zeros makes room for more places.": lambda: _multiply_adds(size=15),
        "The places were rounded up: a convolution leaves out a window that would hang over.": (
            lambda: _multiply_adds(size=17)
        ),
        "That is one channel for each kernel, as in a depthwise layer: how many are in a group?": (
            lambda: _multiply_adds(channels=1)
        ),
        "That is the cost of one feature map: each kernel makes one of its own.": lambda: _multiply_adds(kernels=1),
        "Those are the outputs: each costs several multiply-adds.": lambda: _grouped()[0].numel(),
        "Those are the weights: each is used again at every place.": lambda: _grouped()[1].numel(),
        "Multiplications and additions were counted apart: a multiply-add is one of each.": (
            lambda: 2 * _multiply_adds()
        ),
        "Zeros of the frame are multiplied like pixels: all windows cost the same.": lambda: _grouped()[0].sum(),
    },
)


def _draw_transposed(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw a small picture, a kernel, and a stride with which the windows overlap, touch or lie apart."""
    small = torch.randn(whole_number(generator, 3, 5), whole_number(generator, 3, 5), generator=generator)
    kernel = torch.randn(whole_number(generator, 2, 3), whole_number(generator, 2, 3), generator=generator)
    return small, kernel, whole_number(generator, 1, 3)


def _transpose(small: Tensor, kernel: Tensor, stride: int) -> Tensor:
    return F.conv_transpose2d(small[None, None], kernel[None, None], stride=stride)[0, 0]


def _laid_over(small: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Write each window over what stands there already."""
    large = torch.zeros_like(_transpose(small, kernel, stride))
    for i, j in torch.cartesian_prod(torch.arange(small.shape[0]), torch.arange(small.shape[1])).tolist():
        window = large[stride * i : stride * i + kernel.shape[0], stride * j : stride * j + kernel.shape[1]]
        window.copy_(small[i, j] * kernel)
    return large


def _spread(small: Tensor, distance: int) -> Tensor:
    """Move numbers apart, zeros between them."""
    return _transpose(small, torch.ones(1, 1, dtype=small.dtype), distance)


def _repeated(small: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Make each number a square, and convolve that."""
    squares = small.repeat_interleave(stride, 0).repeat_interleave(stride, 1)
    return _transpose(squares, kernel, 1)


TRANSPOSED = Exercise(
    reference=_transpose,
    draw=_draw_transposed,
    mistakes={
        "The last window won where windows overlap: a pixel collects from all that it is in.": _laid_over,
        "A mean was taken where windows overlap: a product with a matrix adds up, and does not divide.": (
            lambda small, kernel, stride: (
                _transpose(small, kernel, stride)
                / _transpose(torch.ones_like(small), torch.ones_like(kernel), stride).clamp(min=1)
            )
        ),
        "The kernel is turned round: its element [0, 0] came from the upper left of a window, and goes back there.": (
            lambda small, kernel, stride: _transpose(small, kernel.flip(0, 1), stride)
        ),
        "The stride is missing: how far apart do neighbours of the small picture begin in the large one?": (
            lambda small, kernel, stride: _transpose(small, kernel, 1)
        ),
        "The windows lie one pixel too far apart: with stride 1 nothing is between neighbours.": (
            lambda small, kernel, stride: _transpose(small, kernel, stride + 1)
        ),
        "The numbers are apart, but a frame of zeros is missing: at the corner only one number of the kernel counts.": (
            lambda small, kernel, stride: _convolve(_spread(small, stride), kernel.flip(0, 1))
        ),
        "Each number became a square of equal ones before the kernel came: the places between are to be 0.": _repeated,
        "The large picture ends at the wrong place: where does the last window begin, and how long is it?": (
            lambda small, kernel, stride: F.pad(
                _transpose(small, kernel, stride), (0, stride - kernel.shape[1], 0, stride - kernel.shape[0])
            )
        ),
        "That is the kernel's own transpose: rows and columns of M are meant, not those of the kernel.": (
            lambda small, kernel, stride: _transpose(small, kernel.T, stride)
        ),
        "The windows lie a kernel apart, whatever the stride, so that none overlap.": (
            lambda small, kernel, stride: torch.kron(small, kernel)
        ),
    },
)

EXERCISES = {"01.1": SHIFT_KERNEL, "01.2": DILATED, "01.3": COST_OF_GROUPS, "01.4": TRANSPOSED}
