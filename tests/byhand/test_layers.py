"""Linear, ReLU and addition by hand equal torch's, forward and backward, alone and in a residual block."""

import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.byhand.drawing import assert_drawn_together, draw_tensor
from tests.byhand.refusals import refused
from tlhelpers.byhand.cross_entropy import cross_entropy, cross_entropy_backward
from tlhelpers.byhand.layers import add, add_backward, linear, linear_backward, relu, relu_backward
from tlhelpers.byhand.nn import differentiable

SIZES = st.sampled_from([1, 2, 3, 4] * 4 + [0])  # the empty one is an exception


@st.composite
def linear_layers(draw):
    """Draw features, a weight, a bias or none, and a gradient of the outputs; any size may be 0."""
    batch, depth, classes = (draw(SIZES) for _ in range(3))
    bias = draw_tensor(draw, (classes,)) if draw(st.booleans()) else None
    shapes = (batch, depth), (classes, depth), (batch, classes)
    features, weight, grad = (draw_tensor(draw, shape) for shape in shapes)
    return features, weight, bias, grad


@st.composite
def value_tensors(draw, shortest=0):
    """Draw values of up to four axes, with exact zeros among them, and a gradient of the same shape."""
    shape = [max(shortest, size) for size in draw(st.lists(SIZES, max_size=4))]
    scale = draw(st.sampled_from([0.0, 0.5, 1e4]))
    return (scale * draw_tensor(draw, shape)).round(), draw_tensor(draw, shape)


@st.composite
def residual_blocks(draw):
    """Draw features, labels, and the parameters of three layers; the shortcut goes around the first two."""
    batch, depth, width, classes = (draw(st.integers(1, 4)) for _ in range(4))
    sizes = [(width, depth), (width,), (depth, width), (depth,), (classes, depth), (classes,)]
    parameters = [draw_tensor(draw, size) for size in sizes]
    labels = torch.tensor(draw(st.lists(st.integers(0, classes - 1), min_size=batch, max_size=batch)))
    return draw_tensor(draw, (batch, depth)), labels, parameters


def describe_linear(example):
    features, weight, bias, _ = example
    sizes = {"batch": len(features), "depth": features.shape[1], "classes": len(weight)}
    return {f"{name} {size if size < 2 else 'more'}" for name, size in sizes.items()} | {f"bias {bias is not None}"}


def close(ours, theirs, tolerance=1e-10):
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@pytest.mark.slow
def test_every_size_of_a_linear_layer_is_drawn_with_every_other():
    """Zero, one and more images, features and classes, with and without a bias, are drawn in every combination."""
    words = {f"{name} {size}" for name in ("batch", "depth", "classes") for size in (0, 1, "more")}
    words |= {"bias True", "bias False"}
    apart = {(a, b) for a in words for b in words if a.split()[0] == b.split()[0]}
    assert_drawn_together(linear_layers(), describe_linear, words, apart)


@given(linear_layers())
def test_linear_equals_torch(example):
    """The outputs equal torch's, with and without a bias."""
    *inputs, _ = example
    close(linear(*inputs), F.linear(*inputs))


@given(linear_layers())
def test_linear_backward_equals_autograd(example):
    """The gradients of features, weight and bias equal autograd's; without a bias its gradient is None."""
    *inputs, grad = example
    ours = linear_backward(grad, *inputs)
    assert (ours[2] is None) == (inputs[2] is None)
    given_inputs = [tensor.requires_grad_() for tensor in inputs if tensor is not None]
    theirs = torch.autograd.grad(F.linear(*inputs), given_inputs, grad)
    for our, their in zip(ours, theirs, strict=False):
        close(our, their, 1e-8)


@given(linear_layers())
def test_linear_passes_gradcheck(example):
    """The backward function equals finite differences of the forward function."""
    *inputs, _ = example
    inputs = [tensor if tensor is None else tensor.requires_grad_() for tensor in inputs]
    assert torch.autograd.gradcheck(differentiable(linear, linear_backward), inputs)


