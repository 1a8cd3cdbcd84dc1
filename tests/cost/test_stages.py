"""The costs of a stage are those that autograd shows, and measuring them leaves the model as it is."""

import copy
import itertools

import pytest
import torch

import tlhelpers as tl
from tests.tiny import StagedNet
from tlhelpers.cost import stages


def test_measuring_leaves_the_model_alone():
    """Parameters, flags, modes and the state of the random numbers stay the same, and no gradient appears."""
    model = StagedNet().eval()
    tl.freeze_below(model, "layer2")
    tensors, flags = copy.deepcopy(model.state_dict()), [p.requires_grad for p in model.parameters()]
    random = torch.get_rng_state()
    stages.measure_stages(model)
    assert all(tensor.equal(model.state_dict()[name]) for name, tensor in tensors.items())
    assert [p.requires_grad for p in model.parameters()] == flags and torch.get_rng_state().equal(random)
    assert not any(module.training for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_activations_are_what_autograd_keeps():
    """For all 64 choices of trained stages, the sum of the parts equals the bytes that autograd keeps."""
    model = StagedNet()
    costs, names = stages.measure_stages(model), list(model.stages())
    image = torch.rand(1, 3, stages.PIXELS, stages.PIXELS)
    for chosen in itertools.product([True, False], repeat=6):
        trained = {name for name, on in zip(names, chosen, strict=True) if on}
        stages.train_stages(model, trained)
        found = stages.saved_by_stage(model, image)
        assert costs.activation_bytes(trained) == sum(new for new, _ in found.values()), trained


def test_seconds_lie_between_the_two_measured_times():
    """The head alone and all stages take the measured times; one more stage takes longer, an earlier one even more."""
    names = ("stem", "layer1", "head")
    costs = stages.Costs({name: stages.StageCosts(multiply_adds=100) for name in names}, 1.0, 3.0)
    assert (costs.seconds({"head"}), costs.seconds({"stem", "layer1", "head"})) == (1.0, 3.0)
    assert 1.0 < costs.seconds({"layer1", "head"}) < costs.seconds({"stem", "head"}) < 3.0


def test_multiply_adds_are_counted_by_stage():
    """A ResNet-50 needs 4.09 billion for an image of 224 by 224 pixels, 118,013,952 of them in the stem."""
    counts = stages.count_multiply_adds(tl.ResNet50(), torch.zeros(1, 3, 224, 224))
    assert counts["stem"] == 118_013_952
    assert round(sum(counts.values()) / 1e9, 2) == 4.09


def test_a_model_without_stages_is_refused():
    """The message names the kind of the model and says which kind is needed."""
    with pytest.raises(
        ValueError, match="model is of type Linear without 'stages'; it must be a ResNet50 of this package"
    ):
        stages.measure_stages(torch.nn.Linear(2, 2))
