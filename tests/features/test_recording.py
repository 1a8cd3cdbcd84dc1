"""Recorded are the outputs of the layers named, and no hook stays."""

import pytest
import torch
from torch import nn

import tlhelpers as tl
from tests.features.networks import tiny


def hooks(model):
    return sum(len(part._forward_hooks) for part in model.modules())


def test_recorded_is_what_the_layers_give_out():
    """The dictionary holds the output of each layer named, of the last pass."""
    model, images = tiny().eval(), torch.randn(2, 3, 9, 9)
    with tl.record_layers(model, "conv1", "fc") as recorded:
        model(torch.zeros(1, 3, 9, 9))
        logits = model(images)
    assert set(recorded) == {"conv1", "fc"}
    assert torch.equal(recorded["conv1"], model.conv1(images)) and torch.equal(recorded["fc"], logits)
    assert not recorded["fc"].requires_grad


def test_a_record_outlives_what_happens_next_in_place():
    """A ReLU that writes into what batch norm gave out, as torchvision's do, does not change what was recorded."""
    model = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(inplace=True)).eval()
    images = torch.randn(2, 3, 4, 4)
    with tl.record_layers(model, "0") as recorded:
        model(images)
    assert torch.equal(recorded["0"], model[0](images).detach()) and (recorded["0"] < 0).any()


def test_no_hook_is_left_behind():
    """After the block the model is as before, and later passes are not recorded."""
    model = tiny()
    with tl.record_layers(model, "conv1", "avgpool") as recorded:
        assert hooks(model) == 2
    model(torch.randn(1, 3, 9, 9))
    assert hooks(model) == 0 and recorded == {}


def test_no_hook_is_left_behind_by_an_error():
    """An exception inside the block passes through, and takes the hooks with it."""
    model = tiny()
    with pytest.raises(ZeroDivisionError), tl.record_layers(model, "conv1"):
        raise ZeroDivisionError
    assert hooks(model) == 0


@pytest.mark.parametrize(("name", "near"), [("avgpol", "avgpool"), ("conv", "conv1"), ("zzz", "conv1, bn1")])
def test_an_unknown_layer_is_answered_with_near_names(name, near):
    """The error names the layer asked for and layers that there are; nothing was hooked."""
    model = tiny()
    with pytest.raises(ValueError, match=f"no layer '{name}'; near names: .*{near}"), tl.record_layers(model, name):
        pass
    assert hooks(model) == 0
