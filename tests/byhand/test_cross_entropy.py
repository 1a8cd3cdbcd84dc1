"""Cross-entropy by hand equals torch's with every mix of options, and its gradient equals autograd's."""

import itertools
import math
import random
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.byhand.drawing import assert_drawn_together, draw_tensor
from tests.byhand.refusals import refused
from tlhelpers.byhand.cross_entropy import cross_entropy, cross_entropy_backward
from tlhelpers.byhand.nn import differentiable

ONE = torch.tensor(1.0)
LOGITS, LABELS, ONEHOT = torch.zeros(2, 3), torch.tensor([0, 1]), torch.eye(3)[:2]
EXTREME = 1e4 * torch.tensor([[1, 0, -1], [-1, -1, -1], [1, 1, 1], [1, 1, -1], [0, 0, 0]], dtype=torch.float64)
BOTH = pytest.mark.parametrize(
    "loss", [cross_entropy, lambda logits, targets, **options: cross_entropy_backward(ONE, logits, targets, **options)]
)


BATCHES, CLASSES, SCALES = [2, 3, 5, 1, 0], [1, 2, 3, 5], [1.0, 0.0, 1e4]
REDUCTIONS, SMOOTHINGS = ["mean", "sum", "none"], [0.0, 0.1, 1.0]
WEIGHINGS, IGNORED = ["no weights", "weights", "a zero weight"], ["none", "some", "all", "probabilities"]
MIXES = list(itertools.product(BATCHES, CLASSES, SCALES, REDUCTIONS, SMOOTHINGS, WEIGHINGS, IGNORED))
SMOOTH = [mix for mix in MIXES if mix[0] and mix[2] <= 1]  # suitable for finite differences


@st.composite
def mixed(draw, mixes):
    """Draw one of the mixes, all with the same probability; sampled_from would prefer the first ones."""
    return random.Random(draw(st.integers(0, 2**32))).choice(mixes)


@st.composite
def losses(draw, mixes=MIXES):
    """Draw logits, targets of either kind, options, and a gradient in the shape of the loss."""
    batch, classes, scale, reduction, smoothing, weighing, ignored = draw(mixed(mixes))
    logits = scale * draw_tensor(draw, (batch, classes))
    options = {"reduction": reduction, "label_smoothing": smoothing}
    if weighing != "no weights":
        options["class_weights"] = draw_tensor(draw, (classes,)).abs()
        options["class_weights"][0] *= weighing == "weights"
    if ignored == "probabilities":
        targets = draw(probabilities(batch, classes))
    else:
        count = {"none": 0, "some": batch // 2, "all": batch}[ignored]
        targets, options["ignore_index"] = draw(numbers(batch, classes, count))
    return logits, targets, options, draw_tensor(draw, () if reduction != "none" else (batch,))


@st.composite
def probabilities(draw, batch, classes):
    """Draw a probability for each class; some rows are one-hot."""
    targets = torch.exp(3 * draw_tensor(draw, (batch, classes)))
    targets[: draw(st.integers(0, batch)), 1:] = 0
    return targets / targets.sum(dim=1, keepdim=True)


@st.composite
def numbers(draw, batch, classes, ignored):
    """Draw class numbers, of which the first ``ignored`` are ``ignore_index``, and this index, which may be a class."""
    ignore_index = draw(st.sampled_from([-100, -1, 0, classes - 1]))
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=batch, max_size=batch))
    return torch.tensor([ignore_index] * ignored + labels[ignored:], dtype=torch.int64), ignore_index


KINDS = [
    {"probabilities", "no row ignored", "some rows ignored", "all rows ignored"},
    {"mean", "sum", "none"},
    {"not smoothed", "smoothed", "even"},
    {"no weights", "weights", "a zero weight"},
    {"no image", "images"},
    {"one class", "classes"},
    {"usual", "extreme"},
]


