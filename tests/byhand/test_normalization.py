"""Batch norm by hand equals torch's in both modes, forward and backward, with the same running statistics."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from tests.byhand.drawing import assert_drawn_together, draw_tensor
from tlhelpers.byhand.nn import differentiable
from tlhelpers.byhand.normalization import batch_norm2d, batch_norm2d_backward

BATCHES = st.sampled_from([1, 2, 3, 1, 2, 4, 2, 3, 2, 3, 1, 0])  # the empty one is an exception


@st.composite
def norms(draw, batches=BATCHES, largest=5, constant=True):
    """Draw images, parameters, running statistics, and options."""
    training = draw(st.sampled_from([True, True, False]))
    momentum = draw(st.sampled_from([0.0, 0.1, 0.1, 0.7, 1.0]))
    sides = st.integers(1, largest)
    n, c = draw(batches), draw(st.integers(1, 4))
    h, w = draw(st.tuples(sides, sides) | st.tuples(sides, sides) | st.just((1, 1)))
    if training and n * h * w == 1:
        n = 2  # one value a channel is refused, see below
    images = 3 * draw_tensor(draw, (n, c, h, w)) + 5 * draw_tensor(draw, (c, 1, 1))  # channels far apart
    if constant and draw(st.booleans()):
        images[:, 0] = 2.0  # a channel that never changes
    weight, bias, mean = (draw_tensor(draw, (c,)) for _ in range(3))
    eps = draw(st.sampled_from([1e-5, 1e-3, 0.5]))
    return (
        [images, weight, bias, mean, draw_tensor(draw, (c,)).abs() + 0.1],
        {"training": training, "eps": eps},
        momentum,
    )


def describe(example):
    """Return words for the properties of an example."""
    (images, weight, *_), options, momentum = example
    words = {
        "training": options["training"],
        "eval": not options["training"],
        "no image": len(images) == 0,
        "one image": len(images) == 1,
        "more images": len(images) > 1,
        "one pixel": images.shape[2:] == (1, 1),
        "rectangle": images.shape[2] != images.shape[3],
        "one channel": len(weight) == 1,
        "constant channel": bool((images[:, 0] == 2).all()) and len(images) > 0,
        "own momentum": momentum != 0.1,
        "own eps": options["eps"] != 1e-5,
    }
    return [word for word, holds in words.items() if holds]


@pytest.mark.slow
def test_every_option_was_drawn_with_the_others():
    """Both modes are drawn with every batch, size and option."""
    words = {
        "training",
        "eval",
        "no image",
        "one image",
        "more images",
        "one pixel",
        "rectangle",
        "one channel",
        "constant channel",
        "own momentum",
        "own eps",
    }
    batches = ["no image", "one image", "more images"]
    apart = {("training", "eval"), ("one pixel", "rectangle"), ("no image", "constant channel")}
    apart |= {(a, b) for a in batches for b in batches}
    with_one_pixel = {("one image", "one pixel")}  # in eval mode alone
    assert_drawn_together(norms(), describe, words, apart - with_one_pixel)


def torchs(images, weight, bias, mean, var, *, training, momentum=0.1, eps=1e-5):
    return F.batch_norm(images, mean, var, weight, bias, training=training, momentum=momentum, eps=eps)


@given(norms())
def test_forward_and_running_statistics_equal_torchs(example):
    """Outputs and running statistics equal torch's; in eval mode the statistics do not change."""
    tensors, options, momentum = example
    ours, theirs = ([tensor.clone() for tensor in tensors] for _ in range(2))
    outputs = batch_norm2d(*ours, momentum=momentum, **options)
    torch.testing.assert_close(outputs, torchs(*theirs, momentum=momentum, **options), rtol=0, atol=1e-10)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)
    torch.testing.assert_close(ours[:3], tensors[:3], rtol=0, atol=0)  # these are not changed
    if not options["training"]:
        torch.testing.assert_close(ours[3:], tensors[3:], rtol=0, atol=0)


