"""Pooling by hand equals torch's, forward and backward, and refuses what torch refuses with a clear message."""

import random
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.byhand.drawing import assert_drawn_together, draw_tensor
from tests.byhand.refusals import refused
from tlhelpers.byhand.nn import differentiable
from tlhelpers.byhand.pooling import max_pool2d, max_pool2d_backward, mean_pool2d, mean_pool2d_backward

BOTH = pytest.mark.parametrize("pool", [max_pool2d, mean_pool2d])
PAIRS = pytest.mark.parametrize("ours, torchs", [(max_pool2d, F.max_pool2d), (mean_pool2d, F.avg_pool2d)])
BACKWARD = pytest.mark.parametrize("backward", [max_pool2d_backward, mean_pool2d_backward])
BATCH = st.sampled_from([1, 2, 3, 2, 0])


@st.composite
def windows(draw, dilated, most=5):
    """Draw an image size, a kernel and options that torch allows, often with the smallest size that it allows."""
    pick = random.Random(draw(st.integers(0, 2**32)))  # one seed, so that all options vary at once
    ceil_mode, no_stride, whole, axes = pick.random() < 0.5, pick.random() < 0.3, pick.random() < 0.3, []
    for _ in range(2):
        kernel, dilation = pick.randint(1, 4), pick.randint(1, 3) if dilated else 1
        stride, padding = kernel if no_stride else pick.randint(1, 5), pick.randint(0, kernel // 2)
        span = dilation * (kernel - 1) + 1
        least = max(1, span - 2 * padding - (stride - 1 if ceil_mode else 0))
        size = max(least, kernel) if whole else pick.choice([least, least, pick.randint(least, least + most)])
        axes.append((size, kernel, stride, padding, dilation))
    size, kernel, stride, padding, dilation = zip(*axes, strict=True)
    options = {"stride": None if no_stride else stride, "padding": padding, "ceil_mode": ceil_mode}
    return size, kernel, options | ({"dilation": dilation} if dilated else {})


@st.composite
def max_cases(draw):
    """Draw images, some of them with ties, NaN or -inf."""
    size, kernel, options = draw(windows(True))
    images = draw_tensor(draw, (draw(BATCH), draw(st.integers(1, 2)), *size)) - 2
    if draw(st.booleans()):
        images = (images / 2).round()
    for value in (torch.nan, -torch.inf):
        if draw(st.booleans()):
            images[draw_tensor(draw, images.shape) > 0.4] = value
    return images, kernel, options


@st.composite
def mean_cases(draw, most=5):
    """Draw images with a mean below zero, and whether the padding counts."""
    size, kernel, options = draw(windows(False, most))
    images = draw_tensor(draw, (draw(BATCH), draw(st.integers(1, 2)), *size)) - 2
    return images, kernel, options | {"count_include_pad": draw(st.booleans())}


def covers_padding_only(images, kernel, options):
    """Return which windows contain no pixel: dilated ones that cover padding only."""
    return F.max_pool2d(torch.zeros_like(images), kernel, **options).isneginf()


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12, equal_nan=True)


def gradient(function, grad, images):
    """Return the gradient that autograd computes through torch's function."""
    images = images.clone().requires_grad_()
    return torch.autograd.grad(function(images), images, grad)[0]


# Values and gradients


@given(case=max_cases())
def test_max_is_torchs(case):
    """The maxima equal torch's bit for bit, for all options that torch allows."""
    images, kernel, options = case
    torch.testing.assert_close(
        max_pool2d(images, kernel, **options), F.max_pool2d(images, kernel, **options), rtol=0, atol=0, equal_nan=True
    )


@given(case=mean_cases())
def test_mean_is_torchs(case):
    """The means equal torch's, whatever the rounding, and whether or not the padding counts."""
    images, kernel, options = case
    close(mean_pool2d(images, kernel, **options), F.avg_pool2d(images, kernel, **options))


