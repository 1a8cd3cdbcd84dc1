"""Softmax, log-softmax and log-sum-exp by hand equal torch's, forward and backward, for any logits."""

import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.byhand.drawing import assert_drawn_together, draw_tensor
from tests.byhand.refusals import refused
from tlhelpers.byhand.nn import differentiable
from tlhelpers.byhand.softmax import log_softmax, log_softmax_backward, log_sum_exp, softmax, softmax_backward

PAIRS = pytest.mark.parametrize("ours, torchs", [(softmax, F.softmax), (log_softmax, F.log_softmax)])
WITH_BACKWARD = pytest.mark.parametrize(
    "forward, backward, torchs",
    [(softmax, softmax_backward, F.softmax), (log_softmax, log_softmax_backward, F.log_softmax)],
)
EVERY = pytest.mark.parametrize("function", [log_sum_exp, softmax, log_softmax])

EXTREME = 1e4 * torch.tensor([[1, 0, -1], [-1, -1, -1], [1, 1, 1], [1, 1, -1], [0, 0, 0]], dtype=torch.float64)

# Where the exponential overflows in float32 and float16, and a distance at which a probability rounds to zero.
NARROW = pytest.mark.parametrize("dtype, limit, distance", [(torch.float32, 89, 200), (torch.float16, 12, 20)])


@st.composite
def rows(draw, smooth=False):
    """Draw logits of one to three axes, from equal to extreme, some minus infinity; a gradient; a temperature.

    Smooth ones are suitable for finite differences: no empty axis, and no large or infinite logits.
    """
    shape = (*draw(st.lists(st.integers(int(smooth), 3), max_size=2)), draw(st.integers(1, 5)))
    scales = [0.0, 1.0] if smooth else [0.0, 1.0, 100.0, 1e4]
    logits = draw(st.sampled_from(scales)) * draw_tensor(draw, shape)
    if not smooth and draw(st.booleans()):
        masked = draw_tensor(draw, shape) > 0
        masked[..., 0] = False  # one class of each row remains
        logits[masked] = -torch.inf
    return logits, draw_tensor(draw, shape), draw(st.sampled_from([0.1, 1.0, 20.0]))


def describe(example):
    logits, _, temperature = example
    words = {f"axes {logits.ndim}", f"temperature {(temperature > 1) - (temperature < 1)}"}
    words.add("one class" if logits.shape[-1] == 1 else "classes")
    if not logits.numel():
        return words | {"empty"}
    seen = logits[logits.isfinite()].abs().max()
    words.add("extreme" if seen > 1000 else "large" if seen > 20 else "equal" if seen == 0 else "usual")
    return words | {"masked" if logits.isinf().any() else "not masked"}


def close(ours, theirs, tolerance=1e-10):
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.slow
def test_every_kind_of_logits_is_drawn_with_every_temperature():
    """Axes, classes, sizes of logits, masks and temperatures are drawn in every combination."""
    kinds = [
        {"axes 1", "axes 2", "axes 3"},
        {"temperature -1", "temperature 0", "temperature 1"},
        {"equal", "usual", "large", "extreme", "empty"},
        {"one class", "classes"},
        {"masked", "not masked", "empty"},
    ]
    apart = {(a, b) for kind in kinds for a in kind for b in kind}
    apart |= {("axes 1", "empty"), ("one class", "masked")}
    assert_drawn_together(rows(), describe, set().union(*kinds), apart)


@PAIRS
@given(rows())
def test_softmax_and_its_logarithm_equal_torch(ours, torchs, example):
    """The outputs equal torch's along the last axis, for any shape, logits and temperature."""
    logits, _, temperature = example
    close(ours(logits, temperature=temperature), torchs(logits / temperature, dim=-1))


@given(rows())
def test_log_sum_exp_equals_torch(example):
    """Log-sum-exp equals torch's, and logits minus log-sum-exp equal log-softmax."""
    logits, *_ = example
    close(log_sum_exp(logits), torch.logsumexp(logits, dim=-1))
    close(logits - log_sum_exp(logits)[..., None], log_softmax(logits))


@WITH_BACKWARD
@given(rows())
def test_gradients_equal_autograd(forward, backward, torchs, example):
    """The gradients equal those of autograd through torch's function with logits divided by the temperature."""
    logits, grad, temperature = example
    ours = backward(grad, logits, temperature=temperature)
    (theirs,) = torch.autograd.grad(torchs(logits.requires_grad_() / temperature, dim=-1), logits, grad)
    close(ours, theirs, 1e-8)


