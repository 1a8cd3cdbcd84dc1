"""Adapters begin as nothing, learn alone, and end as part of the weights."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import tlhelpers as tl
from tests.tiny import StagedNet, transform, write_folder
from tlhelpers.training.adapters import AdaptedConv2d, add_adapters, merge_adapters


@st.composite
def convolutions(draw):
    """Draw a convolution in float64, and images that it can take."""
    options = {"kernel_size": draw(st.sampled_from([1, 2, 3, 7])), "stride": draw(st.integers(1, 3))}
    options |= {"padding": draw(st.integers(0, 3)), "dilation": draw(st.integers(1, 2)), "bias": draw(st.booleans())}
    torch.manual_seed(draw(st.integers(0, 2**31)))
    convolution = nn.Conv2d(draw(st.integers(1, 4)), draw(st.integers(1, 4)), **options).double()
    return convolution, torch.randn(2, convolution.in_channels, 13, 14, dtype=torch.float64)


@given(convolutions(), st.integers(1, 5))
def test_an_adapter_begins_as_nothing_and_ends_in_the_weights(drawn, rank):
    """With zeros above it changes no bit; with other numbers the merged convolution does what both did together."""
    convolution, images = drawn
    before = convolution(images)
    adapted = AdaptedConv2d(convolution, rank)
    assert adapted(images).equal(before)
    nn.init.normal_(adapted.up.weight)
    together = adapted(images)
    torch.testing.assert_close(together, convolution(images) + adapted.up(adapted.down(images)))
    torch.testing.assert_close(adapted.merge()(images), together, rtol=1e-10, atol=1e-10)


def test_only_adapters_and_head_learn(tmp_path):
    """Real steps: every number from before is the same to the bit, running statistics included, but the head's."""
    photos = tl.image_folder(write_folder(tmp_path / "set")).train
    torch.manual_seed(1)
    model = StagedNet(num_classes=2)
    before = copy.deepcopy(model).state_dict()
    add_adapters(model, 2)
    first = copy.deepcopy(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(2):
        tl.train_one_epoch(model, tl.make_loader(photos, transform(), batch_size=4), optimizer)
    for name, value in model.cpu().state_dict().items():
        learns = "fc." in name or ".down." in name or ".up." in name
        assert learns != value.equal(first.state_dict()[name]), name
        assert learns or value.equal(before[name.replace("convolution.", "")])


def test_the_merged_network_has_the_old_names():
    """It loads into a network that never heard of adapters, and says there what the adapted one said."""
    model, images = tl.ResNet50(3).eval(), torch.randn(2, 3, 32, 32)
    add_adapters(model, 1)
    for module in model.modules():
        if isinstance(module, AdaptedConv2d):
            nn.init.normal_(module.up.weight, std=0.01)
    said = model(images)
    merge_adapters(model)
    plain = tl.ResNet50(3).eval()
    plain.load_state_dict(model.state_dict())
    torch.testing.assert_close(plain(images), said, rtol=1e-3, atol=1e-3)


def test_weights_that_were_not_merged_are_named(tmp_path):
    """The names of their layers are not those of a ResNet-50."""
    model = tl.ResNet50(2)
    add_adapters(model, 1)
    torch.save(model.state_dict(), tmp_path / "a.pth")
    with pytest.raises(ValueError, match=r"a.pth has weights of adapters; merge them before saving"):
        tl.load_resnet50(tmp_path / "a.pth")


@pytest.mark.parametrize("rank", [1, 4])
def test_so_many_numbers_are_trained(rank):
    """For a kernel of (O, C, k, k) the adapter has r (C k k + O)."""
    model = tl.ResNet50(3)
    kernels = [module.weight.shape for module in model.modules() if isinstance(module, nn.Conv2d)]
    add_adapters(model, rank)
    expected = sum(rank * (c * k * k + o) for o, c, k, _ in kernels) + 3 * 2048 + 3
    assert len(kernels) == 53 and tl.count_parameters(model)[0] == expected


def test_what_makes_no_sense_is_refused():
    model = StagedNet()
    with pytest.raises(ValueError, match="rank is 0; it must be an integer of 1 or more"):
        add_adapters(model, 0)
    with pytest.raises(ValueError, match="has no adapters; it must have some; add them with add_adapters"):
        merge_adapters(model)
    add_adapters(model, 1)
    with pytest.raises(ValueError, match="has adapters already; it must have none; merge them with merge_adapters"):
        add_adapters(model, 1)
