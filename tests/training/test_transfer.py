"""Each strategy trains what its name says, begins where it must, and refuses what cannot be learned."""

import copy
import inspect
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from scipy.stats import t

from tests.tiny import ENTRY, StagedNet, write_folder
from tlhelpers.machine import set_seed
from tlhelpers.network.identity import body_hash
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import image_folder
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import eval_transform
from tlhelpers.training.loop import evaluate
from tlhelpers.training.probe import fit_head, fit_probe
from tlhelpers.training.regularization import one_rate
from tlhelpers.training.strategies import STRATEGIES, Strategy
from tlhelpers.training.transfer import STEPS, cross_validate, transfer

STAGES = ["conv1", "layer1", "layer2", "layer3", "layer4"]
SMALL = {"size": 16, "batch_size": 5, "steps": 8}


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
        ("bias only", ("bias",)),
        ("batch norm only", ("weight", "bias")),
    ],
)
def test_what_is_not_trained_stays(photos, strategy, kinds):
    """Nothing moves but the batch norms' numbers of the kinds named; all of those do."""
    before = StagedNet()
    model = copy.deepcopy(before)
    transfer(model, photos.train, strategy, **SMALL)
    assert changed(before, model) == {f"{norm}.{kind}" for norm in NORMS for kind in kinds}


@pytest.mark.parametrize("strategy", ["trained statistics", "from scratch"])
def test_with_trained_batch_norms_everything_moves(photos, strategy):
    """Every tensor of the body is another one afterwards."""
    before = StagedNet()
    model = copy.deepcopy(before)
    row = replace(STRATEGIES[strategy], start=fit_head)
    transfer(model, photos.train, row, **SMALL)
    assert changed(before, model) == {name for name in before.state_dict() if name[:3] != "fc."}


@pytest.mark.parametrize("strategy", ["frozen batch norm"])
def test_frozen_batch_norms_are_frozen_and_nothing_else(photos, strategy):
    """Every convolution moves; no scale, shift or running statistic does."""
    before = StagedNet()
    model = copy.deepcopy(before)
    transfer(model, photos.train, strategy, **SMALL)
    convolutions = {"conv1.weight", *(f"layer{number}.0.weight" for number in (1, 2, 3, 4))}
    assert changed(before, model) == convolutions


@pytest.mark.parametrize("strategy", ["LP-FT", "averaged weights", "WiSE-FT", "one rate", "L2-SP", "full"])
def test_all_but_the_statistics_of_the_batch_norms_moves(photos, strategy):
    """Every parameter of the body is another one afterwards; every running statistic is as it was."""
    before = StagedNet()
    model = copy.deepcopy(before)
    transfer(model, photos.train, strategy, **SMALL)
    assert changed(before, model) == {name for name, _ in before.named_parameters() if name[:3] != "fc."}


def test_wise_ft_ends_half_way_between_probe_and_fine_tuning(photos):
    """Every tensor is the mean of what the two other strategies end with, given the same random numbers."""
    before, models = StagedNet(), {}
    for strategy in ("linear probe", "LP-FT", "WiSE-FT"):
        set_seed(0)
        models[strategy] = copy.deepcopy(before)
        transfer(models[strategy], photos.train, strategy, **SMALL)
    probe, tuned, averaged = (dict(model.named_parameters()) for model in models.values())
    for name, value in averaged.items():
        torch.testing.assert_close(value, (probe[name] + tuned[name]) / 2)
    assert not probe["conv1.weight"].equal(tuned["conv1.weight"])


def test_averaged_weights_are_the_mean_over_all_steps(photos):
    """Every parameter is the mean of what it was after each of three steps, given the same random numbers."""
    before, states = StagedNet(), {}
    for averaged in (False, True):
        set_seed(0)
        model, seen = copy.deepcopy(before), []
        note = lambda model, part, seen=seen: seen.append(copy.deepcopy(dict(model.named_parameters())))  # noqa: E731
        row = Strategy(averaged=averaged, parts=3, each_part=note)
        transfer(model, photos.train, row, steps=3, size=16, batch_size=5)
        states[averaged] = [*seen, dict(model.named_parameters())]
    after = states[False][1:]  # the first one is that of the fitted head, before any step
    for name, value in states[True][-1].items():
        torch.testing.assert_close(value, torch.stack([state[name] for state in after]).mean(dim=0))
    assert not after[0]["conv1.weight"].equal(after[-1]["conv1.weight"])