def describe(example):
    logits, targets, options, _ = example
    weights = options.get("class_weights")
    words = {options["reduction"], {0.0: "not smoothed", 0.1: "smoothed", 1.0: "even"}[options["label_smoothing"]]}
    words.add("no weights" if weights is None else "weights" if weights[0] else "a zero weight")
    words |= {"images" if len(logits) else "no image", "one class" if logits.shape[1] == 1 else "classes"}
    if len(logits):
        words.add("extreme" if logits.abs().max() > 100 else "usual")
    if targets.is_floating_point():
        return words | {"probabilities"}
    ignored = (targets == options.get("ignore_index", -100)).tolist()
    return words | {f"{'all rows' if ignored and all(ignored) else 'some rows' if any(ignored) else 'no row'} ignored"}


def torchs(logits, targets, *, class_weights=None, **options):
    return F.cross_entropy(logits, targets, weight=class_weights, **options)


def close(ours, theirs, tolerance=1e-10):
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)


@pytest.mark.slow
def test_every_option_is_drawn_with_every_other():
    """Targets, reductions, smoothing, weights, ignored rows and extreme logits are drawn in every combination."""
    apart = {(a, b) for kind in KINDS for a in kind for b in kind}
    apart |= {("no image", other) for other in ("usual", "extreme", "some rows ignored", "all rows ignored")}
    assert_drawn_together(losses(), describe, set().union(*KINDS), apart)


@given(losses())
def test_cross_entropy_equals_torch(example):
    """The loss equals torch's with any mix of options; the mean of no rows is NaN."""
    logits, targets, options, _ = example
    close(cross_entropy(logits, targets, **options), torchs(logits, targets, **options))


@given(losses())
def test_the_gradient_equals_autograd(example):
    """The gradient equals that of autograd through torch's loss; it is zero for ignored rows."""
    logits, targets, options, grad = example
    ours = cross_entropy_backward(grad, logits, targets, **options)
    (theirs,) = torch.autograd.grad(torchs(logits.requires_grad_(), targets, **options), logits, grad)
    close(ours, theirs, 1e-8)


@given(losses(SMOOTH))
def test_the_gradient_passes_gradcheck(example):
    """Where the loss is finite, the backward function equals finite differences of the forward function."""
    logits, targets, options, _ = example
    if cross_entropy(logits, targets, **options).isfinite().all():
        operation = differentiable(
            lambda z: cross_entropy(z, targets, **options),
            lambda grad, z: cross_entropy_backward(grad, z, targets, **options),
        )
        assert torch.autograd.gradcheck(operation, logits.requires_grad_())


@given(losses())
def test_rows_of_the_gradient_sum_to_zero(example):
    """A constant added to all logits of a row changes no probability, so each row of the gradient sums to zero."""
    logits, targets, options, grad = example
    gradient = cross_entropy_backward(grad, logits, targets, **options)
    finite = gradient[gradient.isfinite().all(dim=1)]
    close(finite.sum(dim=1), torch.zeros(len(finite), dtype=torch.float64))


@given(losses())
def test_class_numbers_equal_one_hot_probabilities(example):
    """One-hot rows as probabilities give the same loss, if all rows count and have the same weight."""
    logits, targets, options, grad = example
    options = {"reduction": options["reduction"], "label_smoothing": options["label_smoothing"]}
    labels = targets.argmax(dim=1) if targets.is_floating_point() else targets.clamp(0, logits.shape[1] - 1)
    onehot = torch.eye(logits.shape[1], dtype=torch.float64)[labels]
    close(cross_entropy(logits, onehot, **options), cross_entropy(logits, labels, **options))
    ours, same = (cross_entropy_backward(grad, logits, kind, **options) for kind in (onehot, labels))
    close(ours, same)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_all_ignored(smoothing, weighted):
    """If all rows are ignored, the mean is NaN as in torch, and the sum, each row and the gradients are 0."""
    logits, targets = torch.randn(3, 4), torch.full((3,), -100)
    options = {"label_smoothing": smoothing, "class_weights": torch.rand(4) if weighted else None}
    assert cross_entropy(logits, targets, **options).isnan()
    assert cross_entropy(logits, targets, **options, reduction="sum").item() == 0
    assert cross_entropy(logits, targets, **options, reduction="none").tolist() == [0, 0, 0]
    for reduction, grad in (("mean", ONE), ("sum", ONE), ("none", torch.ones(3))):
        assert not cross_entropy_backward(grad, logits, targets, **options, reduction=reduction).any()


