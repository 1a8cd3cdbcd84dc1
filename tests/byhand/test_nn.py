"""The layers by hand equal those of torch.nn: outputs, every gradient, statistics, names; others are refused."""

import pytest
import torch
from torch import nn

from tlhelpers.byhand import nn as byhand_nn

# Each layer with its options, and a shape that it takes.
CASES = [
    ("Conv2d", (3, 4, 3), {}, (2, 3, 6, 5)),
    ("Conv2d", (3, 4, 1), {"stride": 2, "bias": False}, (2, 3, 7, 6)),
    ("Conv2d", (4, 6, (3, 2)), {"stride": (2, 1), "padding": (1, 0), "groups": 2}, (2, 4, 6, 5)),
    ("Conv2d", (3, 6, 3), {"dilation": (1, 2), "groups": 3, "padding": 2}, (1, 3, 5, 6)),
    ("Conv2d", (2, 3, 3), {"padding": "same"}, (2, 2, 5, 4)),
    ("Conv2d", (2, 3, 2), {"padding": "valid"}, (2, 2, 5, 4)),
    ("BatchNorm2d", (3,), {}, (4, 3, 5, 4)),
    ("BatchNorm2d", (2,), {"momentum": 0.5, "eps": 0.1}, (2, 2, 1, 1)),
    ("ReLU", (), {}, (3, 4)),
    ("ReLU", (), {}, (2, 3, 4, 4)),
    ("MaxPool2d", (2,), {}, (2, 3, 6, 5)),
    ("MaxPool2d", (3,), {"stride": 2, "padding": 1}, (2, 3, 7, 6)),
    ("MaxPool2d", ((2, 3),), {"stride": (2, 1), "dilation": (2, 1), "ceil_mode": True}, (2, 3, 7, 6)),
    ("AdaptiveAvgPool2d", (1,), {}, (2, 3, 5, 4)),
    ("AdaptiveAvgPool2d", ((3, 2),), {}, (2, 3, 7, 5)),
    ("Linear", (5, 3), {}, (4, 5)),
    ("Linear", (5, 3), {"bias": False}, (4, 5)),
]
NAMES = ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d", "AdaptiveAvgPool2d", "Linear"]


def both_layers(name, arguments, options):
    """Return our layer and torch's in float64 with the same parameters and statistics, none of them trivial."""
    theirs = getattr(nn, name)(*arguments, **options).double()
    ours = getattr(byhand_nn, name)(*arguments, **options).double()
    for tensor in theirs.state_dict().values():
        if tensor.is_floating_point():
            nn.init.uniform_(tensor, 0.5, 1.5)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def run(layer, images, grad):
    """Return outputs, the gradients of images and parameters, and the state afterwards."""
    images = images.clone().requires_grad_()
    outputs = layer(images)
    gradients = torch.autograd.grad(outputs, [images, *layer.parameters()], grad)
    return outputs.detach(), gradients, dict(layer.state_dict())


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("name", "arguments", "options", "shape"), CASES)
def test_layer_equals_torchs(name, arguments, options, shape, training):
    """Three batches through both layers: the same outputs, the same gradients, the same statistics."""
    ours, theirs = (layer.train(training) for layer in both_layers(name, arguments, options))
    for _ in range(3):
        images = torch.randn(shape, dtype=torch.float64)
        grad = torch.randn_like(theirs.eval()(images))
        theirs.train(training)
        torch.testing.assert_close(run(ours, images, grad), run(theirs, images, grad), rtol=0, atol=1e-10)


FUNCTIONS = {
    "Conv2d": "conv2d",
    "BatchNorm2d": "batch_norm2d",
    "ReLU": "relu",
    "MaxPool2d": "max_pool2d",
    "AdaptiveAvgPool2d": "adaptive_mean_pool2d",
    "Linear": "linear",
}


