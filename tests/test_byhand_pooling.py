"""Pooling by hand gives torch's numbers, and refuses what torch refuses with a clearer sentence."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import event, given
from hypothesis import strategies as st

from tlhelpers.byhand import global_mean_pool2d, max_pool2d, mean_pool2d

BOTH = pytest.mark.parametrize("pool", [max_pool2d, mean_pool2d])
EVERY = pytest.mark.parametrize(
    "pool", [lambda images: max_pool2d(images, 2), lambda images: mean_pool2d(images, 2), global_mean_pool2d]
)
PAIRS = pytest.mark.parametrize("ours, torchs", [(max_pool2d, F.max_pool2d), (mean_pool2d, F.avg_pool2d)])


@st.composite
def windows(draw):
    """Draw a size, a kernel that fits, a stride (or none) and a padding that torch allows, for each axis."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    size = tuple(draw(st.integers(max(1, k - 2 * p), 8)) for k, p in zip(kernel, padding, strict=True))
    stride = draw(st.one_of(st.none(), st.tuples(st.integers(1, 5), st.integers(1, 5))))
    return size, kernel, stride, padding


def drawn_images(*shape, seed=0):
    """Normal numbers well below zero on average, so that a border of zeros would win a maximum."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) - 2


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


@PAIRS
@given(window=windows(), batch=st.integers(0, 2), channels=st.integers(1, 3), seed=st.integers(0, 999))
def test_equals_torch_for_any_size_kernel_stride_and_padding(ours, torchs, window, batch, channels, seed):
    """For every window that torch allows, rectangles included, the numbers are torch's."""
    (height, width), kernel, stride, padding = window
    event(f"stride larger than kernel: {stride is not None and stride[0] > kernel[0]}")
    images = drawn_images(batch, channels, height, width, seed=seed)
    expected = torchs(images, kernel, stride=stride, padding=padding)
    close(ours(images, kernel, stride=stride, padding=padding), expected)


@PAIRS
@pytest.mark.parametrize(
    "size, kernel, stride, padding",
    [
        ((1, 1), 1, None, 0),  # one pixel
        ((5, 3), (5, 3), None, 0),  # kernel as large as the image
        ((7, 7), 2, 5, 0),  # stride larger than the kernel: pixels between windows are not looked at
        ((4, 9), (1, 4), (3, 2), (0, 2)),  # everything differs between height and width
        ((5, 5), 2, 2, 0),  # the last row and column fit no window
        ((1, 1), 3, 1, 1),  # one pixel, the rest border
        ((112, 112), 3, 2, 1),  # the first pooling of ResNet-50
    ],
)
def test_equals_torch_at_the_edges(ours, torchs, size, kernel, stride, padding):
    """The sizes where an index is easily off by one give torch's numbers."""
    images = drawn_images(2, 3, *size)
    expected = torchs(images, kernel, stride=stride, padding=padding)
    close(ours(images, kernel, stride=stride, padding=padding), expected)


def test_one_number_stands_for_both_axes():
    """An integer kernel, stride and padding mean the same as a pair of them."""
    images = drawn_images(1, 2, 6, 7)
    for pool in (max_pool2d, mean_pool2d):
        assert pool(images, 3, stride=2, padding=1).equal(pool(images, (3, 3), stride=(2, 2), padding=(1, 1)))


@BOTH
def test_leaves_its_input_alone(pool):
    """The images given are not written to, and the result shares no memory with them."""
    images = drawn_images(1, 1, 4, 4)
    before = images.clone()
    pool(images, 1).zero_()
    assert images.equal(before)


def test_nan_wins_its_window_as_in_torch():
    """A NaN in a window makes that window NaN and no other."""
    images = drawn_images(1, 1, 4, 4)
    images[0, 0, 1, 1] = torch.nan
    torch.testing.assert_close(max_pool2d(images, 2), F.max_pool2d(images, 2), equal_nan=True)


@given(shape=st.tuples(*[st.integers(low, 6) for low in (0, 1, 1, 1)]), seed=st.integers(0, 999))
def test_global_mean_equals_torch_for_any_size(shape, seed):
    """One mean a channel, for any batch, channels, height and width."""
    images = drawn_images(*shape, seed=seed)
    expected = F.adaptive_avg_pool2d(images, 1).reshape(shape[:2])
    close(global_mean_pool2d(images), expected)


@BOTH
@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"stride": 0}, "stride must be at least 1, got 0"),
        ({"stride": -1}, "stride must be at least 1, got -1"),
        ({"stride": (1, 0)}, "stride must be at least 1, got 0"),
        ({"padding": 2}, "padding must be at most half the kernel, got 2 for a kernel of 3: use 1 or less"),
        ({"padding": (0, 2)}, "got 2 for a kernel of 3"),
        ({"padding": -1}, "padding must not be negative, got -1"),
        ({"kernel": 0}, "kernel must cover at least 1 pixel, got 0"),
        ({"kernel": -2}, "kernel must cover at least 1 pixel, got -2"),
        ({"kernel": 5}, "kernel of 5 pixels does not fit into 4 pixels"),
    ],
)
def test_refuses_bad_options_where_torch_does(pool, options, sentence):
    """A window that cannot be is refused with the value got, wherever torch refuses it too."""
    images = torch.zeros(1, 1, 4, 4)
    options = {"kernel": 3} | options
    with pytest.raises(ValueError, match=sentence):
        pool(images, **options)
    kernel = options.pop("kernel")
    with pytest.raises(RuntimeError):
        F.max_pool2d(images, kernel, **options)


@EVERY
@pytest.mark.parametrize("shape", [(4, 4), (3, 4, 4), (1, 0, 4, 4), (1, 1, 0, 4), (1, 1, 1, 4, 4)])
def test_refuses_other_shapes_than_nchw(pool, shape):
    """Anything but (N, C, H, W) with a channel and a pixel is refused, and the shape is named."""
    with pytest.raises(ValueError, match=rf"got shape \({', '.join(map(str, shape))}\)"):
        pool(torch.zeros(shape))


@EVERY
def test_refuses_integers(pool):
    """Integer pixels are refused, since their mean is no integer, and the way out is named."""
    with pytest.raises(ValueError, match=r"got torch.uint8: .*images.float\(\)"):
        pool(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))