def test_the_loss_of_a_confident_mistake_is_finite():
    """If the right logit is 20,000 below the largest, the loss is 20,000 and not infinite; the gradient is finite."""
    logits, labels = EXTREME[:1], torch.tensor([2])
    assert cross_entropy(logits, labels).item() == 20_000
    assert cross_entropy_backward(ONE, logits, labels).tolist() == [[1, 0, -1]]


@pytest.mark.parametrize("dtype, wrong", [(torch.float32, 200), (torch.float16, 20)])
def test_the_plain_formula_is_infinite_where_ours_is_not(dtype, wrong):
    """Where the plain formula takes the logarithm of 0, our loss is the finite distance of the logits."""
    logits, labels = torch.tensor([[0, -wrong]]).to(dtype), torch.tensor([1])
    plain = logits.exp() / logits.exp().sum()
    assert -plain.log()[0, 1] == torch.inf
    loss = cross_entropy(logits, labels)
    assert loss.item() == wrong and loss.dtype == dtype
    assert cross_entropy_backward(ONE.to(dtype), logits, labels).tolist() == [[1, -1]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", ["numbers", "probabilities"])
def test_extreme_logits_in_other_dtypes(dtype, kind):
    """For logits of plus and minus 10,000 in fewer bits, the loss equals torch's, in the dtype of the logits."""
    logits, targets = EXTREME.to(dtype), torch.tensor([2, 0, 1, -100, 2])
    options = {"class_weights": torch.tensor([1.0, 0.5, 2.0]).to(dtype), "label_smoothing": 0.25, "reduction": "none"}
    if kind == "probabilities":
        targets = torch.eye(3, dtype=dtype)[targets.clamp(0)]
    torch.testing.assert_close(cross_entropy(logits, targets, **options), torchs(logits, targets, **options))
    grad = torch.ones(5, dtype=dtype)
    gradient = cross_entropy_backward(grad, logits, targets, **options)
    (theirs,) = torch.autograd.grad(torchs(logits.requires_grad_(), targets, **options), logits, grad)
    torch.testing.assert_close(gradient, theirs, rtol=0, atol=2 * torch.finfo(dtype).eps)


def test_a_class_with_target_0_adds_nothing():
    """If the target of a class is 0, a logit of minus infinity does not change the loss."""
    logits = torch.tensor([[-torch.inf, 1.0, 2.0], [3.0, 1.0, -torch.inf]])
    labels = torch.tensor([1, 0])
    onehot = torch.eye(3)[labels]
    expected = F.cross_entropy(logits, labels)
    assert expected.isfinite() and F.cross_entropy(logits, onehot).isnan()
    torch.testing.assert_close(cross_entropy(logits, labels), expected)
    torch.testing.assert_close(cross_entropy(logits, onehot), expected)
    assert cross_entropy(logits, labels, label_smoothing=0.1).isinf()
    assert cross_entropy_backward(ONE, logits, onehot).isfinite().all()


@pytest.mark.parametrize("classes", [1, 2, 10, 1000])
def test_equal_logits_cost_log_c(classes):
    """Equal logits give log C whatever the targets are, which is 0 if there is one class."""
    logits, labels = torch.full((7, classes), 3.0, dtype=torch.float64), torch.randint(classes, (7,))
    for smoothing in (0.0, 0.3):
        loss = cross_entropy(logits, labels, label_smoothing=smoothing)
        assert math.isclose(loss.item(), math.log(classes), abs_tol=1e-12)


@pytest.mark.parametrize("smoothing", [0.1, 0.5])
def test_the_smallest_loss_with_smoothing_is_the_entropy_of_the_target(smoothing):
    """The smallest loss is reached by the logits whose softmax is the smoothed target."""
    target = smoothing / 4 + (1 - smoothing) * torch.eye(4, dtype=torch.float64)[:1]
    best = cross_entropy(target.log(), torch.tensor([0]), label_smoothing=smoothing)
    close(best, -(target * target.log()).sum())
    assert cross_entropy(2 * target.log(), torch.tensor([0]), label_smoothing=smoothing) > best
    assert cross_entropy_backward(ONE, target.log(), torch.tensor([0]), label_smoothing=smoothing).abs().max() < 1e-12


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64])
def test_any_integer_type_serves_for_labels(dtype):
    """Labels of any integer type mean the same classes, and none of them becomes -100 by a conversion."""
    logits, labels = torch.randn(3, 200), torch.tensor([3, 0, 156 if dtype == torch.uint8 else 100])  # 156 is 256 - 100
    for function in (cross_entropy, lambda *inputs: cross_entropy_backward(ONE, *inputs)):
        assert function(logits, labels.to(dtype)).equal(function(logits, labels))


