"""What a training step keeps is counted once each; computing it again instead changes nothing but the memory."""

import copy
import weakref

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import tlhelpers as tl
from tests.tiny import StagedNet
from tlhelpers.cost.memory import recompute_blocks, saved_bytes
from tlhelpers.network.resnet import Bottleneck
from tlhelpers.precision import keep_dtype

DEVICE = tl.pick_device()


@pytest.fixture(autouse=True)
def float32():
    """Compute in float32, so that every number takes four bytes."""
    before = tl.pick_dtype(DEVICE)
    keep_dtype(DEVICE, torch.float32)
    yield
    keep_dtype(DEVICE, before)


class BlockNet(StagedNet):
    """A small network with ResNet-50's stages, each of two of its blocks."""

    def __init__(self) -> None:
        super().__init__()
        for number, channels in enumerate((6, 8, 8, 8), start=1):
            blocks = Bottleneck(channels, 2, stride=min(number, 2)), Bottleneck(8, 2)
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
        self.fc = nn.Linear(8, 3)


def test_the_kept_bytes_are_those_counted_by_hand():
    """Linear keeps its input, ReLU its output, which the next layer shares as its input; parameters do not count."""
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 7), nn.ReLU())
    images = torch.randn(2, 3)
    assert saved_bytes(model, images) == 4 * 2 * (3 + 5 + 7)
    tl.freeze(model[:2])
    assert saved_bytes(model, images) == 4 * 2 * (5 + 7)
    tl.freeze(model)
    assert saved_bytes(model, images) == 0


def test_counting_changes_nothing():
    """Parameters and running statistics stay the same, and no gradient appears."""
    model = BlockNet().to(DEVICE)
    before = copy.deepcopy(model.state_dict())
    saved_bytes(model, torch.randn(2, 3, 32, 32))
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_was_kept_for_the_count_is_freed():
    """Nothing holds the images after the count, although ReLU keeps its own output."""
    images = torch.randn(2, 3)
    alive = weakref.ref(images)
    saved_bytes(nn.Sequential(nn.Linear(3, 5), nn.ReLU()), images)
    del images
    assert alive() is None


def step(model, images, labels):
    """Compute a forward and a backward pass; return the loss."""
    tl.train_mode(model)
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    return loss.item()


@pytest.mark.parametrize("prepare", [tl.unfreeze, tl.freeze_batch_norm, lambda model: tl.freeze_below(model, "layer3")])
def test_recomputing_gives_the_same_step(prepare):
    """Loss, gradients and running statistics are equal to the bit; so are those of a copy of such a network."""
    model = BlockNet().to(DEVICE)
    images, labels = torch.randn(3, 3, 64, 64).to(DEVICE), torch.tensor([0, 1, 2]).to(DEVICE)
    prepare(model)
    other = copy.deepcopy(model)
    recompute_blocks(other)
    other = copy.deepcopy(other)
    assert step(other, images, labels) == step(model, images, labels)
    for (name, value), mine in zip(model.named_parameters(), other.parameters(), strict=True):
        assert (value.grad is None and mine.grad is None) or value.grad.equal(mine.grad), name
    assert all(value.equal(other.state_dict()[name]) for name, value in model.state_dict().items())


def test_recomputing_keeps_much_less():
    """Less than half of the activations of ResNet-50 are kept; in eval mode nothing changes."""
    model, images = tl.ResNet50(3).to(DEVICE), torch.randn(2, 3, 64, 64).to(DEVICE)
    whole, logits = saved_bytes(model, images), model.eval()(images)
    recompute_blocks(model)
    recompute_blocks(model)  # a second time changes nothing
    assert 0 < saved_bytes(model, images) < whole / 2
    assert model.eval()(images).equal(logits)
