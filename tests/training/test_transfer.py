"""Each strategy trains what its name says, begins where it must, and refuses what cannot be learned."""

import copy
import inspect
import json
from pathlib import Path

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tests.tiny import ENTRY, StagedNet, write_folder
from tlhelpers import ResNet50
from tlhelpers.machine import set_seed
from tlhelpers.photos.datasets import image_folder
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import eval_transform
from tlhelpers.training import transfer as recipes
from tlhelpers.training.loop import evaluate
from tlhelpers.training.probe import fit_classifier, fit_probe
from tlhelpers.training.transfer import PEAK_RATES, cross_validate, transfer

STAGES = ["conv1", "layer1", "layer2", "layer3", "layer4"]
SMALL = {"size": 16, "batch_size": 5}


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Features of these photos must not end up in the user's cache."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path):
    return image_folder(write_folder(tmp_path / "set", train=9))


def accuracy(model, part):
    return evaluate(model, make_loader(part, eval_transform(ENTRY))).accuracy


def changed(before, after):
    """The names of what is different, head apart; both go to the CPU, wherever training took them."""
    old, new = before.cpu().state_dict(), after.cpu().state_dict()
    return {name for name, value in new.items() if name[:3] != "fc." and not value.equal(old[name])}


MOVES = ("running_mean", "running_var", "num_batches_tracked")
NORMS = {"bn1", *(f"layer{number}.1" for number in (1, 2, 3, 4))}


@pytest.mark.parametrize(
    ("strategy", "kinds"),
    [
        ("linear probe", ()),
        ("bias only", ("bias", *MOVES)),
        ("batch norm only", ("weight", "bias", *MOVES)),
    ],
)
def test_what_is_not_trained_stays(photos, strategy, kinds):
    """Nothing moves but the batch norms' numbers of the kinds named; all of those do."""
    before = StagedNet()
    model = copy.deepcopy(before)
    transfer(model, photos.train, strategy, **SMALL)
    assert changed(before, model) == {f"{norm}.{kind}" for norm in NORMS for kind in kinds}


@pytest.mark.parametrize("strategy", ["LP-FT", "discriminative rates", "L2-SP", "full"])
def test_full_strategies_move_everything(photos, strategy):
    """Every tensor of the body is another one afterwards."""
    before = StagedNet()
    model = copy.deepcopy(before)
    transfer(model, photos.train, strategy, **SMALL)
    assert changed(before, model) == {name for name in before.state_dict() if name[:3] != "fc."}


@pytest.mark.parametrize("strategy", ["frozen batch norm", "WiSE-FT"])
def test_frozen_batch_norms_are_frozen_and_nothing_else(photos, strategy):
    """Every convolution moves; no scale, shift or running statistic does."""
    before = StagedNet()
    model = copy.deepcopy(before)
    transfer(model, photos.train, strategy, **SMALL)
    convolutions = {"conv1.weight", *(f"layer{number}.0.weight" for number in (1, 2, 3, 4))}
    assert changed(before, model) == convolutions


def test_wise_fine_tuning_ends_half_way_between_probe_and_frozen_batch_norm(photos):
    """Every tensor is the mean of what the two other strategies end with, given the same random numbers."""
    before, models = StagedNet(), {}
    for strategy in ("linear probe", "frozen batch norm", "WiSE-FT"):
        set_seed(0)
        models[strategy] = copy.deepcopy(before)
        transfer(models[strategy], photos.train, strategy, **SMALL)
    probe, tuned, averaged = (dict(model.named_parameters()) for model in models.values())
    for name, value in averaged.items():
        torch.testing.assert_close(value, (probe[name] + tuned[name]) / 2)
    assert not probe["conv1.weight"].equal(tuned["conv1.weight"])


def test_steps_are_no_longer_than_clipped_gradients(photos, monkeypatch):
    """Gradients clipped to next to nothing move next to nothing, where they moved the weights before."""
    model, moved = StagedNet(), {}
    for longest in (recipes.LONGEST, 1e-6):
        monkeypatch.setattr(recipes, "LONGEST", longest)
        tuned = copy.deepcopy(model)
        transfer(tuned, photos.train, "LP-FT", peak_rate=0.01, **SMALL)
        moved[longest] = (tuned.cpu().layer2[0].weight - model.layer2[0].weight).norm().item()
    assert moved[1e-6] < 1e-4 < 1e-2 < moved[1.0]