def test_inputs_are_left_alone():
    """No function changes logits, targets or weights."""
    tensors = torch.randn(3, 4), torch.tensor([0, -100, 2]), torch.rand(4), torch.eye(4)[:3]
    before = [tensor.clone() for tensor in tensors]
    logits, labels, class_weights, targets = tensors
    for kind in (labels, targets):
        cross_entropy(logits, kind, class_weights=class_weights, label_smoothing=0.1)
        cross_entropy_backward(ONE, logits, kind, class_weights=class_weights, label_smoothing=0.1)
    assert all(tensor.equal(copy) for tensor, copy in zip(tensors, before, strict=True))


@BOTH
@pytest.mark.parametrize(
    "logits, targets, sentence",
    [
        (LOGITS[0], LABELS[:1], "logits.shape is (3,); it must be (N, C) with at least one class; give one row"),
        (torch.zeros(2, 3, 4), LABELS, "logits.shape is (2, 3, 4)"),
        (torch.zeros(2, 0), LABELS, "logits.shape is (2, 0)"),
        (
            LOGITS.long(),
            LABELS,
            "logits.dtype is torch.int64; it must be a floating-point type; convert",
        ),
        (LOGITS, LABELS[:1], "targets.shape is (1,); it must be (2,), one class number for each row"),
        (LOGITS, LABELS[:, None], "targets.shape is (2, 1); it must be (2,)"),
        (LOGITS, ONEHOT.long(), "or convert probabilities with targets.to(logits.dtype)"),
        (LOGITS, LABELS + 2, "a target is 3; it must be from 0 to 2 for 3 logits; count classes from 0"),
        (
            LOGITS,
            LABELS - 1,
            "a target is -1; it must be from 0 to 2 for 3 logits; count classes from 0",
        ),
        (LOGITS, LABELS.float(), "targets.shape is (2,); it must be (2, 3), the shape of logits; give one probability"),
        (LOGITS, ONEHOT[:, :1], "targets.shape is (2, 1); it must be (2, 3)"),
        (
            LOGITS,
            ONEHOT.double(),
            "targets.dtype is torch.float64; it must be torch.float32, the dtype of logits",
        ),
        (
            LOGITS,
            LABELS.bool(),
            "targets.dtype is torch.bool; it must be a type of integers or floats; convert class",
        ),
        (LOGITS, ONEHOT.cfloat(), "targets.dtype is torch.complex64"),
    ],
)
def test_bad_logits_and_targets_are_refused(loss, logits, targets, sentence):
    """Wrong shapes and dtypes of logits and targets are refused."""
    with refused(re.escape(sentence)):
        loss(logits, targets)


@BOTH
@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"class_weights": torch.ones(2)}, "class_weights.shape is (2,); it must be (3,), one value for each class"),
        ({"class_weights": torch.ones(1)}, "class_weights.shape is (1,); it must be (3,)"),
        ({"class_weights": torch.ones(3, 1)}, "class_weights.shape is (3, 1)"),
        (
            {"class_weights": torch.ones(3).double()},
            "class_weights.dtype is torch.float64; it must be torch.float32,",
        ),
        ({"label_smoothing": 1.5}, "label_smoothing is 1.5; it must be from 0 to 1; use 0 for none"),
        ({"label_smoothing": -0.1}, "label_smoothing is -0.1"),
        ({"label_smoothing": math.nan}, "label_smoothing is nan"),
        ({"reduction": "average"}, "reduction is 'average'; it must be 'mean', 'sum' or 'none'; use one of these"),
        ({"reduction": None}, "reduction is None"),
    ],
)
def test_bad_options_are_refused(loss, options, sentence):
    """Options that torch refuses are refused with their value; so is a negative smoothing, which torch accepts."""
    for targets in (LABELS, ONEHOT):
        with refused(re.escape(sentence)):
            loss(LOGITS, targets, **options)


