"""Convolution by hand: equal to torch for drawn shapes, and clear about what it cannot do."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tlhelpers.byhand import conv2d, conv2d_loops, im2col, output_size

FORMS = pytest.mark.parametrize("convolve", [conv2d_loops, conv2d])

# images, weight, stride, padding: the sizes at which an index is most easily one off
DEGENERATE = [
    ((1, 1, 1, 1), (1, 1, 1, 1), 1, 0),  # one pixel, one weight
    ((2, 3, 4, 5), (2, 3, 1, 1), 1, 0),  # a 1x1 kernel mixes channels and nothing else
    ((1, 2, 4, 3), (3, 2, 4, 3), 1, 0),  # as large as the image: one place
    ((1, 1, 2, 2), (1, 1, 6, 4), 1, (2, 1)),  # as large as the padded image
    ((1, 2, 7, 7), (2, 2, 2, 2), 5, 0),  # a stride larger than the kernel skips pixels
    ((1, 1, 3, 3), (1, 1, 2, 2), 9, 0),  # a stride larger than the image
    ((2, 1, 3, 8), (2, 1, 3, 2), (2, 3), (0, 2)),  # everything different along the two axes
    ((1, 1, 1, 1), (1, 1, 2, 2), 1, 3),  # padding larger than the kernel
    ((0, 2, 4, 4), (3, 2, 2, 2), 1, 0),  # no image at all
]


def draw_tensor(draw, shape):
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    return torch.randn(shape, generator=generator, dtype=torch.float64)


@st.composite
def layers(draw):
    """Draw images, weight, bias, stride and padding that fit together."""
    small, pair = st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3))
    stride = draw(small | pair)
    padding = draw(st.integers(0, 2) | st.tuples(st.integers(0, 2), st.integers(0, 2)))
    kernel = draw(pair)
    rows, columns = (padding, padding) if isinstance(padding, int) else padding
    height = draw(st.integers(max(1, kernel[0] - 2 * rows), 7))
    width = draw(st.integers(max(1, kernel[1] - 2 * columns), 7))
    batch, channels, outputs = draw(small), draw(small), draw(small)
    images = draw_tensor(draw, (batch, channels, height, width))
    weight = draw_tensor(draw, (outputs, channels, *kernel))
    bias = draw_tensor(draw, (outputs,)) if draw(st.booleans()) else None
    return images, weight, bias, {"stride": stride, "padding": padding}


@FORMS
@given(layer=layers())
def test_convolution_equals_torch(convolve, layer):
    """Whatever the shapes, stride, padding and bias, the numbers are torch's."""
    images, weight, bias, options = layer
    expected = F.conv2d(images, weight, bias, **options)
    torch.testing.assert_close(convolve(images, weight, bias, **options), expected, rtol=0, atol=1e-10)


@given(layer=layers())
def test_im2col_equals_unfold(layer):
    """The columns are torch's, in torch's order, bit for bit: values are copied, not computed."""
    images, weight, _, options = layer
    kernel = tuple(weight.shape[2:])
    assert torch.equal(im2col(images, kernel, **options), F.unfold(images, kernel, **options))


@given(layer=layers())
def test_output_size_counts_the_places(layer):
    """As many places as a range over the padded axis that leaves room for the kernel has elements."""
    images, weight, _, options = layer
    stride, padding = (v if isinstance(v, tuple) else (v, v) for v in (options["stride"], options["padding"]))
    for axis in (0, 1):
        size, kernel = images.shape[2 + axis], weight.shape[2 + axis]
        places = len(range(0, size + 2 * padding[axis] - kernel + 1, stride[axis]))
        assert output_size(size, kernel, stride[axis], padding[axis]) == places