def test_sizes_may_change_from_epoch_to_epoch(photos, monkeypatch):
    """Each epoch trains with images of its own size; as many sizes as epochs are needed."""
    seen, train = [], recipes.train_one_epoch

    def watched(model, loader, *rest, **options):
        seen.append({tuple(images.shape[2:]) for images, _ in loader})
        return train(model, loader, *rest, **options)

    monkeypatch.setattr(recipes, "train_one_epoch", watched)
    transfer(StagedNet(), photos.train, size=(8, 12, 16), batch_size=5)
    assert seen == [{(8, 8)}, {(12, 12)}, {(16, 16)}]
    with pytest.raises(ValueError, match="there are 2 sizes for 3 epochs; give one for each, or one for all"):
        transfer(StagedNet(), photos.train, size=(8, 12))


@pytest.mark.parametrize("epochs", [1, 2, 5, 6])
def test_gradual_unfreezing_takes_one_stage_more_with_each_epoch(photos, epochs):
    """After one epoch layer4 has moved, after two layer3 too, and so on to the stem; batch norms below do not."""
    before = StagedNet()
    model = copy.deepcopy(before)
    transfer(model, photos.train, "gradual unfreezing", epochs=epochs, **SMALL)
    stages = {name.split(".")[0] for name in changed(before, model)} - {"bn1"}
    assert stages == set(STAGES[::-1][:epochs])


def test_fine_tuning_begins_with_the_probe(photos):
    """With a tiny rate, LP-FT is the probe: the same answers, while "full" begins with a random head."""
    model = StagedNet()
    probe = copy.deepcopy(model)
    transfer(probe, photos.train, "linear probe")
    classifier = fit_probe(model, photos.train)
    direction = (probe.fc.weight[1] - probe.fc.weight[0]).cpu()
    torch.testing.assert_close(direction, torch.tensor(classifier.coef_[0]).float())
    transfer(model, photos.train, "LP-FT", peak_rate=1e-9, epochs=1, **SMALL)
    torch.testing.assert_close(model.fc.weight.cpu(), probe.fc.weight.cpu())
    transfer(model, photos.train, "full", peak_rate=1e-9, epochs=1, **SMALL)
    assert not torch.allclose(model.fc.weight.cpu(), probe.fc.weight.cpu())


def test_the_pull_keeps_nearer_to_the_start(photos, monkeypatch):
    """The stronger it is, the shorter the way of the weights."""
    start, ways = StagedNet(), []
    for strategy in ("LP-FT", "L2-SP"):
        torch.manual_seed(0)
        model = copy.deepcopy(start)
        monkeypatch.setattr("tlhelpers.training.transfer.PULL", 50.0)
        transfer(model, photos.train, strategy, epochs=20, peak_rate=0.01, **SMALL)
        ways.append((model.cpu().conv1.weight - start.conv1.weight).norm().item())
    assert ways[1] < 0.7 * ways[0]


def test_from_scratch_keeps_nothing(photos):
    """A ResNet-50 whose weights are all alike forgets them, and has a head for the new classes."""
    model = ResNet50()
    model.weights = ENTRY
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 0.5)
    model.bn1.running_mean += 7
    transfer(model, photos.train.subset([0, 10]), "from scratch", epochs=1, size=32, peak_rate=1e-9)
    assert model.fc.out_features == 2
    assert model.conv1.weight.std() > 0.01 and model.layer4[2].conv3.weight.std() > 0.005
    assert model.bn1.running_mean.abs().max() < 2


@pytest.mark.parametrize("strategy", [strategy for strategy in PEAK_RATES if strategy != "from scratch"])
def test_every_strategy_but_scratch_learns_dark_from_light(photos, strategy):
    """Most of it is right in the end; from scratch it would take too long for a test."""
    set_seed(0)
    model = StagedNet()
    for images, _ in make_loader(photos.train, eval_transform(ENTRY)):
        for _ in range(50):
            model(images)  # so that its batch norms know such photos, as those of a pretrained network do
    transfer(model, photos.train, strategy, epochs=12, peak_rate=0.05, size=16, batch_size=9)
    assert accuracy(model, photos.val) >= 0.75