@BOTH
def test_no_class_can_be_ignored_among_probabilities(loss):
    """Torch refuses it, too; the message says what to do instead."""
    with pytest.raises(RuntimeError):
        F.cross_entropy(LOGITS, ONEHOT, ignore_index=1)
    with refused("ignore_index is 1; it must be negative if targets are probabilities; leave it out, and put zeros"):
        loss(LOGITS, ONEHOT, ignore_index=1)


@pytest.mark.parametrize("reduction, shape", [("mean", ()), ("sum", ()), ("none", (2,))])
@pytest.mark.parametrize("wrong", [(1,), (2, 1), (2, 3), (3,)])
def test_a_gradient_of_another_shape_is_refused(reduction, shape, wrong):
    """The gradient must have the shape of the loss: no axes, or one value per row."""
    words = f"grad.shape is {wrong}; it must be {shape}, the shape of the output; give the gradient of the loss"
    with refused(re.escape(words)):
        cross_entropy_backward(torch.zeros(wrong), LOGITS, LABELS, reduction=reduction)


@pytest.mark.parametrize("targets", [torch.tensor([0]), torch.tensor([[1.0, 0.0]])])
def test_only_an_infinite_logit_is_left_out_where_the_target_is_0(targets):
    """A class with target 0 adds nothing even at minus infinity; a logit that is NaN makes the loss NaN."""
    weights = torch.tensor([1.0, 0.0])
    for logits in (torch.tensor([[1.0, -torch.inf]]), torch.tensor([[-torch.inf, -torch.inf]])):
        expected = F.cross_entropy(logits[:, :1], targets[:1] if targets.ndim == 1 else targets[:, :1])
        ours = cross_entropy(logits, targets, class_weights=weights)
        assert ours == expected or (logits == -torch.inf).all()
    spoiled = torch.tensor([[torch.nan, 1.0]])
    for options in ({}, {"class_weights": torch.tensor([0.0, 1.0]), "reduction": "sum"}):
        assert cross_entropy(spoiled, targets, **options).isnan()


@pytest.mark.parametrize(
    ("labels", "options", "sentence"),
    [
        ([7, 0], {}, "a target is 7;"),  # far above, not only the first number too many
        ([-101, 0], {}, "a target is -101;"),  # below what is ignored
        ([0, -1], {}, "a target is -1;"),
        ([3, 0], {"ignore_index": 5}, "a target is 3;"),  # between the classes and what is ignored
        ([5, 9], {}, "a target is 5;"),  # the first of two
    ],
)
def test_every_number_that_is_not_a_class_is_refused(labels, options, sentence):
    """Numbers below and above the classes are refused; the message shows the first one."""
    with refused(sentence):
        cross_entropy(torch.zeros(2, 3), torch.tensor(labels), **options)


@pytest.mark.parametrize("shape", [(1, 3), (3, 3), (2, 2), (2, 4)])
def test_probabilities_of_another_shape_are_refused(shape):
    """Fewer or more rows or classes than in the logits are refused."""
    with refused(rf"targets.shape is \({shape[0]}, {shape[1]}\); it must be \(2, 3\), the shape of logits"):
        cross_entropy(torch.zeros(2, 3), torch.zeros(shape))


def test_only_a_class_number_cannot_be_ignored_among_probabilities():
    """``ignore_index`` may be negative if targets are probabilities, as in torch, but not 0 or more."""
    logits, targets = torch.randn(2, 3), torch.full((2, 3), 1 / 3)
    for ignored in (0, 1):
        with refused(f"ignore_index is {ignored}; it must be negative"):
            cross_entropy(logits, targets, ignore_index=ignored)
    torch.testing.assert_close(cross_entropy(logits, targets, ignore_index=-1), F.cross_entropy(logits, targets))


