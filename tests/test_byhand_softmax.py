"""The last layer by hand gives torch's numbers and autograd's gradient, for extreme logits too."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tlhelpers.byhand import cross_entropy, cross_entropy_grad, linear, log_softmax, softmax

SIZE = st.integers(1, 6)
SEED = st.integers(0, 999)
SCALE = st.sampled_from([0.0, 1.0, 100.0, 1e4])  # all equal, usual, large, extreme

EXTREME = 1e4 * torch.tensor([[1, 0, -1], [-1, -1, -1], [1, 1, 1], [1, 1, -1], [0, 0, 0]], dtype=torch.float64)


def drawn(*shape, seed, scale=1.0):
    """Normal numbers times a scale, in float64."""
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def drawn_labels(count, classes, seed):
    return torch.randint(classes, (count,), generator=torch.Generator().manual_seed(seed))


def close(ours, theirs):
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


@given(batch=st.integers(0, 4), depth=SIZE, classes=SIZE, with_bias=st.booleans(), seed=SEED)
def test_linear_equals_torch(batch, depth, classes, with_bias, seed):
    """W a + b for each row of features, with and without b."""
    features, weight = drawn(batch, depth, seed=seed), drawn(classes, depth, seed=seed + 1)
    bias = drawn(classes, seed=seed + 2) if with_bias else None
    close(linear(features, weight, bias), F.linear(features, weight, bias))


@pytest.mark.parametrize("ours, torchs", [(softmax, F.softmax), (log_softmax, F.log_softmax)])
@given(shape=st.lists(SIZE, min_size=1, max_size=3), scale=SCALE, seed=SEED)
def test_softmax_and_its_logarithm_equal_torch(ours, torchs, shape, scale, seed):
    """Over the last dimension, for any number of dimensions and logits of any size."""
    logits = drawn(*shape, seed=seed, scale=scale)
    close(ours(logits), torchs(logits, dim=-1))


@pytest.mark.parametrize("ours, torchs", [(softmax, F.softmax), (log_softmax, F.log_softmax)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_extreme_logits_stay_finite(ours, torchs, dtype):
    """Logits of plus and minus 10,000 give torch's numbers and no NaN, in float16 too."""
    logits = EXTREME.to(dtype)
    assert ours(logits).isfinite().all()
    torch.testing.assert_close(ours(logits), torchs(logits, dim=-1))


@given(batch=SIZE, classes=SIZE, scale=SCALE, seed=SEED)
def test_softmax_is_a_probability_and_ignores_a_common_shift(batch, classes, scale, seed):
    """Rows are not negative, sum to 1, and stay the same when one number is added to all logits of a row."""
    logits = drawn(batch, classes, seed=seed, scale=scale)
    probabilities = softmax(logits)
    assert (probabilities >= 0).all()
    close(probabilities.sum(dim=-1), torch.ones(batch, dtype=torch.float64))
    shift = torch.randint(-100, 100, (batch, 1), generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(softmax(logits + shift), probabilities, rtol=0, atol=1e-9)


@given(batch=SIZE, classes=SIZE, scale=SCALE, seed=SEED)
def test_cross_entropy_equals_torch(batch, classes, scale, seed):
    """The mean surprise is torch's, for one class and for extreme logits too."""
    logits, labels = drawn(batch, classes, seed=seed, scale=scale), drawn_labels(batch, classes, seed)
    close(cross_entropy(logits, labels), F.cross_entropy(logits, labels))


@given(batch=SIZE, classes=SIZE, scale=SCALE, seed=SEED)
def test_cross_entropy_grad_equals_autograd(batch, classes, scale, seed):
    """(p - onehot) / N is what autograd finds by going back through torch's own loss."""
    logits, labels = drawn(batch, classes, seed=seed, scale=scale), drawn_labels(batch, classes, seed)
    logits.requires_grad_()
    (expected,) = torch.autograd.grad(F.cross_entropy(logits, labels), logits)
    close(cross_entropy_grad(logits.detach(), labels), expected)


def test_extreme_logits_give_a_finite_loss_and_gradient():
    """A model that is sure and wrong by 20,000 pays 20,000, not infinity."""
    logits, labels = EXTREME[:1], torch.tensor([2])
    assert cross_entropy(logits, labels).item() == 20_000
    assert cross_entropy_grad(logits, labels).tolist() == [[1, 0, -1]]


@pytest.mark.parametrize("classes", [1, 2, 10, 1000])
def test_equal_logits_cost_log_c(classes):
    """A model that knows nothing pays log C whatever the labels are, and nothing if there is one class."""
    logits, labels = torch.full((7, classes), 3.0, dtype=torch.float64), drawn_labels(7, classes, 0)
    assert math.isclose(cross_entropy(logits, labels).item(), math.log(classes), abs_tol=1e-12)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32, torch.int64])