@given(norms(), st.data())
def test_gradients_equal_autograds(example, data):
    """The gradients of images, weight and bias equal those of autograd through torch's batch norm."""
    tensors, options, _ = example
    grad = draw_tensor(data.draw, tensors[0].shape)
    before = [tensor.clone() for tensor in tensors]
    gradients = batch_norm2d_backward(grad, *tensors, **options)
    torch.testing.assert_close(tensors, before, rtol=0, atol=0)  # the backward pass changes nothing
    learned = [tensor.clone().requires_grad_() for tensor in tensors[:3]]
    expected = torch.autograd.grad(torchs(*learned, *before[3:], **options), learned, grad)
    assert isinstance(gradients, tuple)
    for ours, theirs in zip(gradients, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)


@given(norms(st.integers(1, 3), largest=2, constant=False))
def test_gradcheck_of_our_backward(example):
    """The backward function equals finite differences of the forward function."""
    (*learned, mean, var), options, _ = example
    options["eps"] = max(options["eps"], 1e-3)  # values that nearly agree make training too steep to measure
    norm = differentiable(
        lambda *inputs: batch_norm2d(*inputs, mean.clone(), var.clone(), **options),
        lambda grad, *inputs: batch_norm2d_backward(grad, *inputs, mean, var, **options),
    )
    assert torch.autograd.gradcheck(norm, [tensor.requires_grad_() for tensor in learned])


def test_an_empty_batch_changes_nothing():
    """An empty batch does not change the running statistics, in either mode."""
    for training in (True, False):
        mean, var = torch.tensor([3.0]), torch.tensor([5.0])
        outputs = batch_norm2d(torch.ones(0, 1, 2, 3), var, mean, mean, var, training=training, momentum=0.5)
        assert outputs.shape == (0, 1, 2, 3) and mean.item() == 3 and var.item() == 5


def test_autograd_goes_through_the_forward_pass_too():
    """Autograd through our forward function gives the same gradients, and does not track the running statistics."""
    images, weight, bias = (
        torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in [(3, 2, 4, 5), (2,), (2,)]
    )
    running = [torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)]
    outputs = batch_norm2d(images, weight, bias, *running, training=True)
    grad = torch.randn_like(outputs)
    expected = torch.autograd.grad(outputs, [images, weight, bias], grad)
    ours = batch_norm2d_backward(grad, images, weight, bias, *running, training=True)
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-10)
    assert not any(tensor.requires_grad for tensor in running)


def test_hundred_batches_leave_torchs_statistics():
    """After 100 batches in training mode, eval mode gives the outputs of torch.nn.BatchNorm2d."""
    theirs = torch.nn.BatchNorm2d(3).double()
    mean, var = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    learned = theirs.weight.detach(), theirs.bias.detach()
    for _ in range(100):
        batch = 2 * torch.randn(4, 3, 5, 5, dtype=torch.float64) + 7
        batch_norm2d(batch, *learned, mean, var, training=True), theirs(batch)
    torch.testing.assert_close([mean, var], [theirs.running_mean, theirs.running_var], rtol=0, atol=1e-12)
    torch.testing.assert_close(batch_norm2d(batch, *learned, mean, var, training=False), theirs.eval()(batch))


def test_training_brings_every_channel_to_mean_0_and_variance_1():
    """In training mode every channel of the output has mean 0 and variance 1."""
    images = 50 * torch.randn(8, 3, 6, 6, dtype=torch.float64) - 20
    one, zero = torch.ones(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64)
    outputs = batch_norm2d(images, one, zero, zero.clone(), one.clone(), training=True)
    torch.testing.assert_close(outputs.mean(dim=(0, 2, 3)), zero, rtol=0, atol=1e-12)
    torch.testing.assert_close(outputs.var(dim=(0, 2, 3), unbiased=False), one, rtol=0, atol=1e-7)


def test_large_means_cost_no_precision():
    """In float32, a channel with mean 10,000 and standard deviation 1 is normalized to three decimal places."""
    images = torch.randn(4, 2, 16, 16, dtype=torch.float64)
    one, zero = torch.ones(2), torch.zeros(2)
    outputs = batch_norm2d((images + 1e4).float(), one, zero, zero.clone(), one.clone(), training=True)
    mean, std = images.mean(dim=(0, 2, 3), keepdim=True), images.std(dim=(0, 2, 3), keepdim=True, unbiased=False)
    torch.testing.assert_close(outputs.double(), (images - mean) / std, rtol=0, atol=3e-3)


# What is refused