@WITH_BACKWARD
@given(rows(smooth=True))
def test_gradients_pass_gradcheck(forward, backward, torchs, example):
    """Each backward function equals finite differences of its forward function."""
    logits, _, temperature = example
    operation = differentiable(
        lambda z: forward(z, temperature=temperature), lambda grad, z: backward(grad, z, temperature=temperature)
    )
    assert torch.autograd.gradcheck(operation, logits.requires_grad_())


@given(rows(smooth=True))
def test_the_gradient_of_log_sum_exp_is_softmax(example):
    """The softmax, as the gradient of log-sum-exp, equals finite differences."""
    operation = differentiable(log_sum_exp, lambda grad, z: grad[..., None] * softmax(z))
    assert torch.autograd.gradcheck(operation, example[0].requires_grad_())


@given(rows())
def test_softmax_is_a_probability_and_ignores_a_common_shift(example):
    """Probabilities are not negative, sum to 1, and do not change if a constant is added to all logits."""
    logits, _, temperature = example
    probabilities = softmax(logits, temperature=temperature)
    assert (probabilities >= 0).all()
    close(probabilities.sum(dim=-1), torch.ones(logits.shape[:-1], dtype=torch.float64))
    torch.testing.assert_close(softmax(logits - 77, temperature=temperature), probabilities, rtol=0, atol=1e-9)


@NARROW
def test_the_plain_formula_overflows_and_ours_does_not(dtype, limit, distance):
    """At the limit of the dtype the plain formula gives NaN, and ours equals the result in float64."""
    last, first = torch.tensor([[limit - 1, 0], [limit, 0]]).to(dtype)
    assert (last.exp() / last.exp().sum()).isfinite().all()
    assert (first.exp() / first.exp().sum()).isnan().any()
    assert first.exp().sum().log().isinf()
    torch.testing.assert_close(softmax(first), F.softmax(first.double(), dim=-1).to(dtype))
    assert log_sum_exp(first).item() == limit
    assert softmax(1000 * first).tolist() == [1, 0]


@NARROW
def test_the_logarithm_of_zero_is_avoided(dtype, limit, distance):
    """Where a probability rounds to zero, log-softmax and its gradient are still finite."""
    logits = torch.tensor([0, -distance]).to(dtype)
    assert softmax(logits).log().tolist() == [0, -torch.inf]
    assert log_softmax(logits).tolist() == [0, -distance]
    grad = torch.tensor([0, -1]).to(dtype)
    assert log_softmax_backward(grad, logits).tolist() == [1, -1]


@PAIRS
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_extreme_logits_stay_finite(ours, torchs, dtype):
    """Outputs for logits of plus and minus 10,000 are finite and equal torch's, also in 16 bits."""
    logits = EXTREME.to(dtype)
    assert ours(logits).isfinite().all() and log_sum_exp(logits).isfinite().all()
    torch.testing.assert_close(ours(logits), torchs(logits, dim=-1))


def test_a_low_temperature_does_not_overflow():
    """The largest logit is subtracted before the division, so that no quotient overflows float16."""
    logits = torch.tensor([1e4, 1e4 - 8]).half()
    assert (logits / 0.1).isinf().all()
    assert softmax(logits, temperature=0.1).tolist() == [1, 0]
    assert log_softmax(logits, temperature=0.1).tolist() == [0, -80]


def test_infinite_logits_give_what_torch_gives():
    """For rows with infinite logits or NaN, all three functions return what torch returns."""
    logits = torch.tensor([[-torch.inf, -torch.inf], [torch.inf, 0.0], [torch.inf, torch.inf], [torch.nan, 0.0]])
    for ours, theirs in [
        (softmax(logits), F.softmax(logits, dim=-1)),
        (log_softmax(logits), F.log_softmax(logits, dim=-1)),
        (log_sum_exp(logits), torch.logsumexp(logits, dim=-1)),
    ]:
        torch.testing.assert_close(ours, theirs, equal_nan=True)


def test_inputs_are_left_alone():
    """No function changes the logits or the gradient."""
    logits, grad = torch.tensor([[1.0, torch.inf]]), torch.randn(1, 2)
    before = logits.clone(), grad.clone()
    log_sum_exp(logits), softmax(logits), log_softmax(logits)
    softmax_backward(grad, logits), log_softmax_backward(grad, logits)
    assert logits.equal(before[0]) and grad.equal(before[1])


@EVERY
@pytest.mark.parametrize(
    "logits, sentence",
    [
        (
            torch.tensor(1.0),
            r"logits.shape is \(\); it must have at least one class along the last axis; give one score",
        ),
        (torch.zeros(2, 0), r"logits.shape is \(2, 0\)"),
        (torch.zeros(2, 3, dtype=torch.int64), r"logits.dtype is torch.int64; .*logits.float\(\)"),
        (torch.zeros(2, 3, dtype=torch.bool), r"logits.dtype is torch.bool"),
    ],
)
def test_bad_logits_are_refused(function, logits, sentence):
    """Logits without a class and logits that are not floats are refused."""
    with refused(sentence):
        function(logits)


