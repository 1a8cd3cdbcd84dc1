"""Pooling to a given size equals torch's, forward and backward, also where the sizes do not divide."""

import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.byhand.drawing import assert_drawn_together, draw_tensor
from tests.byhand.refusals import refused
from tlhelpers.byhand.adaptive_pooling import (
    adaptive_mean_pool2d,
    adaptive_mean_pool2d_backward,
    global_mean_pool2d,
    global_mean_pool2d_backward,
)
from tlhelpers.byhand.nn import differentiable

BOTH = pytest.mark.parametrize("pool", [global_mean_pool2d, lambda images: adaptive_mean_pool2d(images, 2)])
# Backward functions of outputs of 2 by 2, and the shape of the gradient for two images of three channels.
BACKWARD = pytest.mark.parametrize(
    "backward, shape",
    [
        (global_mean_pool2d_backward, (2, 3)),
        (lambda grad, images: adaptive_mean_pool2d_backward(grad, images, 2), (2, 3, 2, 2)),
    ],
)

BATCH = st.sampled_from([1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 0])  # the empty one is an exception


@st.composite
def cases(draw, most=7):
    """Draw images and a size for the output, as one number or two, smaller and larger than the image."""
    shape = draw(st.tuples(BATCH, st.integers(1, 3), *[st.integers(1, most)] * 2))
    side = st.integers(1, most + 2)
    return draw_tensor(draw, shape), draw(side | st.tuples(side, side))


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


def gradient(function, grad, images):
    """Return the gradient that autograd computes through torch's function."""
    images = images.clone().requires_grad_()
    return torch.autograd.grad(function(images), images, grad)[0]


def torchs_global_mean(images):
    return F.adaptive_avg_pool2d(images, 1).flatten(1)


@given(case=cases())
def test_adaptive_mean_is_torchs(case):
    """The means equal torch's for any image size and output size."""
    images, size = case
    close(adaptive_mean_pool2d(images, size), F.adaptive_avg_pool2d(images, size))


@given(case=cases(), data=st.data())
def test_adaptive_mean_shares_its_gradient_as_torch_does(case, data):
    """The gradient is torch's, where windows share pixels and where pixels fill several windows."""
    images, size = case
    grad = draw_tensor(data.draw, F.adaptive_avg_pool2d(images, size).shape)
    expected = gradient(lambda x: F.adaptive_avg_pool2d(x, size), grad, images)
    close(adaptive_mean_pool2d_backward(grad, images, size), expected)


@given(case=cases(most=3))
def test_gradcheck_of_adaptive_mean(case):
    """Finite differences of the forward function equal the backward function."""
    images, size = case
    pool = differentiable(
        lambda x: adaptive_mean_pool2d(x, size), lambda grad, x: adaptive_mean_pool2d_backward(grad, x, size)
    )
    assert torch.autograd.gradcheck(pool, images[:1, :1].requires_grad_())


@given(case=cases(), data=st.data())
def test_global_mean_and_its_gradient_are_torchs(case, data):
    """The mean of each channel and its gradient equal torch's for any shape."""
    images, _ = case
    close(global_mean_pool2d(images), torchs_global_mean(images))
    grad = draw_tensor(data.draw, images.shape[:2])
    close(global_mean_pool2d_backward(grad, images), gradient(torchs_global_mean, grad, images))


@given(case=cases(most=3))
def test_gradcheck_of_global_mean(case):
    """Finite differences of the forward function equal the backward function."""
    pool = differentiable(global_mean_pool2d, global_mean_pool2d_backward)
    assert torch.autograd.gradcheck(pool, case[0][:1, :2].requires_grad_())


def describe(case):
    """Return words for how the image size and the output size relate."""
    images, size = case
    sides = list(zip(images.shape[2:], size if isinstance(size, tuple) else (size, size), strict=True))
    words = {
        "one number": isinstance(size, int),
        "two numbers": isinstance(size, tuple),
        "divides": any(m < n and n % m == 0 for n, m in sides),
        "does not divide": any(m < n and n % m for n, m in sides),
        "grows": any(m > n for n, m in sides),
        "as the image": any(m == n for n, m in sides),
        "one pixel wide": any(n == 1 for n, _ in sides),
        "to one": any(m == 1 for _, m in sides),
        "rectangle": images.shape[2] != images.shape[3],
        "batch 0": len(images) == 0,
        "channels": images.shape[1] > 1,
    }
    return [word for word, holds in words.items() if holds]


@pytest.mark.slow
def test_sizes_were_drawn_together():
    """Every relation of sizes along one axis was drawn with every relation along the other."""
    words = {"one number", "two numbers", "divides", "does not divide", "grows", "as the image", "one pixel wide"}
    words |= {"to one", "rectangle", "batch 0", "channels"}
    assert_drawn_together(cases(), describe, words, apart={("one number", "two numbers")})


def test_an_image_is_copied_where_the_size_is_its_own():
    """If every window is one pixel, the result is a copy of the image, in new memory."""
    images = torch.randn(1, 2, 3, 4)
    pooled = adaptive_mean_pool2d(images, (3, 4))
    assert pooled.equal(images)
    before = images.clone()
    pooled.zero_()
    assert images.equal(before)


def test_nan_stays_in_its_windows():
    """A pixel that is NaN makes the windows NaN that contain it, and no others."""
    images = torch.ones(1, 1, 1, 5)
    images[..., 2] = torch.nan
    assert adaptive_mean_pool2d(images, (1, 5)).isnan().sum() == 1
    assert adaptive_mean_pool2d(images, (1, 2)).isnan().all(), "the pixel in the middle is in both"


