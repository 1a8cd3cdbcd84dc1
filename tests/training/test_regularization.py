"""Rates by stage, the pull to the start, and averaged weights do what their formulas say."""

import copy

import pytest
import torch
from torch import nn

from tests.tiny import StagedNet
from tlhelpers.training.freezing import freeze_below
from tlhelpers.training.regularization import average_weights, one_rate, pull_to_start, rates_by_stage


def test_one_rate_covers_every_parameter():
    """One group with all parameters of the model, in order."""
    model = StagedNet()
    (group,) = one_rate(model, 0.2)
    assert group["lr"] == 0.2 and [id(p) for p in group["params"]] == [id(p) for p in model.parameters()]


def test_rates_fall_from_the_head_to_the_stem():
    """The head has the rate given, each stage below ``decay`` times that of the one above; no parameter is missing."""
    model = StagedNet()
    groups = rates_by_stage(model, 0.1, decay=0.5)
    assert [group["lr"] for group in groups] == pytest.approx([0.1 * 0.5**above for above in (5, 4, 3, 2, 1, 0)])
    assert [id(p) for group in groups for p in group["params"]] == [id(p) for p in model.parameters()]
    torch.optim.SGD(groups, lr=1.0)


@pytest.mark.parametrize("decay", [0, -0.1, 1.5, float("nan")])
def test_rates_by_stage_refuse_a_decay_out_of_range(decay):
    """A decay above 1 would train the early stages fastest, and 0 would not train them."""
    with pytest.raises(ValueError, match=f"decay is {decay}; it must be above 0 and at most 1"):
        rates_by_stage(StagedNet(), 0.1, decay=decay)


def test_the_pull_is_weight_decay_around_the_start():
    """Steps with the pull are those of AdamW with weight decay on the difference from the start, but for the order."""
    model = nn.Linear(5, 1, bias=False, dtype=torch.float64)
    before, gradients = copy.deepcopy(model), torch.randn(30, 1, 5, dtype=torch.float64)
    difference = torch.zeros(1, 5, dtype=torch.float64, requires_grad=True)
    first = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.0)
    second = torch.optim.AdamW([difference], lr=0.1, weight_decay=0.3)
    for gradient in gradients:
        pull_to_start(first, model, before, 0.3)  # AdamW pulls before its step
        model.weight.grad, difference.grad = gradient.clone(), gradient.clone()
        first.step()
        second.step()
    torch.testing.assert_close(model.weight.detach(), before.weight.detach() + difference.detach())


def test_the_pull_leaves_head_and_frozen_parameters_alone():
    """The head is new, and what has no gradient is not trained."""
    model = StagedNet()
    before = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 1
    freeze_below(model, "layer4")
    model(torch.ones(2, 3, 16, 16)).sum().backward()
    moved = copy.deepcopy(model)
    pull_to_start(optimizer, model, before, 1.0)
    changed = {name for name, old in moved.named_parameters() if not old.equal(model.get_parameter(name))}
    assert changed == {name for name, _ in model.named_parameters() if name.startswith("layer4")}


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_averaged_weights_have_the_share_that_is_asked_for(share):
    """Each parameter is (1 - share) times itself plus share times its value from before."""
    model, before = StagedNet(), StagedNet()
    after = copy.deepcopy(model)
    average_weights(model, before, share=share)
    for mean, old, new in zip(model.parameters(), before.parameters(), after.parameters(), strict=True):
        torch.testing.assert_close(mean, share * old + (1 - share) * new)


def test_weights_of_another_network_are_not_averaged():
    """It is refused before anything changes."""
    model = StagedNet(2)
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match="before has other parameters than model; it must be a copy of it"):
        average_weights(model, StagedNet(3))
    assert all(torch.equal(values, before[name]) for name, values in model.state_dict().items())