@given(case=max_cases(), data=st.data())
def test_max_gives_its_gradient_to_torchs_winner(case, data):
    """Each window's gradient goes to the same pixel as in torch, also with ties, NaN and -inf."""
    images, kernel, options = case
    alone = covers_padding_only(images, kernel, options)
    grad = draw_tensor(data.draw, alone.shape)
    if alone.any():  # there, torch's index of the maximum lies outside the image
        _, winner = F.max_pool2d(images, kernel, **options, return_indices=True)
        positions, shares = winner.masked_fill(alone, 0).flatten(2), grad.masked_fill(alone, 0).flatten(2)
        expected = torch.zeros_like(images.flatten(2)).scatter_add(2, positions, shares).reshape(images.shape)
    else:
        expected = gradient(lambda x: F.max_pool2d(x, kernel, **options), grad, images)
    close(max_pool2d_backward(grad, images, kernel, **options), expected)


@given(case=mean_cases(), data=st.data())
def test_mean_shares_its_gradient_as_torch_does(case, data):
    """The gradient equals torch's, whatever the rounding, and whether or not the padding counts."""
    images, kernel, options = case
    outputs = F.avg_pool2d(images, kernel, **options)
    grad = draw_tensor(data.draw, outputs.shape)
    expected = gradient(lambda x: F.avg_pool2d(x, kernel, **options), grad, images)
    close(mean_pool2d_backward(grad, images, kernel, **options), expected)


@given(window=windows(True, 2), seed=st.integers(0, 999))
def test_gradcheck_of_max(window, seed):
    """Without ties, finite differences of the forward function equal the backward function."""
    size, kernel, options = window
    numbers = torch.randperm(size[0] * size[1], generator=torch.Generator().manual_seed(seed))
    images = numbers.double().reshape(1, 1, *size).requires_grad_()
    assume(not covers_padding_only(images, kernel, options).any())
    pool = differentiable(
        lambda x: max_pool2d(x, kernel, **options), lambda grad, x: max_pool2d_backward(grad, x, kernel, **options)
    )
    assert torch.autograd.gradcheck(pool, images)


@given(case=mean_cases(most=2))
def test_gradcheck_of_mean(case):
    """Finite differences of the forward function equal the backward function."""
    images, kernel, options = case
    pool = differentiable(
        lambda x: mean_pool2d(x, kernel, **options), lambda grad, x: mean_pool2d_backward(grad, x, kernel, **options)
    )
    assert torch.autograd.gradcheck(pool, images[:1, :1].requires_grad_())


# What was drawn