def test_negative_weights_count_as_in_torch():
    """Negative class weights and a negative sum of weights are used as in torch, and not set to zero."""
    logits, labels, weights = torch.tensor([[0.0, -torch.inf]]), torch.tensor([1]), torch.tensor([1.0, -1.0])
    for z in (logits, torch.tensor([[0.3, 0.9]])):
        for reduction in ("sum", "mean"):
            ours = cross_entropy(z, labels, class_weights=weights, reduction=reduction)
            torch.testing.assert_close(ours, F.cross_entropy(z, labels, weight=weights, reduction=reduction))


BREAKS = [
    ("& (logarithms == -torch.inf)", ""),
    # both: the weighted targets
    ("(1 - label_smoothing) * distribution", "distribution"),
    ("label_smoothing * even)", "label_smoothing * even * (1 - distribution))"),
    ("weights * ((1 - label_smoothing) * distribution + ", "(weights * (1 - label_smoothing) * distribution + "),
    ("weighted = weights * (", "weighted = ("),
    ("even = kept[:, None].to(logits.dtype)", "even = logits.new_ones(len(logits), 1)"),
    ("kept[:, None].to(logits.dtype) / logits.shape[1]", "kept[:, None].to(logits.dtype) / (logits.shape[1] - 0.99)"),
    ("kept[:, None].to(logits.dtype) / logits", "kept[:, None] / logits"),
    ("distribution[kept, labels[kept]] = 1", "distribution[:, labels[kept]] = 1"),
    ("distribution[kept, labels[kept]] = 1", "distribution[range(len(labels)), labels] = 1"),
    ("kept = labels != ignore_index", "kept = labels != -100"),
    ("kept = labels != ignore_index", "kept = labels >= 0"),
    (
        "kept, distribution = logits.new_ones(len(logits)).bool(), targets",
        "kept, distribution = targets.sum(dim=1) > 1, targets",
    ),
    # both: what the sum is divided by
    ("divisor = (distribution * weights).sum()", "divisor = distribution.sum()"),
    ("divisor = (distribution * weights).sum()", "divisor = weights.new_ones(()) * len(logits)"),
    ("divisor = kept.sum()", "divisor = (distribution * weights).sum()"),
    ("        divisor[divisor == 0] = math.nan", "        pass"),
    ("divisor[divisor == 0] = math.nan", "divisor[divisor == 0] = 1"),
    ('divisor if reduction == "mean"', 'divisor if reduction != "none"'),
    ('divisor if reduction == "mean" else 1', "divisor"),
    # cross_entropy
    ("losses = -(weighted * logarithms)", "losses = (weighted * logarithms)"),
    ("logarithms = log_softmax(logits)", "logarithms = softmax(logits).log()"),
    ("    logarithms = logarithms.masked_fill(", "    logarithms.masked_fill("),
    ("(weighted * logarithms).sum(dim=1)", "(weighted * logarithms).mean(dim=1)"),
    ('losses if reduction == "none" else losses.sum() / divisor', "losses.sum() / divisor"),
    ("losses.sum() / divisor", "losses.mean()"),
    # cross_entropy_backward
    ("softmax(logits) * weighted.sum(dim=1, keepdim=True) - weighted", "softmax(logits) - weighted"),
    (
        "softmax(logits) * weighted.sum(dim=1, keepdim=True) - weighted",
        "weighted - softmax(logits) * weighted.sum(1, True)",
    ),
    ("weighted.sum(dim=1, keepdim=True)", "weighted.sum()"),
    ("+ grad / divisor", "+ grad"),
    ("+ grad / divisor", "+ 1 / divisor"),
    ("    scale[~kept] = 0", "    pass"),
    ("return slopes * scale[:, None]", "return slopes * scale.sum()"),
    # what is refused
    ("& (labels != ignore_index)", ""),
    ("(labels >= classes)", "(labels > classes)"),
    ("labels, classes = targets.long(), logits.shape[1]", "labels, classes = targets, logits.shape[1]"),
    ("require(ignore_index < 0", "require(ignore_index < 2"),
]
