"""Our ResNet-50 is torchvision's, in names and in values, with the stride in either convolution.

This holds with the operations of torch.nn and with those by hand, and by hand no operation of torch is used.
"""

import re

import pytest
import torch
import torchvision
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import tlhelpers as tl
from tests.tiny import StagedNet
from tlhelpers.byhand import nn as handmade
from tlhelpers.network.resnet import Bottleneck

BLOCKS = [f"layer{stage}.{block}" for stage, blocks in enumerate((3, 4, 6, 3), start=1) for block in range(blocks)]
PARTS = ["conv1", "conv2", "conv3", "bn1", "bn2", "bn3"]
INSIDE = [f"{block}.{part}" for block in BLOCKS for part in PARTS]
SHORTCUTS = [f"layer{stage}.0.downsample.{part}" for stage in (1, 2, 3, 4) for part in (0, 1)]
LAYERS = ["conv1", "bn1", "relu", "maxpool", *BLOCKS, *INSIDE, *SHORTCUTS, "avgpool", "fc"]
OPS = pytest.mark.parametrize("ops", [nn, handmade], ids=["torch.nn", "by hand"])


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Return random weights in float64 under torchvision's names, in which no tensor is trivial."""
    tl.set_seed(0)
    network = torchvision.models.resnet50().double()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):  # fresh ones change nothing: weight 1, bias 0, mean 0, variance 1
            for tensor in (module.weight, module.bias, module.running_mean, module.running_var):
                nn.init.uniform_(tensor, 0.5, 1.5)
            nn.init.normal_(module.bias)  # of both signs, so that ReLU has an effect
    return network.state_dict()


def loaded(network: nn.Module, state: dict[str, torch.Tensor]) -> nn.Module:
    """Return the network in eval mode with a copy of these weights, which have their own dtype."""
    network.load_state_dict({name: value.clone() for name, value in state.items()}, assign=True)
    return network.eval()


def torchvisions(state: dict[str, torch.Tensor], stride_in: str = "conv2") -> nn.Module:
    """Return torchvision's network with these weights, and with the stride in one of the convolutions."""
    with torch.device("meta"):
        network = torchvision.models.resnet50()
    if stride_in == "conv1":
        for stage in (network.layer2, network.layer3, network.layer4):
            stage[0].conv1.stride, stage[0].conv2.stride = stage[0].conv2.stride, stage[0].conv1.stride
    return loaded(network, state)


def ours(state: dict[str, torch.Tensor], stride_in: str = "conv2", ops=nn) -> nn.Module:
    """Return our network with these weights."""
    return loaded(without_values(stride_in=stride_in, ops=ops), state)


def without_values(*arguments, **options) -> nn.Module:
    """Return our network with names and shapes, but without values, because 25 million random numbers take time."""
    with torch.device("meta"):
        return tl.ResNet50(*arguments, **options)


@OPS
def test_names_shapes_and_order_are_torchvisions(ops):
    """The state dicts agree in every name and shape, in the same order."""
    with torch.device("meta"):
        theirs = torchvision.models.resnet50().state_dict()
    found = without_values(ops=ops).state_dict()
    assert [(name, value.shape) for name, value in found.items()] == [
        (name, value.shape) for name, value in theirs.items()
    ]


def test_parameters_are_as_many_as_torchvision_publishes():
    """Torchvision's table of weights has the number 25,557,032."""
    published = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.meta["num_params"]
    assert tl.count_parameters(without_values()) == (published, published)


@pytest.mark.parametrize("num_classes", [2, 7])
def test_another_number_of_classes_changes_only_the_head(num_classes):
    """The head has one row for each class; everything before it keeps its shape."""
    with torch.device("meta"):
        theirs = torchvision.models.resnet50(num_classes=num_classes).state_dict()
    found = without_values(num_classes).state_dict()
    assert {name: value.shape for name, value in found.items()} == {name: value.shape for name, value in theirs.items()}


@OPS
@pytest.mark.parametrize("stride_in", ["conv1", "conv2"])
@torch.no_grad()
def test_every_layer_equals_torchvisions(state, stride_in, ops):
    """With the same weights, every layer has torchvision's output, in shape and in values."""
    theirs, network = torchvisions(state, stride_in), ours(state, stride_in, ops)
    leaves = {name for name, module in theirs.named_modules() if not list(module.children())}
    assert {name for name in leaves if not name.endswith(".relu")} <= set(LAYERS)  # one ReLU there is three here
    images = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    with tl.record_layers(network, *LAYERS) as our, tl.record_layers(theirs, *LAYERS) as their:
        logits = network(images)
        assert torch.equal(logits, our["fc"]) and logits.shape == (1, 1000)
        theirs(images)
    for layer in LAYERS:
        scale = their[layer].abs().max()
        torch.testing.assert_close(our[layer] / scale, their[layer] / scale, rtol=0, atol=1e-10, msg=layer)


@torch.no_grad()
def test_the_position_of_the_stride_matters(state):
    """The same weights with the stride in the other convolution give other logits of the same shape."""
    images = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    right, wrong = (ours(state, stride_in)(images) for stride_in in ("conv2", "conv1"))
    assert right.shape == wrong.shape and not torch.allclose(right, wrong, rtol=1e-3)


def train_once(network: nn.Module) -> nn.Module:
    """Return the network after a forward and a backward pass in training mode on two fixed images."""
    torch.manual_seed(0)
    images, labels = torch.randn(2, 3, 64, 64, dtype=torch.float64), torch.tensor([3, 999])
    nn.functional.cross_entropy(network.train()(images), labels).backward()
    return network