def call(shape=(2, 3, 4, 4), *, dtype=torch.float32, training=True, eps=1e-5, **other):
    """Call both functions with valid inputs except the given ones; return the message of the ValueError."""
    tensors = {"images": torch.ones(shape).to(dtype)}
    tensors |= {name: torch.ones(3) for name in ("weight", "bias", "running_mean", "running_var")} | other
    messages = []
    with pytest.raises(ValueError) as caught:
        batch_norm2d(*tensors.values(), training=training, eps=eps)
    messages.append(str(caught.value))
    with pytest.raises(ValueError) as caught:
        batch_norm2d_backward(torch.ones(shape), *tensors.values(), training=training, eps=eps)
    assert messages == [str(caught.value)] and "\n" not in messages[0]
    return messages[0]


@pytest.mark.parametrize("shape", [(3, 4, 4), (4, 4), (1, 2, 3, 4, 4)])
def test_unbatched_images_are_refused(shape):
    """Images without four axes are refused, as in torch.nn.BatchNorm2d; the message shows how to add one."""
    message = call(shape)
    assert str(shape) in message and "images[None]" in message
    with pytest.raises(ValueError):
        torch.nn.BatchNorm2d(3)(torch.ones(shape))


@pytest.mark.parametrize("shape", [(1, 3, 1, 1)])
def test_one_value_a_channel_is_refused_in_training(shape):
    """One image of one pixel cannot be normalized with its own statistics; in eval mode it can."""
    message = call(shape)
    assert str(shape) in message and "more images" in message and "eval mode" in message
    one, zero = torch.ones(3), torch.zeros(3)
    with pytest.raises(ValueError):
        F.batch_norm(torch.ones(shape), zero, one, training=True)
    outputs = batch_norm2d(torch.ones(shape), one, zero, zero, one, training=False)
    torch.testing.assert_close(outputs, F.batch_norm(torch.ones(shape), zero, one))


@pytest.mark.parametrize("name", ["weight", "bias", "running_mean", "running_var"])
@pytest.mark.parametrize("tensor", [torch.ones(2), torch.ones(1), torch.ones(3, 1), torch.tensor(1.0)])
def test_parameters_have_one_value_for_each_channel(name, tensor):
    """Each of the four tensors must have one value for each channel; nothing is broadcast."""
    message = call(**{name: tensor})
    assert message.startswith(name) and "(3,)" in message and str(tuple(tensor.shape)) in message


@pytest.mark.parametrize("name", ["weight", "bias", "running_mean", "running_var"])
def test_dtypes_must_agree(name):
    """A float64 tensor among float32 ones is refused, and the message says how to convert."""
    message = call(**{name: torch.ones(3).double()})
    assert f"{name}.dtype is torch.float64" in message and f"images.to({name}.dtype)" in message


def test_integers_are_refused():
    """Integer images are refused, because their mean is not an integer."""
    message = call(dtype=torch.int64)
    assert "torch.int64" in message and "images.float()" in message


def test_no_channel_is_refused():
    """Images without channels are refused."""
    assert "(2, 0, 4, 4)" in call((2, 0, 4, 4))


@pytest.mark.parametrize(("eps", "training"), [(0, True), (0.0, True), (-1e-5, True), (-1e-5, False)])
def test_eps_must_be_positive(eps, training):
    """As in torch, eps may be 0 in eval mode only."""
    message = call(eps=eps, training=training)
    assert message.startswith(f"eps is {eps}; it must be") and "1e-5" in message
    with pytest.raises(ValueError):
        F.batch_norm(torch.ones(2, 3, 4, 4), torch.zeros(3), torch.ones(3), training=training, eps=eps)


def test_no_eps_is_fine_in_eval_mode():
    """With eps 0 the formula is exact: (10 - 4) / 3 * 2 + 1 is 5."""
    numbers = (torch.tensor([value]) for value in (2.0, 1.0, 4.0, 9.0))
    assert batch_norm2d(torch.full((1, 1, 1, 1), 10.0), *numbers, training=False, eps=0).item() == 5