def describe(case):
    """Return words for the options of a case that have an effect, and for its special sizes and values."""
    images, kernel, options = case
    size, padding, dilation = images.shape[2:], options["padding"], options.get("dilation", (1, 1))
    stride = options["stride"] or kernel
    axes = list(zip(size, kernel, stride, padding, dilation, strict=True))
    room = [s + 2 * p - d * (k - 1) - 1 for s, k, _, p, d in axes]
    pooled = F.max_pool2d(images, kernel, stride, padding, dilation, options["ceil_mode"])
    words = {
        "no stride": options["stride"] is None,
        "skips pixels": any(s > k for s, k in zip(stride, kernel, strict=True)),
        "overlap": any(s < k for s, k in zip(stride, kernel, strict=True)),
        "rectangle": kernel[0] != kernel[1],
        "even kernel": any(k % 2 == 0 for k in kernel),
        "padding": any(padding),
        "dilation": any(d > 1 and k > 1 for d, k in zip(dilation, kernel, strict=True)),
        "ceil_mode": any(p > r // s + 1 for p, r, s in zip(pooled.shape[2:], room, stride, strict=True)),
        "does not fit": min(room) < 0,
        "padding does not count": any(padding) and not options.get("count_include_pad", True),
        "one pixel": tuple(size) == (1, 1),
        "kernel as the image": kernel == tuple(size),
        "batch 0": len(images) == 0,
        "NaN": images.isnan().any(),
        "-inf": images.isneginf().any(),
    }
    if "dilation" in options:
        words["padding only"] = covers_padding_only(images, kernel, options).any()
        slope = torch.arange(1.0, images.shape[1:].numel() + 1).double().reshape(images.shape[1:]) * 1e-9
        first, last = (
            F.max_pool2d(images + tilt, kernel, **options, return_indices=True)[1] for tilt in (-slope, slope)
        )
        words["tie"] = ((first != last) & ~pooled.isnan()).any()
    return [word for word, holds in words.items() if holds]


EXCLUDED = {
    ("no stride", "skips pixels"),
    ("no stride", "overlap"),
    ("batch 0", "NaN"),
    ("batch 0", "-inf"),
    ("batch 0", "padding only"),
    ("batch 0", "tie"),
    ("one pixel", "tie"),
    ("one pixel", "kernel as the image"),  # a kernel of one pixel: among the edges below
    ("padding only", "tie"),  # if one window covers padding only, all do
}


@pytest.mark.slow
def test_options_of_max_were_drawn_together():
    """Every option of max pooling, special value and special size is drawn with every other."""
    words = {"no stride", "skips pixels", "overlap", "rectangle", "even kernel", "padding", "dilation", "ceil_mode"}
    words |= {"does not fit", "one pixel", "kernel as the image", "batch 0", "NaN", "-inf", "padding only", "tie"}
    assert_drawn_together(max_cases(), describe, words, EXCLUDED)


@pytest.mark.slow
def test_options_of_mean_were_drawn_together():
    """Every option of mean pooling and special size is drawn with every other."""
    words = {"no stride", "skips pixels", "overlap", "rectangle", "even kernel", "padding", "ceil_mode"}
    words |= {"does not fit", "one pixel", "kernel as the image", "batch 0", "padding does not count"}
    excluded = EXCLUDED | {("does not fit", "kernel as the image")}
    assert_drawn_together(mean_cases(), describe, words, excluded)


# Single cases


@PAIRS
@pytest.mark.parametrize(
    "size, kernel, options",
    [
        ((1, 1), 1, {}),  # one pixel
        ((5, 3), (5, 3), {}),  # kernel as large as the image
        ((7, 7), 2, {"stride": 5}),  # stride larger than the kernel: pixels between windows are not looked at
        ((4, 9), (1, 4), {"stride": (3, 2), "padding": (0, 2)}),  # everything differs between height and width
        ((5, 5), 2, {}),  # the last row and column fit no window
        ((5, 5), 2, {"ceil_mode": True}),  # now they do
        ((4, 4), 2, {"stride": 3, "padding": 1, "ceil_mode": True}),  # a third window would start in the padding
        ((3, 3), 4, {"stride": 2, "ceil_mode": True}),  # the kernel is larger than the image, and extends beyond it
        ((1, 1), 3, {"stride": 1, "padding": 1}),  # one pixel, the rest padding
        ((112, 112), 3, {"stride": 2, "padding": 1}),  # the first pooling of ResNet-50
    ],
)
def test_equals_torch_at_the_edges(ours, torchs, size, kernel, options):
    """The outputs equal torch's for sizes at which an index is easily off by one."""
    images = torch.randn(2, 3, *size, dtype=torch.float64) - 2
    close(ours(images, kernel, **options), torchs(images, kernel, **options))


def test_one_number_stands_for_both_axes():
    """One integer means the same as a pair of them, for all options."""
    images = torch.randn(1, 2, 6, 7)
    for pool in (max_pool2d, mean_pool2d):
        assert pool(images, 3, stride=2, padding=1).equal(pool(images, (3, 3), stride=(2, 2), padding=(1, 1)))
    assert max_pool2d(images, 2, dilation=2).equal(max_pool2d(images, (2, 2), dilation=(2, 2)))


@BOTH
def test_leaves_its_input_alone(pool):
    """The images are not changed, and the result shares no memory with them."""
    images = torch.randn(1, 1, 4, 4)
    before = images.clone()
    pool(images, 1).zero_()
    assert images.equal(before)


@BACKWARD
def test_backward_leaves_its_inputs_alone(backward):
    """The backward functions change neither the gradient nor the images."""
    images, grad = torch.randn(1, 1, 4, 4), torch.randn(1, 1, 4, 4)
    before = images.clone(), grad.clone()
    backward(grad, images, 1).zero_()
    assert images.equal(before[0]) and grad.equal(before[1])


@pytest.mark.parametrize(
    "pixels, winner",
    [
        ([3, 7, 7, 7], 1),  # the first of equals
        ([0, 0, 0, 0], 0),
        ([9, torch.nan, 5, 9], 1),  # NaN, wherever it stands
        ([torch.nan, 5, torch.nan, 9], 2),  # and of several the last
        ([-torch.inf] * 4, 0),
    ],
)
def test_who_gets_the_gradient(pixels, winner):
    """One pixel of the window gets the whole gradient, the same one as in torch."""
    images, grad = torch.tensor(pixels).float().reshape(1, 1, 2, 2), torch.ones(1, 1, 1, 1)
    ours = max_pool2d_backward(grad, images, 2)
    assert ours.flatten().tolist() == [float(index == winner) for index in range(4)]
    assert ours.equal(gradient(lambda x: F.max_pool2d(x, 2), grad, images))


def test_padding_is_never_the_maximum_where_there_is_a_pixel():
    """Even pixels of minus infinity get the gradient, and not the padding, which has the same value."""
    images, grad = torch.full((1, 1, 3, 3), -torch.inf), torch.ones(1, 1, 2, 2)
    expected = gradient(lambda x: F.max_pool2d(x, 3, stride=2, padding=1), grad, images)
    assert expected.sum() == 4
    assert max_pool2d_backward(grad, images, 3, stride=2, padding=1).equal(expected)


def test_the_gradient_of_a_window_with_padding_only_is_lost():
    """A window with padding only gives minus infinity, as in torch, and no pixel gets its gradient."""
    images, options = torch.randn(1, 1, 4, 4), {"stride": 1, "padding": 1, "dilation": 5}
    assert (
        max_pool2d(images, 2, **options).tolist() == F.max_pool2d(images, 2, **options).tolist() == [[[[-torch.inf]]]]
    )
    assert not max_pool2d_backward(torch.ones(1, 1, 1, 1), images, 2, **options).any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_precision_is_kept(dtype):
    """Outputs have the dtype of the images, and windows of 400 pixels are counted exactly in 16 bits."""
    images, grad = torch.ones(1, 1, 20, 20, dtype=dtype), torch.ones(1, 1, 1, 1, dtype=dtype)
    expected = gradient(lambda x: F.avg_pool2d(x, 20), grad, images)
    torch.testing.assert_close(mean_pool2d_backward(grad, images, 20), expected)
    images = (6 + torch.rand(1, 1, 20, 20)).to(dtype)
    torch.testing.assert_close(mean_pool2d(images, 20), F.avg_pool2d(images, 20))
    images = torch.ones(1, 1, 20, 20, dtype=dtype)
    images[0, 0, 19, 17] = 2  # element 397 of the window, which bfloat16 would round to 396
    expected = gradient(lambda x: F.max_pool2d(x, 20), grad, images)
    torch.testing.assert_close(max_pool2d_backward(grad, images, 20), expected, rtol=0, atol=0)
    assert max_pool2d(images, 2).dtype == mean_pool2d(images, 2).dtype == dtype


# Errors


@PAIRS
@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"stride": 0}, "stride is 0; it must be 1 or more; use 1"),
        ({"stride": -1}, "stride is -1; it must be 1 or more"),
        ({"stride": (1, 0)}, "stride is 0; it must be 1 or more"),
        ({"padding": 2}, "padding is 2; it must be at most half the kernel, which is 3; use 1 or less"),
        ({"padding": (0, 2)}, "padding is 2; it must be at most half the kernel, which is 3"),
        ({"padding": 4, "kernel": 7}, "padding is 4; it must be at most half the kernel, which is 7; use 3 or less"),
        ({"padding": -1}, "padding is -1; it must be 0 or more; crop the images"),
        ({"kernel": 0}, "kernel is 0; it must be 1 pixel or more; give a positive size"),
        ({"kernel": -2}, "kernel is -2; it must be 1 pixel or more"),
        ({"kernel": 5}, "kernel is 5, .*; it must fit into 4 pixels, .*; use a smaller kernel or more padding"),
        ({"kernel": 6, "stride": 2, "ceil_mode": True}, "kernel is 6, .*; it must fit into 4 pixels"),
    ],
)
def test_refuses_bad_options_where_torch_does(ours, torchs, options, sentence):
    """Options that torch refuses are refused, and the message shows their value."""
    images, options = torch.zeros(1, 1, 4, 4), {"kernel": 3} | options
    kernel = options.pop("kernel")
    with refused(sentence):
        ours(images, kernel, **options)
    with pytest.raises(RuntimeError):
        torchs(images, kernel, **options)


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"dilation": 0}, "dilation is 0; it must be 1 or more; use 1"),
        ({"dilation": (1, -1)}, "dilation is -1; it must be 1 or more"),
        ({"dilation": 2}, "kernel is 3, with dilation a span of 5 pixels; it must fit into 4 pixels"),
        (
            {"dilation": 2, "padding": 2},
            "padding is 2; it must be at most half the kernel, which is 3",
        ),  # of the kernel, not of its span
    ],
)
def test_refuses_bad_dilation_where_torch_does(options, sentence):
    """Dilations that torch refuses are refused, and the message shows their value."""
    with refused(sentence):
        max_pool2d(torch.zeros(1, 1, 4, 4), 3, **options)
    with pytest.raises(RuntimeError):
        F.max_pool2d(torch.zeros(1, 1, 4, 4), 3, **options)