@pytest.mark.parametrize("name", NAMES)
def test_output_and_gradient_come_from_the_functions_by_hand(name, monkeypatch):
    """A forward and a backward pass call the function of the layer and its backward function, once each."""
    called = []

    def recording(function):
        return lambda *inputs, **options: called.append(function.__name__) or function(*inputs, **options)

    for function in (FUNCTIONS[name], f"{FUNCTIONS[name]}_backward"):
        monkeypatch.setattr(byhand_nn, function, recording(getattr(byhand_nn, function)))
    _, arguments, options, shape = next(case for case in CASES if case[0] == name)
    ours, _ = both_layers(name, arguments, options)
    ours(torch.randn(shape, dtype=torch.float64, requires_grad=True)).sum().backward()
    assert called == [FUNCTIONS[name], f"{FUNCTIONS[name]}_backward"]


@pytest.mark.parametrize("name", NAMES)
def test_is_a_layer_of_torch_too(name):
    """A layer by hand is a subclass of torch's, with the same state dict and the same text."""
    assert issubclass(getattr(byhand_nn, name), getattr(nn, name))
    ours, theirs = both_layers(*next(case for case in CASES if case[0] == name)[:3])
    assert list(ours.state_dict()) == list(theirs.state_dict()) and str(ours) == str(theirs)


def test_two_batches_before_one_backward():
    """Running statistics may move between a forward pass and its backward pass, as with torch's layer."""
    ours, theirs = both_layers("BatchNorm2d", (2,), {})
    first, second = torch.randn(2, 3, 2, 4, 4, dtype=torch.float64)
    for layer in (ours, theirs):
        ((layer(first) ** 2).sum() + (layer(second) ** 3).sum()).backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
    assert ours.num_batches_tracked == theirs.num_batches_tracked == 2


def test_no_gradient_is_kept_where_none_is_wanted():
    """Under no_grad the layers compute, and store nothing for a backward pass."""
    ours, theirs = both_layers("Conv2d", (3, 4, 3), {})
    images = torch.randn(1, 3, 5, 5, dtype=torch.float64)
    with torch.no_grad():
        outputs = ours(images)
    torch.testing.assert_close(outputs, theirs(images).detach())
    assert outputs.grad_fn is None and ours(images).grad_fn is not None


@pytest.mark.parametrize(
    ("name", "arguments", "option", "value"),
    [
        ("Conv2d", (3, 4, 3), "padding_mode", "reflect"),
        ("Conv2d", (3, 4, 3), "padding_mode", "circular"),
        ("BatchNorm2d", (3,), "affine", False),
        ("BatchNorm2d", (3,), "track_running_stats", False),
        ("BatchNorm2d", (3,), "momentum", None),
        ("BatchNorm2d", (3,), "bias", False),
        ("AdaptiveAvgPool2d", (), "output_size", None),
        ("AdaptiveAvgPool2d", (), "output_size", (None, 3)),
        ("ReLU", (), "inplace", True),
        ("MaxPool2d", (2,), "return_indices", True),
    ],
)
def test_an_option_that_is_not_there_by_hand_is_refused(name, arguments, option, value):
    """The message names the option, its value and torch's layer, which accepts it."""
    getattr(nn, name)(*arguments, **{option: value})
    with pytest.raises(ValueError) as caught:
        getattr(byhand_nn, name)(*arguments, **{option: value})
    message = str(caught.value)
    assert message.startswith(f"{option} is {value!r}; it must be ") and f" for {name} by hand; " in message
    assert message.endswith(f"change it, or take torch.nn.{name}") and "\n" not in message


def test_differentiable_takes_one_input_or_more():
    """A backward function may return one tensor, or a tuple with None for some inputs."""
    x, y = (torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    assert torch.autograd.gradcheck(byhand_nn.differentiable(lambda x: x**3, lambda grad, x: 3 * x**2 * grad), [x])
    product = byhand_nn.differentiable(lambda x, y, z: x * y, lambda grad, x, y, z: (grad * y, grad * x, None))
    assert torch.autograd.gradcheck(lambda x, y: product(x, y, None), [x, y])


def test_a_wrong_backward_gives_a_wrong_gradient():
    """The gradient is what the backward function returns: autograd does not record the forward function."""
    wrong = byhand_nn.differentiable(lambda x: x * x, lambda grad, x: 7 * grad)
    x = torch.tensor([3.0], requires_grad=True)
    wrong(x).backward()
    assert x.grad.item() == 7
