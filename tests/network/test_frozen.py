"""A frozen copy returns the activations of the network as it is now; folding, fusing and cutting change nothing."""

import copy
from contextlib import nullcontext

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.fx import symbolic_trace
from torch.nn import functional as F

import tlhelpers as tl
from tests.tiny import StagedNet, TinyNet, transform, write_folder
from tlhelpers.network.frozen import IMAGES_AT_ONCE, FrozenNetwork
from tlhelpers.network.fused import fuse_convolutions
from tlhelpers.network.graphs import cut, fold_batch_norms


@pytest.fixture(autouse=True)
def full_precision(monkeypatch):
    """Compute on the CPU in float32, so that results differ by rounding alone."""
    for module in ("network.frozen", "features.extraction"):
        monkeypatch.setattr(f"tlhelpers.{module}.pick_device", lambda: torch.device("cpu"))
    monkeypatch.setattr("tlhelpers.network.frozen.pick_dtype", lambda device: torch.float32)
    monkeypatch.setattr("tlhelpers.features.extraction.autocast", lambda device: nullcontext())


@pytest.fixture
def loader(tmp_path):
    """Seven photos or more, in batches of four."""
    return tl.make_loader(tl.image_folder(write_folder(tmp_path / "set")).train, transform(), batch_size=4)


