"""Initialization by hand gives torch's values from the same generator, with the variance of the formulas."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.byhand.drawing import assert_drawn_together
from tests.byhand.refusals import refused
from tlhelpers.byhand.initialization import fans, kaiming_normal, kaiming_uniform, xavier_normal, xavier_uniform

KAIMING = {kaiming_normal: nn.init.kaiming_normal_, kaiming_uniform: nn.init.kaiming_uniform_}
XAVIER = {xavier_normal: nn.init.xavier_normal_, xavier_uniform: nn.init.xavier_uniform_}
WIDE, DEEP = (300, 200), (80, 60, 3, 5)


@st.composite
def weights(draw):
    """Draw the shape of a linear layer's or a convolution's weight, a mode, a seed, a dtype."""
    sides = st.integers(1, 5)
    axes = draw(st.sampled_from([0, 1, 2, 2, 3]))
    shape = (draw(sides), draw(sides), *(draw(st.integers(1, 4)) for _ in range(axes)))
    modes, dtypes = st.sampled_from(["fan_in", "fan_out"]), st.sampled_from([torch.float64, torch.float32])
    return shape, draw(modes), draw(st.integers(0, 2**32)), draw(dtypes)


def drawn(make, shape, seed, dtype=torch.float64, **options):
    """Call ``make`` with a new generator while ``dtype`` is the default dtype."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return make(shape, generator=torch.Generator().manual_seed(seed), **options)
    finally:
        torch.set_default_dtype(before)


def filled(init, **options):
    """Make a function that returns a tensor as torch fills it."""
    return lambda shape, generator: init(torch.empty(shape), generator=generator, **options)


def assert_same(ours, expected):
    assert ours.dtype == expected.dtype
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-10 if ours.dtype is torch.float64 else 1e-6)


@pytest.mark.parametrize("make", KAIMING)
@given(weight=weights())
def test_kaiming_equals_torch(make, weight):
    """The same generator gives the same weights, in both modes and dtypes."""
    shape, mode, seed, dtype = weight
    expected = drawn(filled(KAIMING[make], mode=mode, nonlinearity="relu"), shape, seed, dtype)
    assert_same(drawn(make, shape, seed, dtype, mode=mode), expected)


@pytest.mark.parametrize("make", XAVIER)
@given(weight=weights())
def test_xavier_equals_torch(make, weight):
    """The same generator gives the same weights, in both dtypes."""
    shape, _, seed, dtype = weight
    assert_same(drawn(make, shape, seed, dtype), drawn(filled(XAVIER[make]), shape, seed, dtype))


@pytest.mark.slow
def test_weights_of_every_kind_are_drawn():
    """Linear layers and convolutions in one to three dimensions are drawn with both modes and both dtypes."""

    def describe(weight):
        shape, mode, _, dtype = weight
        more = {"one input"} if shape[1] == 1 else {"one output"} if shape[0] == 1 else set()
        return {mode, str(dtype), f"{len(shape)} axes"} | more | ({"rectangle"} if len(set(shape[2:])) > 1 else set())

    modes, dtypes, axes = ("fan_in", "fan_out"), ("torch.float32", "torch.float64"), [f"{n} axes" for n in (2, 3, 4, 5)]
    apart = {modes, dtypes, *((one, other) for one in axes for other in axes), ("one input", "one output")}
    apart |= {("2 axes", "rectangle"), ("3 axes", "rectangle")}
    wanted = {*modes, *dtypes, *axes, "one input", "one output", "rectangle"}
    assert_drawn_together(weights(), describe, wanted, apart)


@given(weight=weights())
def test_fans_count_products(weight):
    """A layer of ones turns ones into the fan-in, and its transpose turns them into the fan-out."""
    outputs, inputs, *kernel = shape = weight[0]
    if len(kernel) > 2:
        kernel = [math.prod(kernel)]  # the counts depend on the number of pixels only
    layer = torch.ones(outputs, inputs, *(kernel or [1]))
    forward, backward = (F.conv1d, F.conv_transpose1d) if layer.ndim == 3 else (F.conv2d, F.conv_transpose2d)
    fan_in = forward(torch.ones(1, *layer.shape[1:]), layer).flatten()[0]
    fan_out = backward(torch.ones(1, outputs, *(1 for _ in layer.shape[2:])), layer).sum() / inputs
    assert fans(shape) == (fan_in, fan_out)


@pytest.mark.parametrize("shape", [WIDE, DEEP])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize("make", KAIMING)
def test_kaiming_has_the_variance_of_the_formula(make, shape, mode):
    """The variance of about 60,000 weights is 2 / fan within 3 %, and their mean is close to zero."""
    pixels = math.prod(shape[2:])
    fan = {"fan_in": shape[1] * pixels, "fan_out": shape[0] * pixels}[mode]
    assert_spread(drawn(make, shape, 0, mode=mode), 2 / fan)


@pytest.mark.parametrize("shape", [WIDE, DEEP])
@pytest.mark.parametrize("make", XAVIER)
def test_xavier_has_the_variance_of_the_formula(make, shape):
    """The variance is 2 / (fan_in + fan_out) within 3 %, and the mean is close to zero."""
    assert_spread(drawn(make, shape, 0), 2 / ((shape[0] + shape[1]) * math.prod(shape[2:])))


