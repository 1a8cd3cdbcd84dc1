"""What a step keeps is counted once each, and what is computed again on the way back changes nothing but that."""

import copy
import weakref
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import tlhelpers as tl
from tlhelpers.cost.memory import recompute_blocks, saved_bytes


@pytest.fixture(autouse=True)
def float32_on_the_cpu(monkeypatch):
    monkeypatch.setattr("tlhelpers.cost.memory.autocast", lambda device: nullcontext())
    monkeypatch.setattr("tlhelpers.cost.memory.pick_device", lambda: torch.device("cpu"))


def test_what_is_kept_is_counted_by_hand():
    """Linear keeps its input, ReLU its output, which the next layer shares as its input; weights do not count."""
    model = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 7), nn.ReLU())
    images = torch.randn(2, 3)
    assert saved_bytes(model, images) == 4 * 2 * (3 + 5 + 7)
    tl.freeze(model[:2])
    assert saved_bytes(model, images) == 4 * 2 * (5 + 7)
    tl.freeze(model)
    assert saved_bytes(model, images) == 0


def test_to_count_changes_nothing():
    model, images = tl.ResNet50(3), torch.randn(2, 3, 32, 32)
    before = copy.deepcopy(model.state_dict())
    saved_bytes(model, images)
    assert all(value.equal(before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_was_kept_to_be_counted_is_given_back():
    """Also what a layer keeps of its own output, as ReLU does: nothing holds the images once the count is there."""
    images = torch.randn(2, 3)
    alive = weakref.ref(images)
    saved_bytes(nn.Sequential(nn.Linear(3, 5), nn.ReLU()), images)
    del images
    assert alive() is None


def step(model, images, labels):
    """Return the loss of a step's two passes."""
    tl.train_mode(model)
    loss = F.cross_entropy(model(images), labels)
    loss.backward()
    return loss.item()


@pytest.mark.parametrize("prepare", [tl.unfreeze, tl.freeze_batch_norm, lambda model: tl.freeze_below(model, "layer3")])
def test_recomputing_gives_the_same_step(prepare):
    """Loss, gradients, running statistics and their count, to the bit; also in a copy of such a network."""
    model, images, labels = tl.ResNet50(3), torch.randn(3, 3, 64, 64), torch.tensor([0, 1, 2])
    prepare(model)
    other = copy.deepcopy(model)
    recompute_blocks(other)
    other = copy.deepcopy(other)
    assert step(other, images, labels) == step(model, images, labels)
    for (name, value), mine in zip(model.named_parameters(), other.parameters(), strict=True):
        assert (value.grad is None and mine.grad is None) or value.grad.equal(mine.grad), name
    assert all(value.equal(other.state_dict()[name]) for name, value in model.state_dict().items())


def test_recomputing_keeps_much_less():
    """Of a ResNet's activations less than half; without training, nothing changes."""
    model, images = tl.ResNet50(3), torch.randn(2, 3, 64, 64)
    whole, said = saved_bytes(model, images), model.eval()(images)
    recompute_blocks(model)
    recompute_blocks(model)  # a second time is none
    assert 0 < saved_bytes(model, images) < whole / 2
    assert model.eval()(images).equal(said)