@pytest.fixture(scope="module")
def trained(state) -> nn.Module:
    """Return torchvision's network after ``train_once``."""
    return train_once(torchvisions(state))


@OPS
def test_gradients_and_statistics_equal_torchvisions(state, trained, ops):
    """In training mode every parameter gets torchvision's gradient, and every statistic changes as torchvision's."""
    network, expected = train_once(ours(state, ops=ops)), dict(trained.named_parameters())
    for name, parameter in network.named_parameters():
        gradient = expected[name].grad
        assert (parameter.grad - gradient).abs().max() <= 1e-8 * gradient.norm(), name
    torch.testing.assert_close(dict(network.named_buffers()), dict(trained.named_buffers()), rtol=1e-10, atol=1e-10)


# By hand


class Watch(TorchDispatchMode):
    """Collect the name of every operation that torch runs, forward and backward."""

    def __init__(self) -> None:
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.add(operation.__name__)
        return operation(*args, **(kwargs or {}))


def ready_made(network: nn.Module, softmax) -> set[str]:
    """Return the operations with a version by hand that torch ran in a forward and a backward pass."""
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    with Watch() as watch:
        softmax(network.eval()(images))
        network.train()(images).sum().backward()
    assert {"add.Tensor", "sum.default"} <= watch.names  # so operations were collected
    return {name for name in watch.names if re.search("conv|batch_norm|pool|softmax|relu|threshold|unfold|col", name)}


@pytest.mark.slow
def test_by_hand_no_operation_of_torch_is_used(state):
    """No convolution, batch norm, pooling, softmax or ReLU of torch runs, in either mode, forward or backward."""
    assert ready_made(ours(state, ops=handmade), tl.byhand.softmax) == set()


def test_operations_of_torch_would_be_noticed(state):
    """With torch.nn each of these operations is collected, and its backward pass."""
    seen = " ".join(ready_made(ours(state), lambda logits: logits.softmax(dim=1)))
    for name in ("convolution", "batch_norm", "max_pool2d", "relu", "softmax"):
        assert name in seen, name
    for name in ("convolution_backward", "batch_norm_backward", "max_pool2d_with_indices_backward", "threshold_back"):
        assert name in seen, name


def test_every_layer_comes_from_the_module_that_was_given():
    """With operations by hand, torch.nn has only the containers in the network."""
    for ops, home in ((handmade, "tlhelpers.byhand.nn"), (nn, "torch.nn.modules")):
        leaves = [module for module in without_values(ops=ops).modules() if not list(module.children())]
        assert len(leaves) == 53 + 53 + 1 + 3 * len(BLOCKS) + 3
        assert all(type(leaf).__module__.startswith(home) for leaf in leaves)


# The blocks


@pytest.mark.parametrize("stride_in", ["conv1", "conv2"])
@pytest.mark.parametrize(("in_channels", "channels", "stride"), [(8, 2, 1), (6, 2, 1), (8, 2, 2), (5, 3, 2)])
def test_a_block_is_its_formula(in_channels, channels, stride, stride_in):
    """A block is relu(branch + shortcut); the shortcut is the input itself if it has the shape of the output."""
    block = Bottleneck(in_channels, channels, stride=stride, stride_in=stride_in).double()
    x = torch.randn(2, in_channels, 9, 6, dtype=torch.float64)
    first, second = (stride, 1) if stride_in == "conv1" else (1, stride)
    f = nn.functional
    branch = block.bn1(f.conv2d(x, block.conv1.weight, stride=first)).relu()
    branch = block.bn2(f.conv2d(branch, block.conv2.weight, stride=second, padding=1)).relu()
    branch = block.bn3(f.conv2d(branch, block.conv3.weight))
    same_shape = stride == 1 and in_channels == 4 * channels
    assert (block.downsample is None) == same_shape
    shortcut = x if same_shape else block.downsample(x)
    torch.testing.assert_close(block(x), (branch + shortcut).clamp(min=0))


@OPS
def test_every_block_has_three_relus_of_its_own(ops):
    """No ReLU module is used twice, because a conversion to int8 observes each position separately."""
    blocks = [module for module in without_values(ops=ops).modules() if isinstance(module, Bottleneck)]
    assert len(blocks) == len(BLOCKS)
    relus = [module for block in blocks for module in block.modules() if isinstance(module, nn.ReLU)]
    assert len(relus) == len(set(map(id, relus))) == 3 * len(blocks)
    calls = []
    for relu in blocks[0].modules():
        if isinstance(relu, nn.ReLU):
            relu.register_forward_hook(lambda module, inputs, output: calls.append(module))
    blocks[0](torch.ones(2, 64, 4, 4, device="meta"))
    assert calls == [blocks[0].relu1, blocks[0].relu2, blocks[0].relu3]


@pytest.mark.parametrize("stride_in", ["conv3", "", None, 2])
def test_a_bad_stride_in_gets_one_sentence(stride_in):
    """The sentence has the argument, its value and both values that it could have."""
    with pytest.raises(ValueError) as caught:
        tl.ResNet50(stride_in=stride_in)
    message = str(caught.value)
    assert message.startswith(f"stride_in is {stride_in!r}") and "'conv1'" in message and "'conv2'" in message
    assert "\n" not in message


def test_stages_hold_every_parameter_once():
    """From the image to the head, no parameter is missing and none occurs twice."""
    with torch.device("meta"):
        models = tl.ResNet50(), StagedNet()
    for model in models:
        stages = model.stages()
        assert list(stages) == ["stem", "layer1", "layer2", "layer3", "layer4", "head"]
        found = [p for modules in stages.values() for module in modules for p in module.parameters()]
        assert [id(p) for p in found] == [id(p) for p in model.parameters()]