def test_each_part_and_the_end_see_the_network(photos):
    """A strategy of your own is told every part of the training, and in the end gets the network as it was before."""
    calls, model = [], StagedNet(2)
    original = copy.deepcopy(model)
    row = Strategy(
        start=lambda model, train: calls.append(("start", len(train))),
        groups=lambda model, rate: [{"params": [model.fc.weight], "lr": rate}],
        parts=2,
        each_part=lambda model, part: calls.append(("part", part)),
        finish=lambda model, before: calls.append(("end", before.fc.weight.cpu().equal(original.fc.weight))),
    )
    transfer(model, photos.train.subset([0, 1, 9, 10]), row, steps=5, size=16)
    assert calls == [("start", 4), ("part", 0), ("part", 1), ("end", True)]
    assert not model.cpu().fc.weight.equal(original.fc.weight)


def sizes_seen(model):
    """Return a list that gets the side of the images of every training step of a model."""
    seen = []
    model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].shape[2]) if module.training else None)
    return seen


def test_sizes_divide_the_training_into_parts(photos):
    """Each part has images of its own size; together they have as many steps as are wanted."""
    model = StagedNet()
    seen = sizes_seen(model)
    transfer(model, photos.train, "LP-FT", steps=7, size=(12, 16, 20))
    assert seen == [12] * 2 + [16] * 2 + [20] * 3
    with pytest.raises(ValueError, match="steps is 2; it must be an integer of 3 or more"):
        transfer(model, photos.train, "LP-FT", steps=2, size=(12, 16, 20))
    with pytest.raises(ValueError, match="size is empty; it must have a number or more"):
        transfer(model, photos.train, "LP-FT", size=())


@pytest.mark.parametrize("steps", [5, 13])
def test_as_many_steps_are_taken_as_are_wanted(photos, steps):
    """Whatever the number of photos is."""
    model = StagedNet()
    seen = sizes_seen(model)
    transfer(model, photos.train, "LP-FT", **SMALL | {"steps": steps})
    assert len(seen) == steps


def test_gradual_unfreezing_takes_one_stage_more_with_each_part(photos):
    """layer4 and the head in the first fifth of the steps, everything in the last."""
    model, trained = StagedNet(), []
    kernels = [model.conv1, model.layer1[0], model.layer2[0], model.layer3[0], model.layer4[0]]

    def count(module, _):
        if module.training:
            trained.append(sum(kernel.weight.requires_grad for kernel in kernels))

    model.register_forward_pre_hook(count)
    transfer(model, photos.train, "gradual unfreezing", **SMALL | {"steps": 10})
    assert trained == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_fine_tuning_begins_with_the_probe(photos):
    """With a tiny rate, LP-FT is the probe: the same answers, while "full" begins with a random head."""
    model = StagedNet()
    probe = copy.deepcopy(model)
    transfer(probe, photos.train, "linear probe")
    classifier = fit_probe(model, photos.train)
    direction = (probe.fc.weight[1] - probe.fc.weight[0]).cpu()
    torch.testing.assert_close(direction, torch.tensor(classifier.coef_[0]).float())
    transfer(model, photos.train, "LP-FT", peak_rate=1e-9, **SMALL)
    torch.testing.assert_close(model.fc.weight.cpu(), probe.fc.weight.cpu())
    transfer(model, photos.train, "full", peak_rate=1e-9, **SMALL)
    assert not torch.allclose(model.fc.weight.cpu(), probe.fc.weight.cpu())


def test_the_pull_keeps_the_weights_nearer_to_the_start(photos):
    """With a strong pull the weights move less far."""
    start, distances = StagedNet(), []
    for pull in (0.0, 90.0):
        torch.manual_seed(0)
        model = copy.deepcopy(start)
        transfer(model, photos.train, replace(STRATEGIES["L2-SP"], groups=one_rate, pull=pull), peak_rate=0.01, **SMALL)
        distances.append((model.cpu().conv1.weight - start.conv1.weight).norm().item())
    assert distances[1] < 0.7 * distances[0]