def test_any_integer_type_serves_for_labels(dtype):
    """Labels of another integer type mean the same classes, and are not taken for a mask."""
    logits, labels = drawn(3, 4, seed=0), torch.tensor([3, 0, 1])
    assert cross_entropy(logits, labels.to(dtype)).equal(cross_entropy(logits, labels))
    assert cross_entropy_grad(logits, labels.to(dtype)).equal(cross_entropy_grad(logits, labels))


def test_inputs_are_left_alone():
    """Nothing is written into the logits."""
    logits = drawn(3, 4, seed=0)
    before = logits.clone()
    cross_entropy_grad(logits, torch.tensor([0, 1, 2]))
    softmax(logits)
    log_softmax(logits)
    assert logits.equal(before)


@pytest.mark.parametrize("loss", [cross_entropy, cross_entropy_grad])
@pytest.mark.parametrize(
    "logits, labels, sentence",
    [
        (torch.zeros(3), torch.tensor([0]), r"logits must be \(N, C\) .* got \(3,\)"),
        (torch.zeros(2, 3, 4), torch.tensor([0, 1]), r"got \(2, 3, 4\)"),
        (torch.zeros(2, 3), torch.tensor([0]), r"got \(2, 3\) and \(1,\)"),
        (torch.zeros(2, 3), torch.tensor([[0], [1]]), r"and \(2, 1\)"),
        (torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), r"none of them 0, got \(0, 3\)"),
        (torch.zeros(2, 0), torch.tensor([0, 1]), r"got \(2, 0\) and \(2,\)"),
        (torch.zeros(2, 3), torch.tensor([0, 3]), "between 0 and 2 for 3 logits a row, got 3"),
        (torch.zeros(2, 3), torch.tensor([-1, 0]), "got -1"),
        (torch.zeros(2, 3), torch.tensor([0.0, 1.0]), r"got torch.float32: .*labels.long\(\)"),
        (torch.zeros(2, 3), torch.tensor([True, False]), "got torch.bool"),
        (torch.zeros(2, 3, dtype=torch.int64), torch.tensor([0, 1]), r"got torch.int64: .*logits.float\(\)"),
    ],
)
def test_loss_refuses_bad_logits_and_labels(loss, logits, labels, sentence):
    """Wrong shapes, labels that are no class numbers and logits that are no floats are refused."""
    with pytest.raises(ValueError, match=sentence):
        loss(logits, labels)


@pytest.mark.parametrize("function", [softmax, log_softmax])
@pytest.mark.parametrize(
    "logits, sentence",
    [
        (torch.tensor(1.0), r"at least one class in their last dimension, got shape \(\)"),
        (torch.zeros(2, 0), r"got shape \(2, 0\)"),
        (torch.tensor([1, 2]), "logits must hold floats, got torch.int64"),
    ],
)
def test_softmax_refuses_bad_logits(function, logits, sentence):
    """No class to share between and integer scores are refused."""
    with pytest.raises(ValueError, match=sentence):
        function(logits)


@pytest.mark.parametrize(
    "features, weight, bias, sentence",
    [
        ((2, 3), (4, 5), None, r"same D, got \(2, 3\) and \(4, 5\)"),
        ((3,), (4, 3), None, r"got \(3,\) and \(4, 3\)"),
        ((2, 3), (3,), None, r"got \(2, 3\) and \(3,\)"),
        ((2, 3), (4, 3), (3,), r"bias must have shape \(4,\), .* got \(3,\)"),
        ((2, 3), (4, 3), (1,), r"got \(1,\)"),
        ((2, 3), (4, 3), (2, 4), r"got \(2, 4\)"),
    ],
)
def test_linear_refuses_sizes_that_do_not_match(features, weight, bias, sentence):
    """Features, weight and bias that do not belong together are refused, with both shapes."""
    with pytest.raises(ValueError, match=sentence):
        linear(torch.zeros(features), torch.zeros(weight), None if bias is None else torch.zeros(bias))