def assert_spread(weight, variance):
    assert weight.var().item() == pytest.approx(variance, rel=0.03)
    assert abs(weight.mean().item()) < 0.02 * math.sqrt(variance)


@pytest.mark.parametrize(("uniform", "normal"), [(kaiming_uniform, kaiming_normal), (xavier_uniform, xavier_normal)])
def test_uniform_has_edges_and_normal_has_tails(uniform, normal):
    """Uniform values end at sqrt(3) standard deviations; normal values go beyond twice that."""
    flat, bell = drawn(uniform, WIDE, 0), drawn(normal, WIDE, 0)
    edge = math.sqrt(3) * bell.std().item()
    assert flat.abs().max().item() == pytest.approx(edge, rel=0.02) and bell.abs().max().item() > 2 * edge


@pytest.mark.parametrize("make", [*KAIMING, *XAVIER])
def test_without_a_generator_the_seed_of_torch_counts(make):
    """``torch.manual_seed`` fixes the weights; a second call gives other ones."""
    torch.manual_seed(1)
    first, second = make((3, 4)), make((3, 4))
    torch.manual_seed(1)
    assert torch.equal(make([3, 4]), first) and not torch.equal(first, second)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 3, 0)])
@pytest.mark.parametrize("make", [*KAIMING, *XAVIER])
def test_no_weights_at_all_are_accepted_where_torch_accepts_them(make, shape):
    """Shapes with a zero give empty tensors, or a refusal where torch divides by zero."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch says that there is nothing to fill
        try:
            expected = (KAIMING | XAVIER)[make](torch.empty(shape))
        except ZeroDivisionError:
            with refused("it must have inputs or outputs; give at least one of them a size"):
                make(shape)
        else:
            assert make(shape).shape == expected.shape


@pytest.mark.parametrize("shape", [(), (3,), (2, -1)])
@pytest.mark.parametrize("make", [fans, *KAIMING, *XAVIER])
def test_shapes_that_are_not_weights_are_refused(make, shape):
    """The message shows the shape, and what to do with a bias."""
    shown = str(shape).replace("(", r"\(").replace(")", r"\)")
    with refused(rf"weight is {shown}; it must be \(outputs, inputs, \.\.\.\).*; fill a bias with zeros"):
        make(shape)


@pytest.mark.parametrize("make", KAIMING)
def test_an_unknown_mode_is_refused(make):
    """The message shows the mode and the two that are possible."""
    with refused(r"mode is 'fan_max'; it must be 'fan_in' or 'fan_out'; use 'fan_in'"):
        make((2, 3), mode="fan_max")


# Mistakes that the tests above must notice (see test_breaks.py)
BREAKS = [
    # fans
    ("return shape[1] * pixels, shape[0] * pixels", "return shape[0] * pixels, shape[1] * pixels"),
    ("return shape[1] * pixels, shape[0] * pixels", "return shape[1] * pixels, shape[0]"),
    ("return shape[1] * pixels, shape[0] * pixels", "return shape[1], shape[0] * pixels"),
    ("math.prod(shape[2:])", "math.prod(shape[1:])"),
    ("math.prod(shape[2:])", "math.prod(shape[2:4])"),
    ("math.prod(shape[2:])", "sum(shape[2:])"),
    ("len(shape) >= 2 and min(shape) >= 0", "len(shape) >= 2"),
    # Kaiming
    ("return 2 / max(modes[mode], 1)", "return 1 / max(modes[mode], 1)"),
    ("return 2 / max(modes[mode], 1)", "return 2 / max(modes[mode], 1) ** 0.5"),
    ("return 2 / max(modes[mode], 1)", 'return 2 / max(modes["fan_in"], 1)'),
    ("return 2 / max(modes[mode], 1)", "return 2 / modes[mode]"),
    ('zip(("fan_in", "fan_out"), fans(shape)', 'zip(("fan_out", "fan_in"), fans(shape)'),
    ("return _normal(shape, _kaiming_variance(shape, mode), generator)",
     "return _uniform(shape, _kaiming_variance(shape, mode), generator)"),
    ("return _uniform(shape, _kaiming_variance(shape, mode), generator)",
     "return _normal(shape, _kaiming_variance(shape, mode), generator)"),
    # Xavier
    ("return 2 / sum(fans(shape))", "return 1 / sum(fans(shape))"),
    ("return 2 / sum(fans(shape))", "return 2 / fans(shape)[0]"),
    ("return 2 / sum(fans(shape))", "return 2 / sum(tuple(shape)[:2])"),
    ("return 2 / sum(fans(shape))", "return 4 / sum(fans(shape))"),
    ("require(sum(fans(shape)) > 0", "require(True"),
    ("return _normal(shape, _xavier_variance(shape), generator)",
     "return _uniform(shape, _xavier_variance(shape), generator)"),
    # both
    ("normal_(0, math.sqrt(variance), generator", "normal_(0, variance, generator"),
    ("normal_(0, math.sqrt(variance), generator=generator)", "normal_(0, math.sqrt(variance))"),
    ("bound = math.sqrt(3 * variance)", "bound = math.sqrt(variance)"),
    ("uniform_(-bound, bound, generator", "uniform_(0, bound, generator"),
    ("uniform_(-bound, bound, generator=generator)", "uniform_(-bound, bound)"),
]  # fmt: skip