@BOTH
@pytest.mark.parametrize("options", [{"kernel": 2.0}, {"stride": (1, 2, 3)}, {"padding": "same"}])
def test_refuses_what_is_not_a_pair_of_integers(pool, options):
    """Each option must be one integer or two, and the message names the one that is not."""
    (name, value), options = *options.items(), {"kernel": 2} | options
    with refused(rf"{name} is {re.escape(repr(value))}; it must be an integer or two of them; give"):
        pool(torch.zeros(1, 1, 4, 4), **options)


@BOTH
@pytest.mark.parametrize("shape", [(4, 4), (3, 4, 4), (1, 0, 4, 4), (1, 1, 0, 4), (1, 1, 1, 4, 4)])
def test_refuses_other_shapes_than_nchw(pool, shape):
    """Images that are not (N, C, H, W) with at least one channel and one pixel are refused."""
    with refused(rf"images.shape is {re.escape(str(shape))}; it must have .*; (add|check)"):
        pool(torch.zeros(shape), 2)


@BOTH
def test_refuses_integers(pool):
    """Integer pixels are refused, because their mean is not an integer; the message says how to convert them."""
    with refused(r"images.dtype is torch.uint8; .*images.float\(\)"):
        pool(torch.zeros(1, 1, 4, 4, dtype=torch.uint8), 2)