@FORMS
@pytest.mark.parametrize(("images", "weight", "stride", "padding"), DEGENERATE)
def test_degenerate_sizes_equal_torch(convolve, images, weight, stride, padding):
    """The smallest, largest and oddest sizes are no exception."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(images, generator=generator, dtype=torch.float64)
    weight = torch.randn(weight, generator=generator, dtype=torch.float64)
    bias = torch.randn(len(weight), generator=generator, dtype=torch.float64)
    expected = F.conv2d(images, weight, bias, stride, padding)
    ours = convolve(images, weight, bias, stride=stride, padding=padding)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-10)
    columns = im2col(images, tuple(weight.shape[2:]), stride=stride, padding=padding)
    assert torch.equal(columns, F.unfold(images, weight.shape[2:], stride=stride, padding=padding))


def test_im2col_takes_one_number_for_a_square_kernel():
    """``kernel=2`` means 2 by 2, as it does for stride and padding."""
    images = torch.arange(24.0).reshape(1, 2, 3, 4)
    assert torch.equal(im2col(images, 2), im2col(images, (2, 2)))


@FORMS
def test_inputs_are_left_as_they_were(convolve):
    """Neither form writes into its arguments, with and without padding."""
    arguments = torch.ones(1, 2, 4, 4), torch.ones(3, 2, 3, 3), torch.ones(3)
    for padding in (0, 1):
        convolve(*arguments, padding=padding)
    assert all(bool((argument == 1).all()) for argument in arguments)


IMAGES, WEIGHT = torch.zeros(2, 3, 5, 5), torch.zeros(4, 3, 3, 3)
BAD = {
    "unbatched images": ((IMAGES[0], WEIGHT), {}, r"images must have .*\(3, 5, 5\).*images\[None\]"),
    "one kernel alone": ((IMAGES, WEIGHT[0, 0]), {}, r"weight must have .*\(3, 3\).*weight\[None, None\]"),
    "channels": ((IMAGES, WEIGHT[:, :2]), {}, r"kernels have 2 channels and the images 3: .*\(4, 3"),
    "dtypes": ((IMAGES.byte(), WEIGHT), {}, r"torch\.uint8 and weight is torch\.float32"),
    "bias too short": ((IMAGES, WEIGHT, torch.zeros(3)), {}, r"bias must have shape \(4,\).*got \(3,\)"),
    "bias a number": ((IMAGES, WEIGHT, torch.zeros(())), {}, r"bias must have shape \(4,\).*got \(\)"),
    "stride zero": ((IMAGES, WEIGHT), {"stride": 0}, r"stride must be at least 1, got 0"),
    "stride negative": ((IMAGES, WEIGHT), {"stride": (1, -2)}, r"stride must be at least 1, got -2"),
    "stride a fraction": ((IMAGES, WEIGHT), {"stride": 1.5}, r"stride must be a whole number .*got 1\.5"),
    "padding negative": ((IMAGES, WEIGHT), {"padding": -1}, r"padding must not be negative, got -1"),
    "padding of three": ((IMAGES, WEIGHT), {"padding": (1, 1, 1)}, r"padding must be .*got \(1, 1, 1\)"),
    "kernel too large": (
        (IMAGES[..., :2], WEIGHT),
        {},
        r"kernel of 3 pixels does not fit into 2 pixels with padding 0 \(2 in all\)",
    ),
    "kernel empty": ((IMAGES, WEIGHT[..., :0]), {}, r"kernel must cover at least 1 pixel, got 0"),
}


@FORMS
@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_get_one_sentence(convolve, case):
    """The error names the thing, the value got and, after one colon, the way out; torch refuses them too."""
    arguments, options, message = BAD[case]
    with pytest.raises(ValueError, match=message) as caught:
        convolve(*arguments, **options)
    assert "\n" not in str(caught.value) and str(caught.value).count(": ") == 1
    if case != "unbatched images":  # torch takes these; here N is never left out
        with pytest.raises((RuntimeError, TypeError)):
            F.conv2d(*arguments, **options)


def test_im2col_refuses_what_the_convolution_refuses():
    """Copying windows has the same limits as multiplying them."""
    with pytest.raises(ValueError, match=r"images must have .*\(3, 5, 5\)"):
        im2col(IMAGES[0], 3)
    with pytest.raises(ValueError, match=r"kernel of 9 pixels does not fit into 5"):
        im2col(IMAGES, 9)
    with pytest.raises(ValueError, match=r"kernel must be a whole number .*got 'large'"):
        im2col(IMAGES, "large")