@PAIRS
@pytest.mark.parametrize("temperature", [0, -1.0, float("nan")])
def test_a_temperature_that_is_not_positive_is_refused(ours, torchs, temperature):
    """A temperature must be positive; the message shows the value."""
    words = f"temperature is {temperature}; it must be positive; use 1 to leave the logits as they are"
    with refused(re.escape(words)):
        ours(torch.zeros(2), temperature=temperature)


@pytest.mark.parametrize("backward", [softmax_backward, log_softmax_backward])
def test_a_gradient_of_another_shape_is_refused(backward):
    """The gradient must have the shape of the logits; the temperature is checked, too."""
    with refused(r"grad.shape is \(3,\); it must be \(2, 3\), the shape of the output; give the gradient of the loss"):
        backward(torch.zeros(3), torch.zeros(2, 3))
    with refused("temperature is 0; it must be positive"):
        backward(torch.zeros(3), torch.zeros(3), temperature=0)


@pytest.mark.parametrize("function", [log_sum_exp, softmax, log_softmax])
def test_autograd_goes_through_the_forward_functions(function):
    """The forward functions change no tensor in place that autograd needs."""
    assert torch.autograd.gradcheck(function, torch.randn(2, 3, dtype=torch.float64, requires_grad=True))


BREAKS = [
    # log_sum_exp
    ("    largest = largest.masked_fill(", "    largest.masked_fill("),
    ("masked_fill(largest.abs() == torch.inf", "masked_fill(largest == torch.inf"),
    ("masked_fill(largest.abs() == torch.inf", "masked_fill(largest == -torch.inf"),
    ("return largest[..., 0] + torch.log", "return torch.log"),
    ("return largest[..., 0] + torch.log", "return largest[..., 0] - torch.log"),
    ("torch.exp(logits - largest)", "torch.exp(logits)"),
    ("torch.exp(logits - largest).sum(dim=-1)", "torch.exp(logits - largest).mean(dim=-1)"),
    # softmax and log_softmax
    ("return exponentials / exponentials.sum(dim=-1, keepdim=True)", "return exponentials / exponentials.sum()"),
    ("return exponentials / exponentials.sum(dim=-1, keepdim=True)", "return exponentials"),
    ("torch.exp(_shifted(logits, temperature))", "torch.exp(logits / temperature)"),
    ("torch.exp(_shifted(logits, temperature))", "torch.exp(_shifted(logits, 1))"),
    ("shifted = _shifted(logits, temperature)", "shifted = _shifted(logits, 1) * temperature"),
    ("shifted = _shifted(logits, temperature)", "shifted = logits / temperature"),
    ("return shifted - torch.log(torch.exp(shifted)", "return torch.log(torch.exp(shifted) / torch.exp(shifted)"),
    ("return shifted - torch.log(", "return shifted + torch.log("),
    ("(logits - logits.amax(dim=-1, keepdim=True)) / temperature", "logits / temperature - logits.amax()"),
    ("logits.amax(dim=-1, keepdim=True)) / temperature", "logits.amax(dim=-1, keepdim=True)) * temperature"),
    ("(logits - logits.amax(dim=-1, keepdim=True)) / temperature", "logits / temperature"),
    ("return (logits - logits.amax(dim=-1, keepdim=True))", "return (logits - logits.amin(dim=-1, keepdim=True))"),
    ("require(temperature > 0", "require(temperature >= 0"),
    # softmax_backward
    ("mean = (probabilities * grad).sum(dim=-1, keepdim=True)", "mean = 0"),
    ("mean = (probabilities * grad).sum(dim=-1", "mean = grad.mean(dim=-1"),
    ("(grad - mean) / temperature", "(grad - mean)"),
    ("(grad - mean) / temperature", "(grad - mean) * temperature"),
    ("return probabilities * (grad - mean)", "return (grad - mean)"),
    ("return probabilities * (grad - mean)", "return probabilities * (1 - probabilities) * grad"),
    # log_softmax_backward
    ("grad - probabilities * grad.sum", "grad - grad.sum"),
    ("grad - probabilities * grad.sum", "grad + probabilities * grad.sum"),
    ("grad.sum(dim=-1, keepdim=True)) / temperature", "grad.sum(dim=-1, keepdim=True))"),
    ("grad.sum(dim=-1, keepdim=True)) / temperature", "grad.sum()) / temperature"),
    ("probabilities * grad.sum(dim=-1, keepdim=True)", "probabilities"),
]