@BACKWARD
@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (2, 2), (1, 1, 1, 1), (1, 1, 2, 1)])
def test_refuses_a_gradient_of_another_shape(backward, shape):
    """A gradient that does not have the shape of the output is refused, even if it could be broadcast."""
    sentence = (
        rf"grad.shape is {re.escape(str(shape))}; it must be \(1, 1, 2, 2\), the shape of the output; give the gradient"
    )
    with refused(sentence):
        backward(torch.zeros(shape), torch.zeros(1, 1, 4, 4), 2)


BREAKS = [
    # max pooling
    ("grid.pad(images, -torch.inf)\n    largest", "grid.pad(images, 0.0)\n    largest"),
    ("grid.elements[1:]", "grid.elements[2:]"),
    ("torch.maximum(largest, padded[pixels])", "largest.where(largest > padded[pixels], padded[pixels])"),
    ("torch.maximum(largest, padded[pixels])", "torch.maximum(images.new_zeros(1), padded[pixels])"),
    ("ceil_mode=ceil_mode", "ceil_mode=False"),
    ("stride = kernel if stride is None", "stride = (1, 1) if stride is None"),
    # its gradient
    ("(piece > largest)", "(piece >= largest)"),
    (" | (piece != piece)", ""),
    ("(winner < 0) | ", ""),
    ("inside[pixels] & (", "("),
    ("grad.where(winner == number, 0.0)", "grad.where(winner <= number, 0.0)"),
    ("largest.new_full(largest.shape, -1).int()", "largest.new_full(largest.shape, -1)"),
    # mean pooling
    ("upcast(grid.pad(images))", "upcast(grid.pad(images, 1))"),
    ("(total / _counts(grid, images, count_include_pad))", "(total / len(grid.elements))"),
    (
        "grid.padded_part if count_include_pad else grid.image_part",
        "grid.image_part if count_include_pad else grid.padded_part",
    ),
    ("grid.padded_part if count_include_pad else grid.image_part", "..."),
    # its gradient
    ("share = upcast(grad) / _counts(grid, images, count_include_pad)", "share = upcast(grad) / len(grid.elements)"),
    (
        "share = upcast(grad) / _counts(grid, images, count_include_pad)",
        "share = upcast(grad) / _counts(grid, images, True)",
    ),
    ("share = upcast(grad) / _counts(grid, images, count_include_pad)", "share = upcast(grad)"),
    # what is refused, in both
    ("require(2 * border <= side", "require(border <= side"),
    ("require(2 * border <= side", "require(2 * border < side"),
]