def with_a_past(model):
    """Give every batch norm statistics, scales and shifts other than those it begins with."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.weight, module.bias):
                nn.init.normal_(values)
            nn.init.uniform_(module.running_var, 0.3, 3)
    return model.eval()


def batch_norms(model):
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 3), st.booleans(), st.integers(0, 2**31))
def test_folding_changes_nothing_but_the_number_of_layers(channels, width, side, bias, seed):
    """Convolutions of any size, with bias or without, in float64."""
    torch.manual_seed(seed)
    parts = (
        nn.Conv2d(channels, width, side, bias=bias),
        nn.BatchNorm2d(width),
        nn.Conv2d(width, 2, 1),
        nn.BatchNorm2d(2),
    )
    model = with_a_past(nn.Sequential(*parts)).double()
    images = torch.randn(2, channels, 5, 5, dtype=torch.float64)
    folded = symbolic_trace(copy.deepcopy(model))
    fold_batch_norms(folded)
    assert not any(node.target in ("1", "3") for node in folded.graph.nodes)
    torch.testing.assert_close(folded(images), model(images))


class Shared(nn.Module):
    """A convolution whose output is also wanted as it is, one that is called twice, and a batch norm before any."""

    def __init__(self):
        super().__init__()
        self.first, self.twice = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.norms = nn.ModuleList(nn.BatchNorm2d(3) for _ in range(3))

    def forward(self, images):
        x = self.first(self.norms[0](images))
        x = x + self.norms[1](x)
        return self.norms[2](self.twice(self.twice(x)))


def test_what_must_not_be_folded_stays():
    """Folding one of these would change another output."""
    model = with_a_past(Shared()).double()
    folded = symbolic_trace(copy.deepcopy(model))
    fold_batch_norms(folded)
    images = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(folded(images), model(images))
    assert batch_norms(folded) == 3


@pytest.mark.parametrize("layer", ["bn1", "layer2.1", "layer3", "avgpool", "fc"])
def test_a_frozen_copy_returns_the_same_activations(layer):
    """At every kind of layer; and the layers after it are gone."""
    model, images = with_a_past(StagedNet()), torch.randn(4, 3, 16, 16)
    with torch.no_grad(), tl.record_layers(model, layer) as recorded:
        model(images)
    frozen = FrozenNetwork(model, layer)
    torch.testing.assert_close(frozen(images), recorded[layer], rtol=1e-4, atol=1e-5)
    assert ("fc" in dict(frozen.network.named_modules())) == (layer == "fc")


@pytest.mark.parametrize("size", [32, 64])  # maps of one pixel in the last stage, and larger ones
def test_all_batch_norms_of_a_resnet_are_folded(size):
    """All fifty-three, and the logits stay the same."""
    model, images = with_a_past(tl.ResNet50()), torch.randn(1, 3, size, size)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.mul_(0.2)  # or the numbers grow from block to block
    frozen = FrozenNetwork(model, "fc")
    called = [node.target for node in frozen.network.graph.nodes]
    assert batch_norms(model) == 53 and not any("bn" in str(name) or "downsample.1" in str(name) for name in called)
    torch.testing.assert_close(frozen(images), model(images).detach(), rtol=1e-3, atol=1e-4)


def test_the_network_stays_as_it_was():
    """Its parameters, its statistics and its mode are not changed."""
    model = TinyNet().train()
    before = copy.deepcopy(model.state_dict())
    FrozenNetwork(model, "avgpool")(torch.randn(2, 3, 16, 16))
    assert model.training and all(value.equal(before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("change", ["a step", "a statistic", "load_state_dict", "a new head"])
def test_features_are_those_of_the_network_as_it_is_now(loader, change):
    """Features that are extracted after a change are those of the changed network."""
    model = TinyNet()
    first, _ = tl.extract_features(model, loader, layer="fc")
    if change == "a step":
        tl.train_one_epoch(model, loader, torch.optim.SGD(model.parameters(), lr=0.5))
    elif change == "a statistic":
        model.bn1.running_mean += 1
    elif change == "load_state_dict":
        model.load_state_dict(TinyNet().state_dict())
    else:
        model.fc = nn.Linear(4, 2)
    again, _ = tl.extract_features(model, loader, layer="fc")
    images = torch.cat([images for images, _ in loader])
    torch.testing.assert_close(again, model.cpu().eval()(images).detach(), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(first, again, atol=1e-3)


class Fusing(nn.Module):
    """Sums and ReLUs of all kinds: some can be fused with the convolution before them, some cannot."""

    def __init__(self, bias):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=bias)
        self.convs = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1, groups=1 + i % 2, bias=bias) for i in range(8))
        self.twice, self.relu = nn.Conv2d(4, 4, 1, bias=bias), nn.ReLU(inplace=True)

    def forward(self, images):
        x = self.relu(self.stem(images))
        x = torch.relu(self.convs[0](x) + x)
        x = x + self.convs[1](x)
        out = self.convs[2](x)
        out += x
        x = F.relu(out)
        x = self.convs[3](x) + self.convs[4](x)
        wanted = self.convs[5](x)  # used again below
        x = self.relu(wanted) + wanted
        x = torch.relu(self.convs[6](x)) + x  # the ReLU comes before the sum
        x = self.twice(torch.relu(self.twice(x)))
        return self.convs[7](x) + 1


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [(1, 7), (5, 12)])
def test_fusing_changes_nothing_but_the_number_of_calls(bias, size):
    """Whatever may follow a convolution; with other numbers of images afterwards."""
    torch.manual_seed(0)
    model, (n, side) = Fusing(bias).eval(), size
    fused = symbolic_trace(copy.deepcopy(model))
    fuse_convolutions(fused)
    names = [str(node.target) for node in fused.graph.nodes]
    assert sum("add" in name for name in names) == 3 and sum("relu" in name for name in names) == 2
    with torch.no_grad():
        for images in (torch.randn(n, 3, side, side), torch.randn(n + 2, 3, side, side)):
            torch.testing.assert_close(fused(images), model(images), rtol=1e-4, atol=1e-5)


def test_a_resnet_is_convolutions_and_little_else():
    """Its fifty-three convolutions do the forty-nine ReLUs and sixteen sums."""
    called = [node.target for node in FrozenNetwork(tl.ResNet50(), "avgpool").network.graph.nodes]
    assert len(called) == 2 + 53 + 2 + 1  # images, their batch axis, convolutions, two poolings, what is returned


def test_many_images_are_computed_some_at_a_time():
    """In their order, and none is lost; in a small network all layers but the first are late ones."""
    early, late = IMAGES_AT_ONCE
    frozen, images = FrozenNetwork(with_a_past(StagedNet()), "fc"), torch.randn(late + early + 3, 3, 16, 16)
    seen = {"early": [], "late": []}
    for name, counts in seen.items():
        getattr(frozen, name).register_forward_pre_hook(lambda _, inputs, counts=counts: counts.append(len(inputs[0])))
    together = frozen(images)
    assert seen == {"early": [early] * 5 + [3], "late": [late, early + 3]} and late == 4 * early
    torch.testing.assert_close(together, torch.cat([frozen(image[None]) for image in images]), rtol=1e-4, atol=1e-5)


def test_a_resnet_is_cut_before_the_stage_with_many_weights():
    """The tensor at the cut is the output of layer2."""
    model, images = tl.ResNet50().eval(), torch.randn(1, 3, 32, 32)
    early, late = cut(symbolic_trace(model))
    with torch.no_grad(), tl.record_layers(model, "layer2") as recorded:
        logits = model(images)
        torch.testing.assert_close(early(images), recorded["layer2"])
        torch.testing.assert_close(late(recorded["layer2"]), logits)


class Crossing(nn.Module):
    """The image itself and an early output are wanted again later, around all the weights but those at the end."""

    def __init__(self):
        super().__init__()
        self.light, self.heavy, self.last = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 9, padding=4), nn.Conv2d(3, 3, 5)

    def forward(self, images):
        x = self.light(images).relu()
        return self.last(self.heavy(x) + x + images)


def test_a_cut_is_made_where_one_tensor_carries_everything():
    """Wherever it may be, the two parts together are the network."""
    model, images = Crossing().eval(), torch.randn(2, 3, 8, 8)
    places = set()
    for share in (0.0, 0.1, 0.8, 1.0):
        early, late = cut(symbolic_trace(model), max_early_share=share)
        places.add(len(early.graph.nodes))
        torch.testing.assert_close(late(early(images)), model(images))
    assert places == {2, 7, 8}