@given(value_tensors())
def test_relu_and_its_gradient_equal_torch(example):
    """Outputs and gradients equal torch's exactly, also at 0, where the gradient is 0."""
    values, grad = example
    assert relu(values).equal(F.relu(values))
    ours = relu_backward(grad, values)
    (theirs,) = torch.autograd.grad(F.relu(values.requires_grad_()), values, grad)
    assert ours.equal(theirs)


@given(value_tensors(shortest=1))
def test_relu_passes_gradcheck_away_from_its_corner(example):
    """Where no small difference crosses 0, the backward function equals finite differences."""
    values = (example[0] + 0.25).requires_grad_()
    assert torch.autograd.gradcheck(differentiable(relu, relu_backward), values)


@pytest.mark.slow
def test_values_of_the_drawn_tensors():
    """Positive, negative and zero values, no axis and an axis of length 0 are drawn in every combination."""

    def describe(example):
        values = example[0]
        signs = {"positive": values > 0, "negative": values < 0, "zero": values == 0}
        words = {word for word, where in signs.items() if where.any()}
        return words | {"no axis" if values.ndim == 0 else "empty" if 0 in values.shape else "axes"}

    signs = {"positive", "negative", "zero"}
    apart = {("no axis", "empty"), ("axes", "empty"), ("axes", "no axis"), *(("empty", sign) for sign in signs)}
    assert_drawn_together(value_tensors(), describe, signs | {"axes", "no axis", "empty"}, apart)


def test_relu_of_nan_and_infinity():
    """NaN stays NaN and keeps its gradient; at a negative value even an infinite gradient becomes 0, as in torch."""
    values = torch.tensor([torch.nan, torch.inf, -torch.inf, -1.0, -0.0], requires_grad=True)
    grad = torch.tensor([2.0, 3.0, 4.0, torch.inf, torch.nan])
    torch.testing.assert_close(relu(values), F.relu(values), equal_nan=True)
    (theirs,) = torch.autograd.grad(F.relu(values), values, grad)
    assert relu_backward(grad, values.detach()).equal(theirs)


@given(value_tensors())
def test_add_equals_torch(example):
    """The sum equals torch's, and both inputs get the whole gradient, as with autograd."""
    branch, shortcut = example
    assert add(branch, shortcut).equal(torch.add(branch, shortcut))
    grad = branch - 2 * shortcut
    ours = add_backward(grad, branch, shortcut)
    inputs = branch.requires_grad_(), shortcut.requires_grad_()
    for our, their in zip(ours, torch.autograd.grad(torch.add(*inputs), inputs, grad), strict=True):
        assert our.equal(their)


@given(value_tensors(shortest=1))
def test_add_passes_gradcheck(example):
    """The backward function of the addition equals finite differences."""
    inputs = [tensor.clamp(-9, 9).requires_grad_() for tensor in example]
    assert torch.autograd.gradcheck(differentiable(add, add_backward), inputs)


@given(residual_blocks())
def test_a_residual_block_runs_backward_by_hand(example):
    """From the loss back to the features, the seven gradients of a block equal autograd's."""
    features, labels, (w1, b1, w2, b2, w3, b3) = example
    hidden = linear(features, w1, b1)
    branch = linear(relu(hidden), w2, b2)
    total = add(branch, features)
    logits = linear(relu(total), w3, b3)

    grad = cross_entropy_backward(torch.tensor(1.0), logits, labels)
    grad, *last = linear_backward(grad, relu(total), w3, b3)
    grad, shortcut = add_backward(relu_backward(grad, total), branch, features)
    grad, *second = linear_backward(grad, relu(hidden), w2, b2)
    grad, *first = linear_backward(relu_backward(grad, hidden), features, w1, b1)
    ours = [grad + shortcut, *first, *second, *last]

    inputs = [tensor.requires_grad_() for tensor in (features, w1, b1, w2, b2, w3, b3)]
    branch = F.linear(F.relu(F.linear(features, w1, b1)), w2, b2)
    loss = F.cross_entropy(F.linear(F.relu(branch + features), w3, b3), labels)
    close(cross_entropy(logits, labels), loss)
    for our, their in zip(ours, torch.autograd.grad(loss, inputs), strict=True):
        close(our, their, 1e-8)


