"""What is frozen and what is trained, by stage and by kind of parameter."""

import pytest

from tests.tiny import StagedNet, TinyNet
from tlhelpers.training.freezing import (
    count_parameters,
    freeze,
    freeze_below,
    train_only,
    unfreeze,
    unfreeze_one_more_stage,
)

STAGES = ["stem", "layer1", "layer2", "layer3", "layer4", "head"]


def test_freezing_and_unfreezing_change_the_number_of_trained_parameters():
    model = TinyNet()
    total = sum(p.numel() for p in model.parameters())
    freeze(model)
    assert count_parameters(model) == (0, total)
    unfreeze(model.fc)
    assert count_parameters(model) == (4 * 2 + 2, total)


def trained(model):
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_below_a_stage_is_frozen(stage):
    """The stage itself and all that follows is trained, whatever was frozen before."""
    model = StagedNet()
    freeze(model)
    freeze_below(model, stage)
    for name, modules in model.stages().items():
        for module in modules:
            wanted = STAGES.index(name) >= STAGES.index(stage)
            assert all(parameter.requires_grad == wanted for parameter in module.parameters())


@pytest.mark.parametrize(("epoch", "first"), [(0, "layer4"), (1, "layer3"), (3, "layer1"), (4, "stem"), (9, "stem")])
def test_one_more_stage_is_trained_with_each_epoch(epoch, first):
    """From layer4 down to the stem, and from then on everything."""
    model, expected = StagedNet(), StagedNet()
    unfreeze_one_more_stage(model, epoch)
    freeze_below(expected, first)
    assert trained(model) == trained(expected)


def test_batch_norm_alone_and_biases_alone():
    """Scales and shifts, or shifts, of all batch norms; the head always; no convolution."""
    model = StagedNet()
    norms = ["bn1"] + [f"layer{number}.1" for number in (1, 2, 3, 4)]
    train_only(model, "batch norm")
    assert trained(model) == {f"{n}.{p}" for n in norms for p in ("weight", "bias")} | {"fc.weight", "fc.bias"}
    train_only(model, "bias")
    assert trained(model) == {f"{n}.bias" for n in norms} | {"fc.weight", "fc.bias"}


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: freeze_below(StagedNet(), "layer5"), "stage is 'layer5'; it must be one of stem, layer1"),
        (lambda: freeze_below(StagedNet(), ["head"]), r"stage is \['head'\]; it must be one of stem, layer1"),
        (lambda: train_only(StagedNet(), "weights"), "kind is 'weights'; it must be one of batch norm, bias"),
    ],
)
def test_bad_arguments_are_one_sentence(call, sentence):
    """What is wrong, the value, and what is possible."""
    with pytest.raises(ValueError, match=sentence):
        call()