def test_cross_validation_judges_every_photo_once_and_leaves_the_model_alone(photos):
    model = StagedNet()
    before = copy.deepcopy(model)
    folds = cross_validate(model, photos.train, "linear probe", count=3)
    assert len(folds) == 3
    judged, labels = torch.cat([fold.logits for fold in folds]), torch.cat([fold.labels for fold in folds])
    assert judged.shape == (18, 2) and labels.sort().values.equal(photos.train.labels)
    assert not changed(before, model) and model.fc.weight.equal(before.fc.weight)


def test_labels_without_meaning_are_not_learned(tmp_path):
    """Where the labels are drawn by lot, cross-validation stays near chance: no photo judges what it trained."""
    train = image_folder(write_folder(tmp_path / "lot", train=40)).train
    train.labels = torch.randint(2, (80,))
    folds = cross_validate(StagedNet(), train, "linear probe", count=4)
    assert 0.2 < sum(fold.accuracy for fold in folds) / 4 < 0.8


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"strategy": "all"}, "strategy is 'all'; it must be one of linear probe, WiSE-FT, frozen batch norm"),
        ({"epochs": 0}, "epochs is 0; it must be positive"),
        ({"peak_rate": -1.0}, "peak_rate is -1.0; it must be positive"),
        ({"peak_rate": 0}, "peak_rate is 0; it must be positive"),
        ({"peak_rate": float("nan")}, "peak_rate is nan"),
        ({"size": 0}, "size is 0"),
    ],
)
def test_bad_options_are_refused_before_anything_is_changed(photos, options, sentence):
    """One sentence, and the model is as it was."""
    model = StagedNet()
    before = copy.deepcopy(model)
    with pytest.raises(ValueError, match=sentence):
        transfer(model, photos.train, **options)
    assert not changed(before, model) and model.fc.weight.equal(before.fc.weight)


@pytest.mark.parametrize(("photos", "dimensions", "classes"), [(24, 60, 2), (24, 60, 3), (60, 8, 2), (60, 8, 4)])
def test_classifier_is_the_one_found_without_turning_the_features(photos, dimensions, classes):
    """Weights and probabilities are scikit-learn's for the features as they are, be there more of them or of photos."""
    generator = torch.Generator().manual_seed(photos + classes)
    labels = torch.arange(photos) % classes
    features = 3 + torch.randn(photos, dimensions, generator=generator, dtype=torch.float64)
    features[:, :classes] += 1.5 * torch.eye(classes)[labels]
    found = fit_classifier(features, labels)
    exact = LogisticRegression(C=found.C, max_iter=5000, tol=1e-8).fit(features, labels)
    assert abs(found.coef_ - exact.coef_).max() < 2e-3 * abs(exact.coef_).max()
    assert abs(found.predict_proba(features) - exact.predict_proba(features)).max() < 2e-3


def test_photos_from_which_nothing_can_be_learned_are_refused(photos):
    """A class with one photo, a class with none, and one class alone."""
    with pytest.raises(ValueError, match="class 'light' has 1 photos to train with, and 2 or more are needed"):
        fit_probe(StagedNet(), photos.train.subset([0, 1, 2, 9]))
    with pytest.raises(ValueError, match="class 'light' has 0 photos"):
        transfer(StagedNet(), photos.train.subset([0, 1, 2]))
    alone = photos.train.subset([0, 1, 2])
    alone.classes = ["dark"]
    with pytest.raises(ValueError, match=r"the only class is \['dark'\]; there must be two or more"):
        fit_probe(StagedNet(), alone)


def test_the_default_is_what_cross_validation_chose():
    """In the stored choice, made with the rates of today."""
    stored = json.loads((Path(__file__).parents[2] / "benchmarks/results/choice.json").read_text(encoding="utf-8"))
    assert stored["settings"]["peak_rates"] == PEAK_RATES
    losses = {}
    for run in stored["runs"]:
        losses.setdefault(run["strategy"], []).append(run["loss"])
    assert len({len(folds) for folds in losses.values()}) == 1
    best = min(losses, key=lambda strategy: sum(losses[strategy]))
    assert best == inspect.signature(transfer).parameters["strategy"].default
