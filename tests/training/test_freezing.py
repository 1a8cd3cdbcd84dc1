"""What is trained, what stays, and a head that says what the classifier said."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tests.tiny import StagedNet, TinyNet
from tlhelpers.training.freezing import count_parameters, freeze, freeze_below, stages, train_only, unfreeze
from tlhelpers.training.heads import head_from_classifier, replace_head
from tlhelpers.training.regularization import decay_to_start, rates_by_stage

STAGES = ["stem", "layer1", "layer2", "layer3", "layer4", "head"]


def test_freezing_and_unfreezing_move_the_count():
    model = TinyNet()
    total = sum(p.numel() for p in model.parameters())
    freeze(model)
    assert count_parameters(model) == (0, total)
    unfreeze(model.fc)
    assert count_parameters(model) == (4 * 2 + 2, total)


def test_a_new_head_has_the_classes_asked_for_and_is_trained():
    model = TinyNet()
    freeze(model)
    replace_head(model, 5)
    assert model(torch.rand(3, 3, 16, 16)).shape == (3, 5)
    assert count_parameters(model)[0] == 4 * 5 + 5


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_head_says_what_the_classifier_said(classes):
    """Two classes are the odd case: scikit-learn keeps one row for both."""
    generator = torch.Generator().manual_seed(classes)
    features = torch.rand(40, 4, generator=generator)
    labels = torch.arange(40) % classes
    classifier = LogisticRegression(C=10).fit(features, labels)
    model = TinyNet()
    head_from_classifier(model, classifier)
    ours = model.fc(features).softmax(dim=1)
    torch.testing.assert_close(
        ours.double(), torch.from_numpy(classifier.predict_proba(features)).double(), atol=1e-5, rtol=0
    )


def test_a_classifier_of_other_features_is_refused():
    classifier = LogisticRegression().fit(torch.rand(6, 3), [0, 1] * 3)
    with pytest.raises(ValueError, match="fitted on 3 features, but the head takes 4"):
        head_from_classifier(TinyNet(), classifier)


@pytest.mark.parametrize("classes", [1, 0, -2])
def test_one_class_is_nothing_to_learn(classes):
    with pytest.raises(ValueError, match=f"num_classes is {classes}"):
        replace_head(TinyNet(), classes)


def trained(model):
    return {name for name, parameter in model.named_parameters() if parameter.requires_grad}


def test_stages_hold_every_parameter_once():
    """From the image to the head, none forgotten and none twice; so in a real ResNet-50."""
    with torch.device("meta"):
        from tlhelpers import ResNet50

        real = ResNet50()
    for model in (StagedNet(), real):
        parts = stages(model)
        assert list(parts) == STAGES
        found = [p for modules in parts.values() for module in modules for p in module.parameters()]
        assert [id(p) for p in found] == [id(p) for p in model.parameters()]


@pytest.mark.parametrize("stage", STAGES)
def test_what_is_below_a_stage_is_frozen(stage):
    """The stage itself and all that follows is trained, whatever was frozen before."""
    model = StagedNet()
    freeze(model)
    freeze_below(model, stage)
    parts = stages(model)
    for name, modules in parts.items():
        for module in modules:
            wanted = STAGES.index(name) >= STAGES.index(stage)
            assert all(parameter.requires_grad == wanted for parameter in module.parameters())


def test_batch_norm_alone_and_biases_alone():
    """Scales and shifts, or shifts, of all batch norms; the head always; no convolution."""
    model = StagedNet()
    norms = ["bn1"] + [f"layer{number}.1" for number in (1, 2, 3, 4)]
    train_only(model, "batch norm")
    assert trained(model) == {f"{n}.{p}" for n in norms for p in ("weight", "bias")} | {"fc.weight", "fc.bias"}
    train_only(model, "bias")
    assert trained(model) == {f"{n}.bias" for n in norms} | {"fc.weight", "fc.bias"}


def test_rates_fall_from_the_head_to_the_stem():
    """The head has the rate given; each stage below has ``decay`` times that of the one above; nobody is left out."""
    model = StagedNet()
    groups = rates_by_stage(model, 0.1, decay=0.5)
    assert [group["lr"] for group in groups] == pytest.approx([0.1 * 0.5**above for above in (5, 4, 3, 2, 1, 0)])
    assert [id(p) for group in groups for p in group["params"]] == [id(p) for p in model.parameters()]
    torch.optim.SGD(groups, lr=1.0)


def test_the_pull_is_weight_decay_around_the_start():
    """A step with the pull is that of a decayed optimizer on the difference to the start."""
    start, gradients = torch.randn(5, dtype=torch.float64), torch.randn(30, 5, dtype=torch.float64)
    ours = start.clone().requires_grad_()
    moved = torch.zeros(5, dtype=torch.float64, requires_grad=True)  # the difference to the start
    first = torch.optim.SGD([ours], lr=0.1, momentum=0.9)
    second = torch.optim.SGD([moved], lr=0.1, momentum=0.9, weight_decay=0.3)
    decay_to_start(first, 0.3)
    for gradient in gradients:
        ours.grad, moved.grad = gradient.clone(), gradient.clone()
        first.step()
        second.step()
    torch.testing.assert_close(ours.detach(), start + moved.detach())


def test_the_pull_leaves_alone_what_has_no_gradient():
    """A frozen parameter stays where it is."""
    model = StagedNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    decay_to_start(optimizer, 1.0)
    freeze_below(model, "head")
    before = model.conv1.weight.clone()
    model.fc(torch.ones(1, model.fc.in_features)).sum().backward()
    optimizer.step()
    assert torch.equal(model.conv1.weight, before)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: freeze_below(StagedNet(), "layer5"), "stage is 'layer5'; it must be one of stem, layer1"),
        (lambda: train_only(StagedNet(), "weights"), "kind is 'weights'; it must be 'batch norm' or 'bias'"),
        (lambda: rates_by_stage(StagedNet(), 0.1, decay=0), "decay is 0; it must lie above 0"),
        (lambda: rates_by_stage(StagedNet(), 0.1, decay=1.5), "decay is 1.5"),
        (lambda: decay_to_start(torch.optim.SGD(TinyNet().parameters(), 0.1), 0), "strength is 0; it must be positive"),
    ],
)
def test_bad_arguments_are_one_sentence(call, sentence):
    """What is wrong, the value, and what is possible."""
    with pytest.raises(ValueError, match=sentence):
        call()