def test_inputs_and_gradients_are_left_alone():
    """No function changes its arguments."""
    tensors = [torch.randn(2, 3), torch.randn(4, 3), torch.randn(4), torch.randn(2, 4), torch.randn(2, 3)]
    before = [tensor.clone() for tensor in tensors]
    features, weight, bias, grad, more = tensors
    linear(features, weight, bias), linear_backward(grad, features, weight, bias)
    relu(features), relu_backward(more, features).add_(1), add(features, more), add_backward(more, features, more)
    assert all(tensor.equal(copy) for tensor, copy in zip(tensors, before, strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_other_dtypes_stay_what_they_are(dtype):
    """Outputs and gradients have the dtype of the inputs, and the outputs equal torch's."""
    features, weight, bias, grad = (torch.randn(*size).to(dtype) for size in ((2, 3), (4, 3), (4,), (2, 4)))
    torch.testing.assert_close(linear(features, weight, bias), F.linear(features, weight, bias))
    assert {gradient.dtype for gradient in linear_backward(grad, features, weight, bias)} == {dtype}
    assert relu(features).dtype == relu_backward(features, features).dtype == add(bias, bias).dtype == dtype


@pytest.mark.parametrize(
    "features, weight, bias, sentence",
    [
        ((2, 3), (4, 5), None, r"is \(\(2, 3\), \(4, 5\)\); it must be .* with the same D; transpose the weight"),
        ((3,), (4, 3), None, r"is \(\(3,\), \(4, 3\)\); .* flatten the features to one row per image"),
        ((2, 3), (3,), None, r"is \(\(2, 3\), \(3,\)\)"),
        ((2, 4), (4, 3), None, r"is \(\(2, 4\), \(4, 3\)\)"),
        ((2, 3, 5), (4, 3), None, r"is \(\(2, 3, 5\), \(4, 3\)\)"),
        ((2, 3), (4, 3, 5), None, r"is \(\(2, 3\), \(4, 3, 5\)\)"),
        (
            (2, 3),
            (4, 3),
            (3,),
            r"bias.shape is \(3,\); it must be \(4,\), one value for each row of weight; change its shape",
        ),
        ((2, 3), (4, 3), (1,), r"bias.shape is \(1,\)"),
        ((2, 3), (4, 3), (5,), r"bias.shape is \(5,\)"),
        ((2, 3), (4, 3), (2, 4), r"bias.shape is \(2, 4\)"),
    ],
)
def test_linear_refuses_sizes_that_do_not_match(features, weight, bias, sentence):
    """Shapes that do not match are refused, forward and backward, and the message shows them."""
    inputs = torch.zeros(features), torch.zeros(weight), None if bias is None else torch.zeros(bias)
    with refused(sentence):
        linear(*inputs)
    with refused(sentence):
        linear_backward(torch.zeros(2, 4), *inputs)


@pytest.mark.parametrize("odd", [0, 1, 2])
def test_linear_refuses_two_dtypes_as_torch_does(odd):
    """Features, weight and bias must have one dtype; the message says how to convert them."""
    inputs = [torch.zeros(2, 3), torch.zeros(4, 3), torch.zeros(4)]
    inputs[odd] = inputs[odd].double()
    with pytest.raises(RuntimeError):
        F.linear(*inputs)
    with refused(r"dtype is torch.float.*, the dtype of features; .*features.to\((weight|bias).dtype\)"):
        linear(*inputs)


@pytest.mark.parametrize("dtype", [torch.bool, torch.complex64])
def test_relu_refuses_complex_numbers_and_booleans_as_torch_does(dtype):
    """Values without an order or a sign are refused."""
    with pytest.raises(RuntimeError):
        F.relu(torch.zeros(2, dtype=dtype))
    with refused(rf"values.dtype is {dtype}; it must be .*; take values.real or values.float\(\)"):
        relu(torch.zeros(2, dtype=dtype))


@pytest.mark.parametrize(
    "shortcut, sentence",
    [
        (torch.zeros(3), r"shortcut.shape is \(3,\); it must be \(2, 3\), the shape of branch; change its size"),
        (torch.zeros(2, 1), r"shortcut.shape is \(2, 1\); .* as a 1 x 1 convolution with a stride does"),
        (torch.zeros(2, 3).double(), r"shortcut.dtype is torch.float64; it must be torch.float32, the dtype of branch"),
    ],
)
def test_add_refuses_to_broadcast(shortcut, sentence):
    """Torch would broadcast the shortcut to the branch; in a residual block that hides a mistake."""
    with refused(sentence):
        add(torch.zeros(2, 3), shortcut)
    with refused(sentence):
        add_backward(torch.zeros(2, 3), torch.zeros(2, 3), shortcut)


@pytest.mark.parametrize(
    "backward, shape",
    [
        (lambda grad: linear_backward(grad, torch.zeros(2, 3), torch.zeros(4, 3)), (2, 4)),
        (lambda grad: relu_backward(grad, torch.zeros(2, 3)), (2, 3)),
        (lambda grad: add_backward(grad, torch.zeros(2, 3), torch.zeros(2, 3)), (2, 3)),
    ],
)
@pytest.mark.parametrize("wrong", [(), (1,), (2, 1), (3, 2), (2, 3, 1)])
def test_a_gradient_of_another_shape_is_refused(backward, shape, wrong):
    """A gradient must have the shape of the output; nothing is broadcast."""
    words = f"grad.shape is {wrong}; it must be {shape}, the shape of the output; give the gradient of the loss"
    with refused(re.escape(words)):
        backward(torch.zeros(wrong))


BREAKS = [
    # linear
    ("features @ weight.T", "features @ weight"),
    ("if bias is None else logits + bias", "if bias is None else logits - bias"),
    ("return logits if bias is None else logits + bias", "return logits"),
    ("return grad @ weight,", "return features @ weight.T,"),
    ("return grad @ weight,", "return grad @ weight / len(weight),"),
    ("grad.T @ features", "grad.T @ features / len(features)"),
    ("grad.T @ features", "features.T @ grad"),
    ("None if bias is None else grad.sum(dim=0)", "None"),
    ("None if bias is None else grad.sum(dim=0)", "grad.sum(dim=0)"),
    ("grad.sum(dim=0)", "grad.mean(dim=0)"),
    ("grad.sum(dim=0)", "grad.sum(dim=1)"),
    ('    check_dtype(weight, "weight", features.dtype, "features")\n', ""),
    ('        check_dtype(bias, "bias", features.dtype, "features")\n', ""),
    # relu
    ("torch.maximum(values, values.new_zeros(()))", "torch.maximum(-values, values.new_zeros(()))"),
    ("torch.maximum(values, values.new_zeros(()))", "torch.maximum(values, 0.01 * values)"),
    ("torch.maximum(values, values.new_zeros(()))", "values * (values > 0)"),
    ("passed[values <= 0]", "passed[values < 0]"),
    ("passed[values <= 0]", "passed[values >= 0]"),
    ("passed[values <= 0]", "passed[grad <= 0]"),
    ("passed[values <= 0] = 0", "passed *= values > 0"),
    ("passed = grad.clone()", "passed = grad"),
    # add
    ("return branch + shortcut", "return branch"),
    ("return branch + shortcut", "return branch - shortcut"),
    ("return branch + shortcut", "return (branch + shortcut) / 2"),
    ("return branch + shortcut", "return branch.add_(shortcut)"),
    ("return grad, grad", "return grad, -grad"),
    ("return grad, grad", "return grad / 2, grad / 2"),
    ("return grad, grad", "return grad * (branch > 0), grad"),
    ('    check_shape(shortcut, "shortcut", branch.shape, "the shape of branch", remedy)\n', ""),
    ('    check_dtype(shortcut, "shortcut", branch.dtype, "branch")\n', ""),
]