def test_from_scratch_keeps_nothing(photos):
    """A ResNet-50 whose weights are all alike forgets them, and has a head for the new classes."""
    model = ResNet50()
    model.weights = ENTRY
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 0.5)
    model.bn1.running_mean += 7
    transfer(model, photos.train.subset([0, 10]), "from scratch", steps=1, size=32, peak_rate=1e-9)
    assert model.fc.out_features == 2
    assert model.conv1.weight.std() > 0.01 and model.layer4[2].conv3.weight.std() > 0.005
    assert model.bn1.running_mean.abs().max() < 2


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name != "from scratch"])
def test_every_strategy_but_scratch_learns_dark_from_light(photos, strategy):
    """At least three of four photos are right at the end; from scratch it would take too long for a test."""
    set_seed(0)
    model = StagedNet()
    for images, _ in make_loader(photos.train, eval_transform(ENTRY)):
        for _ in range(50):
            model(images)  # so that its batch norms know such photos, as those of a pretrained network do
    transfer(model, photos.train, strategy, steps=24, peak_rate=0.05, size=16, batch_size=9)
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
    """With random labels, cross-validation stays near chance: no photo judges a model that it trained."""
    train = image_folder(write_folder(tmp_path / "lot", train=40)).train
    train.labels = torch.randint(2, (80,))
    folds = cross_validate(StagedNet(), train, "linear probe", count=4)
    assert 0.2 < sum(fold.accuracy for fold in folds) / 4 < 0.8


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"strategy": "all"}, "strategy is 'all'; it must be one of linear probe, LP-FT, averaged weights"),
        ({"steps": 0}, "steps is 0; it must be an integer of 1 or more"),
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


def test_the_default_is_what_the_validation_photos_chose():
    """The stored study used today's rates, and no strategy is above what one more seed of the default could reach.

    That is Student's prediction interval of 95 %. The test photos are not asked.
    """
    stored = json.loads((Path(__file__).parents[2] / "benchmarks/results/gains.json").read_text(encoding="utf-8"))
    assert stored["settings"]["peak_rates"] == {name: row.rate for name, row in STRATEGIES.items()}
    default = inspect.signature(transfer).parameters
    assert default["steps"].default == STEPS
    for target in ("EuroSAT", "solar cells"):
        wanted = {"target": target, "photos": "all", "steps": STEPS, "rate": None}
        accuracies: dict[str, list] = {}
        for run in stored["runs"]:
            if wanted.items() <= run.items():
                accuracies.setdefault(run["strategy"], []).append(run["val_accuracy"])
        ours = torch.tensor(accuracies.pop(default["strategy"].default))
        reach = t.ppf(0.975, len(ours) - 1) * ours.std() * math.sqrt(1 + 1 / len(ours))
        assert all(torch.tensor(others).mean() <= ours.mean() + reach for others in accuracies.values())


def test_a_second_transfer_says_what_it_starts_from(photos, capsys):
    """A network that was trained since it was loaded is not taken for the pretrained one; judging says it once."""
    model = StagedNet()
    model.pretrained_body = body_hash(model.state_dict())
    transfer(model, photos.train, "linear probe", **SMALL)
    transfer(model, photos.train, "full", **SMALL)
    assert "trained before" not in capsys.readouterr().out  # a probe leaves the body as it was
    transfer(model, photos.train, "linear probe", **SMALL)
    line = "This network was trained before: transfer starts from its present weights, not from those of tiny;"
    assert capsys.readouterr().out.count(line) == 1
    cross_validate(model, photos.train, "linear probe", count=2)
    assert capsys.readouterr().out.count(line) == 1


def test_the_network_knows_its_classes_afterwards(photos):
    """Their names, in the order of the logits."""
    model = StagedNet()
    transfer(model, photos.train, "linear probe")
    assert model.classes == photos.train.classes and model.fc.out_features == len(photos.classes)


def test_the_time_is_said_before_the_training(photos, capsys):
    """With the number of steps and the size of the images; nothing is said if nothing is trained."""
    transfer(StagedNet(), photos.train, "LP-FT", **SMALL)
    expected = r"Training: 8 steps with 5 photos of 16 x 16 pixels, about \d+ seconds\.\n"
    assert re.fullmatch(expected, capsys.readouterr().out)
    transfer(StagedNet(), photos.train, "linear probe", **SMALL)
    assert capsys.readouterr().out == ""