@pytest.mark.parametrize("shape", [(2, 3, 4), (1, 3, 4, 4), (2, 3, 1, 1)])
def test_a_gradient_of_another_shape_is_refused(shape):
    """The gradient must have the shape of the output, which is that of the images."""
    with pytest.raises(ValueError) as caught:
        batch_norm2d_backward(torch.ones(shape), torch.ones(2, 3, 4, 4), *torch.ones(4, 3), training=False)
    assert str(shape) in str(caught.value) and "(2, 3, 4, 4)" in str(caught.value) and "give" in str(caught.value)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_values_of_16_bits_give_torchs_statistics(dtype, training):
    """Sums of 25,000 squares would overflow in 16 bits: statistics are computed in 32 bits, as in torch."""
    images = (torch.randn(8, 3, 56, 56) * 3 + 5).to(dtype)
    numbers = [images, *((torch.rand(3) + 0.5).to(dtype) for _ in range(4))]  # and weight, bias, mean, variance
    theirs, exact = [n.clone() for n in numbers], [n.double() for n in numbers]
    outputs = F.batch_norm(theirs[0], *theirs[3:], *theirs[1:3], training=training)
    wide = batch_norm2d(*exact, training=training)
    error = (batch_norm2d(*numbers, training=training).double() - wide).abs().max()
    assert error <= (outputs.double() - wide).abs().max()  # no further from the truth than torch
    for mine, torchs in zip(numbers[3:], theirs[3:], strict=True):
        torch.testing.assert_close(mine, torchs)
    grad = torch.randn(images.shape).to(dtype)
    gradients = batch_norm2d_backward(grad, *numbers, training=training)
    assert {gradient.dtype for gradient in gradients} == {dtype}
    exact = batch_norm2d_backward(grad.double(), *(n.double() for n in numbers), training=training)
    for mine, true in zip(gradients, exact, strict=True):
        torch.testing.assert_close(mine, true.to(dtype))


BREAKS = [
    ("images, count = upcast(images), _count", "count = _count"),
    ("unbiased = variance * count / (count - 1)", "unbiased = variance"),
    (
        "mean, _channel_sums((images - _per_pixel(mean)) ** 2) / count",
        "mean, _channel_sums((images - _per_pixel(mean)) ** 2) / (count - 1 + (count < 2))",
    ),
    ("running_mean += momentum * (mean - running_mean)", "running_mean += (1 - momentum) * (mean - running_mean)"),
    ("running_var += momentum * (unbiased - running_var)", "running_var += momentum * unbiased"),
    ("running_mean += momentum", "running_mean = running_mean + momentum"),
    ("scale = weight / (upcast(variance) + eps) ** 0.5", "scale = weight / (upcast(variance) ** 0.5 + eps)"),
    ("scale = weight / (upcast(variance) + eps) ** 0.5", "scale = weight / (upcast(variance) + eps)"),
    ("* _per_pixel(scale) + _per_pixel(bias)", "* _per_pixel(scale)"),
    (
        "if training:\n        mean, variance = _statistics(images)\n",
        "if True:\n        mean, variance = _statistics(images)\n",
    ),
    ("if count:", "if True:"),
    ("mean.detach(), variance.detach()", "mean, variance"),
    ("values.sum(dim=(0, 2, 3))", "values.sum(dim=(2, 3)).amax(0)"),
    ("(_per_pixel(grad_bias) + normalized * _per_pixel(grad_weight))", "_per_pixel(grad_bias)"),
    ("(_per_pixel(grad_bias) + normalized * _per_pixel(grad_weight))", "(normalized * _per_pixel(grad_weight))"),
    ("    if training:\n        grad = grad -", "    if True:\n        grad = grad -"),
    ("/ _count(images)\n", "/ len(images)\n"),
    ("_channel_sums(grad * normalized), _channel_sums(grad)", "_channel_sums(grad * images), _channel_sums(grad)"),
    ("grad_images = grad * _per_pixel(weight * inverse)", "grad_images = grad * _per_pixel(inverse)"),
    ("inverse = (upcast(variance) + eps) ** -0.5", "inverse = upcast(variance) ** -0.5"),
    ("_statistics(images) if training else (running_mean, running_var)", "_statistics(images)"),
    ("_count(images) != 1", "len(images) != 1"),
    ('        check_shape(tensor, name, images.shape[1:2], "one value for each channel of the images")\n', ""),
    ('        check_dtype(tensor, name, images.dtype, "images")\n', ""),
]
