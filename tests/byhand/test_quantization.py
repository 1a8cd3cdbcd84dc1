"""Quantization by hand equals torch's, is off by at most half a step, and computes exact products."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.byhand.drawing import assert_drawn_together, draw_tensor
from tests.byhand.refusals import refused
from tlhelpers.byhand import dequantize, quantize, quantized_linear, scale_of

BREAKS = [
    ("2 ** (bits - 1) - 1", "2 ** (bits - 1)"),
    ("if dim is None or i != dim % values.ndim", "if dim is None or i == dim % values.ndim"),
    ("largest.masked_fill(largest == 0, most) / most", "largest / most"),
    ("(values / scale).round()", "(values / scale + 0.5).int().float()"),
    ("steps.masked_fill(steps > most, most).masked_fill", "steps.masked_fill"),
    (".masked_fill(steps < -most, -most)", ""),
    ("return integers * scale", "return integers / scale"),
    ("scale_of(weight, dim=0)", "scale_of(weight)"),
    ("[:, None].int() * quantize(weight, of_weight).int()", "[:, None] * quantize(weight, of_weight)"),
    ("(of_features * of_weight.T)", "(of_features * of_weight)"),
    ("range(2, 9)", "range(2, 10)"),
    ("| (values != values)", ""),
]


@st.composite
def values_and_dim(draw):
    """Draw values of one to four dimensions and any size, some of them zero, and the dimension of the steps."""
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    values = draw_tensor(draw, shape) * 10.0 ** draw(st.integers(-4, 4))
    if draw(st.booleans()):
        values[0] = 0
    return values, draw(st.none() | st.integers(-len(shape), len(shape) - 1))


def describe(example):
    values, dim = example
    words = {"one step" if dim is None else "steps of slices", "vector" if values.ndim == 1 else "more dimensions"}
    return words | ({"zeros"} if (values[0] == 0).all() else set())


@pytest.mark.slow
def test_every_kind_of_values_is_drawn():
    """One step and steps of slices, vectors and more dimensions, and zeros are drawn in every combination."""
    words = {"one step", "steps of slices", "vector", "more dimensions", "zeros"}
    assert_drawn_together(
        values_and_dim(), describe, words, {("one step", "steps of slices"), ("vector", "more dimensions")}
    )


@given(values_and_dim(), st.integers(2, 8))
def test_half_a_step_is_the_most_that_is_lost(example, bits):
    """The error is at most half a step, the integers fit into their bits, and the largest value is exact."""
    values, dim = example
    scale = scale_of(values, bits=bits, dim=dim)
    whole = quantize(values, scale, bits=bits)
    lost = (dequantize(whole, scale) - values).abs()
    assert whole.dtype == torch.int8 and whole.abs().max() <= 2 ** (bits - 1) - 1
    assert (lost <= scale / 2 * (1 + 1e-9)).all()
    slices = 1 if dim is None else values.shape[dim]
    parts, losses = (every.movedim(dim or 0, 0).reshape(slices, -1) for every in (values, lost))
    for part, loss in zip(parts, losses, strict=True):
        assert loss[part.abs().argmax()] <= 1e-9 * part.abs().max()


@given(values_and_dim())
def test_eight_bits_are_those_of_torch(example):
    """The quantized values equal torch's for the same steps, with one step and with steps along a dimension.

    Ties are left out, because torch multiplies by the inverse of the step and so rounds some of them differently.
    """
    values, dim = example[0].float(), example[1]
    scale = scale_of(values, dim=dim)
    if dim is None:
        theirs = torch.fake_quantize_per_tensor_affine(values, scale.item(), 0, -127, 127)
    else:
        zeros = torch.zeros(scale.numel(), dtype=torch.int32)
        axis = dim % values.ndim
        theirs = torch.fake_quantize_per_channel_affine(values, scale.flatten(), zeros, axis, -127, 127)
    ours = dequantize(quantize(values, scale), scale)
    steps = values / scale
    no_tie = (steps - steps.floor() - 0.5).abs() > 1e-4
    torch.testing.assert_close(ours[no_tie], theirs[no_tie], rtol=1e-6, atol=0.0)


@given(values_and_dim(), st.integers(2, 8))
def test_signs_and_sizes_do_not_matter(example, bits):
    """Negative values give negative integers, and doubled values with a doubled step give the same integers."""
    values, dim = example
    scale = scale_of(values, bits=bits, dim=dim)
    assert quantize(-values, scale, bits=bits).equal(-quantize(values, scale, bits=bits))
    assert quantize(2 * values, 2 * scale, bits=bits).equal(quantize(values, scale, bits=bits))


@given(values_and_dim(), st.integers(2, 8))
def test_quantized_values_stay_the_same_if_quantized_again(example, bits):
    """Multiples of the step are quantized exactly."""
    values, dim = example
    scale = scale_of(values, bits=bits, dim=dim)
    whole = quantize(values, scale, bits=bits)
    assert quantize(dequantize(whole, scale), scale, bits=bits).equal(whole)


def test_zeros_have_a_step():
    """The step of zeros is 1, so that nothing is divided by 0."""
    values = torch.tensor([[0.0, 0.0], [0.5, -1.27]])
    torch.testing.assert_close(scale_of(values, dim=0), torch.tensor([[1.0], [0.01]]))
    assert quantize(values, scale_of(values, dim=0)).tolist() == [[0, 0], [50, -127]]


def test_ties_go_to_the_even_integer_and_large_values_are_clipped():
    """0.5 becomes 0 and 1.5 becomes 2; a value beyond the largest integer becomes this integer."""
    step = torch.tensor(1.0)
    assert quantize(torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5]), step).tolist() == [0, 2, 2, 0, -2]
    assert quantize(torch.tensor([300.0, -300.0, 127.4]), step).tolist() == [127, -127, 127]
    assert quantize(torch.tensor([9.0, -9.0, 1.0]), step, bits=3).tolist() == [3, -3, 1]


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 40), st.data())
def test_whole_numbers_are_multiplied_exactly(n, outputs, d, data):
    """The product equals that of the dequantized values, and is close to that of the given values."""
    features, weight = draw_tensor(data.draw, (n, d)), draw_tensor(data.draw, (outputs, d))
    of_features, of_weight = scale_of(features), scale_of(weight, dim=0)
    back = dequantize(quantize(features, of_features), of_features), dequantize(quantize(weight, of_weight), of_weight)
    found = quantized_linear(features, weight)
    torch.testing.assert_close(found, back[0] @ back[1].T, rtol=1e-12, atol=1e-12)
    most = of_features / 2 * weight.abs().sum(dim=1) + features.abs().sum(dim=1, keepdim=True) * of_weight.T / 2
    assert ((found - features @ weight.T).abs() <= most + d * of_features * of_weight.T / 4 + 1e-12).all()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: scale_of(torch.ones(2), bits=9), "bits is 9; it must be from 2 to 8"),
        (lambda: quantize(torch.ones(2), torch.ones(1), bits=1), "bits is 1; it must be from 2 to 8"),
        (lambda: scale_of(torch.ones(2, 2), dim=2), "dim is 2; it must be one of the 2 axes of the values"),
        (lambda: scale_of(torch.tensor([1, 2])), "values.dtype is torch.int64; it must be a floating-point type"),
        (lambda: quantize(torch.tensor([1.0, float("nan")]), torch.ones(1)), "a value is nan; it must be finite"),
        (lambda: scale_of(torch.tensor([1.0, -float("inf")])), "a value is -inf; it must be finite"),
        (
            lambda: quantized_linear(torch.ones(2, 3), torch.ones(3, 2)),
            r"is \(\(2, 3\), \(3, 2\)\); it must be \(N, D\) and \(C, D\)",
        ),
        (
            lambda: quantized_linear(torch.ones(3), torch.ones(2, 3)),
            r"is \(\(3,\), \(2, 3\)\); it must be \(N, D\) and \(C, D\)",
        ),
    ],
)
def test_what_cannot_be_quantized_is_refused(call, sentence):
    """Bits, dimensions, dtypes, shapes and values that are not possible are refused."""
    with refused(sentence):
        call()