@pytest.mark.parametrize("size", [-1, (2, -1)])
def test_refuses_a_bad_size_where_torch_does(size):
    """A negative size is refused, and the message shows it."""
    with refused(r"size is .*-1.*; it must be 1 or more along both axes; use 1 for one mean"):
        adaptive_mean_pool2d(torch.zeros(1, 1, 4, 4), size)
    with pytest.raises(RuntimeError):
        F.adaptive_avg_pool2d(torch.zeros(1, 1, 4, 4), size)


@pytest.mark.parametrize("size", [0, (0, 2)])
def test_refuses_an_output_of_nothing(size):
    """A size of 0 is refused, although torch returns an empty tensor."""
    with refused("size is .*0.*; it must be 1 or more along both axes; use 1"):
        adaptive_mean_pool2d(torch.zeros(1, 1, 4, 4), size)


@pytest.mark.parametrize("size", [2.0, (1, 2, 3), None])
def test_refuses_what_is_not_a_pair_of_integers(size):
    """A size must be one integer or two."""
    with refused(rf"size is {re.escape(repr(size))}; it must be an integer or two of them; give"):
        adaptive_mean_pool2d(torch.zeros(1, 1, 4, 4), size)


@BOTH
@pytest.mark.parametrize("shape", [(4, 4), (3, 4, 4), (1, 0, 4, 4), (1, 1, 0, 4), (1, 1, 1, 4, 4)])
def test_refuses_other_shapes_than_nchw(pool, shape):
    """Images that are not (N, C, H, W) with at least one channel and one pixel are refused."""
    with refused(rf"images.shape is {re.escape(str(shape))}; it must have .*; (add|check)"):
        pool(torch.zeros(shape))


@BOTH
def test_refuses_integers(pool):
    """Integer pixels are refused, as in torch, and the message says how to convert them."""
    with refused(r"images.dtype is torch.uint8; .*images.float\(\)"):
        pool(torch.zeros(1, 1, 4, 4, dtype=torch.uint8))


@BACKWARD
def test_refuses_a_gradient_of_another_shape(backward, shape):
    """A gradient that does not have the shape of the output is refused, even if it could be broadcast."""
    images = torch.zeros(2, 3, 5, 5)
    assert backward(torch.zeros(shape), images).shape == images.shape
    for other in [shape[1:], (1, *shape[1:]), (*shape, 1), (*shape[:-1], 1)]:
        sentence = f"grad.shape is {other}; it must be {shape}, the shape of the output; give the gradient"
        with refused(re.escape(sentence)):
            backward(torch.zeros(other), images)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("side", [7, 20, 112])
def test_means_of_many_16_bit_values_are_torchs(side, dtype):
    """Sums of many values in 16 bits are computed in 32 bits, so that they neither overflow nor stop growing."""
    images = (6 + torch.rand(2, 3, side, side)).to(dtype)
    torch.testing.assert_close(global_mean_pool2d(images), torchs_global_mean(images))
    torch.testing.assert_close(adaptive_mean_pool2d(images, 3), F.adaptive_avg_pool2d(images, 3))
    grad = torch.randn(2, 3).to(dtype)
    torch.testing.assert_close(global_mean_pool2d_backward(grad, images), gradient(torchs_global_mean, grad, images))


BREAKS = [
    # global means
    ("(total / (images.shape[2] * images.shape[3]))", "(total / images.shape[2] ** 2)"),
    ("(total / (images.shape[2] * images.shape[3]))", "(total / images.shape[2])"),
    ("upcast(images).sum(dim=(2, 3))", "upcast(images).sum(dim=2)[:, :, 0]"),
    ("upcast(images).sum(dim=(2, 3))", "upcast(images).amax(dim=(2, 3))"),
    ("upcast(images).sum(dim=(2, 3))", "images.sum(dim=(2, 3))"),
    # their gradient
    ("share = grad / (images.shape[2] * images.shape[3])", "share = grad / images.shape[2] ** 2"),
    ("share = grad / (images.shape[2] * images.shape[3])", "share = grad / images.shape[3]"),
    ("share = grad / (images.shape[2] * images.shape[3])", "share = grad"),
    ("grad.new_zeros(images.shape) + share", "images + share"),
    ("return grad.new_zeros(images.shape) + share", "return share"),
    ("check_grad(grad, images.shape[:2], images.dtype)", "pass"),
    # adaptive means
    ("slice(i * n // m, ", "slice(i * (n // m), "),
    ("slice(i * n // m, ", "slice(-(-i * n // m), "),
    ("-(-(i + 1) * n // m))", "(i + 1) * n // m)"),
    ("-(-(i + 1) * n // m))", "-(-(i + 1) * n // m) - 1)"),
    ("means[:, :, i, j] =", "means[:, :, -1 - i, j] ="),
    ("= global_mean_pool2d(images[:, :, row, column])", "= global_mean_pool2d(images[:, :, row, row])"),
    # their gradient
    ("grad_images[:, :, row, column] +=", "grad_images[:, :, row, column] ="),
    ("(grad[:, :, i, j], images[:, :, row, column])", "(grad[:, :, 0, j], images[:, :, row, column])"),
    ("len(rows), len(columns))\n    for", "len(columns), len(rows))\n    for"),
    ("grad_images = grad.new_zeros(images.shape)", "grad_images = grad.new_ones(images.shape)"),
    ("check_grad(grad, (*images.shape[:2], len(rows), len(columns)), images.dtype)", "pass"),
    ("min(size) >= 1", "min(size) >= 0"),
]
