"""The loop does what torch's few lines do, frozen stays frozen, and trouble is said in one sentence."""

import copy
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.transforms import v2

from tests.tiny import TinyNet, transform, write_folder
from tlhelpers.classroom.checks import check_frozen
from tlhelpers.machine import pick_device
from tlhelpers.photos.datasets import image_folder
from tlhelpers.photos.loading import make_loader
from tlhelpers.training.fitting import fit
from tlhelpers.training.freezing import count_parameters, freeze, train_mode, unfreeze
from tlhelpers.training.loop import evaluate, train_one_epoch


@pytest.fixture(autouse=True)
def full_precision(monkeypatch):
    """Compute in float32 whatever the machine is fastest in, so that torch's own few lines give the same numbers."""
    monkeypatch.setattr("tlhelpers.training.loop.autocast", lambda device: nullcontext())


@pytest.fixture
def photos(tmp_path):
    return image_folder(write_folder(tmp_path / "set"))


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)


def test_an_epoch_is_the_plain_loop(photos):
    """The same batches through five plain lines give the same parameters, loss and accuracy."""
    model = TinyNet().double()
    other = copy.deepcopy(model)
    loader = make_loader(photos.train, v2.Compose([transform(), v2.ToDtype(torch.float64)]), batch_size=5)
    loss, accuracy = train_one_epoch(model, loader, sgd(model))
    optimizer, total, right = sgd(other), 0.0, 0
    other.train()
    for images, labels in loader:
        logits = other(images)
        batch_loss = F.cross_entropy(logits.float(), labels)
        optimizer.zero_grad()
        batch_loss.backward()
        optimizer.step()
        total += batch_loss.item() * len(labels)
        right += (logits.argmax(1) == labels).sum().item()
    for name, value in model.cpu().state_dict().items():
        torch.testing.assert_close(value, other.state_dict()[name], rtol=1e-6, atol=1e-8)
    assert loss == pytest.approx(total / 12) and accuracy == right / 12


def test_the_schedule_steps_with_every_batch(photos):
    model = TinyNet()
    optimizer = sgd(model)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
    train_one_epoch(model, make_loader(photos.train, transform(), batch_size=4), optimizer, schedule=schedule)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.5**3)


@pytest.mark.parametrize(("batch_size", "accumulate"), [(3, 2), (2, 3), (6, 1), (1, 6)])
def test_small_batches_make_the_steps_of_a_large_one(photos, batch_size, accumulate):
    """Batch norms frozen, the same photos for every step: the same parameters, and schedules step as often."""
    whole = TinyNet().double()
    freeze(whole.bn1)
    parts = copy.deepcopy(whole)
    for model, size, count in ((whole, 6, 1), (parts, batch_size, accumulate)):
        loader = make_loader(photos.train, v2.Compose([transform(), v2.ToDtype(torch.float64)]), batch_size=size)
        optimizer = sgd(model)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
        train_one_epoch(model, loader, optimizer, schedule=schedule, accumulate=count)
        assert schedule.last_epoch == 2
    for name, value in parts.cpu().state_dict().items():
        torch.testing.assert_close(value, whole.cpu().state_dict()[name], rtol=1e-6, atol=1e-8)


def test_the_last_batches_of_an_epoch_make_a_step_of_their_own(photos):
    """Five batches, two for each step: the third step is the fifth batch's, along its whole gradient."""
    seen = photos.train.subset(range(10))
    loader = make_loader(seen, v2.Compose([transform(), v2.ToDtype(torch.float64)]), batch_size=2)
    model = TinyNet().double()
    freeze(model.bn1)
    other = copy.deepcopy(model)
    train_one_epoch(model, loader, torch.optim.SGD(model.parameters(), lr=0.1), accumulate=2)
    optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
    for part in ([0, 1, 2, 3], [4, 5, 6, 7], [8, 9]):
        one_step = make_loader(seen.subset(part), loader.dataset.transform, batch_size=4)
        train_one_epoch(other, one_step, optimizer)
    for name, value in model.cpu().state_dict().items():
        torch.testing.assert_close(value, other.cpu().state_dict()[name], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["epochs", "patience", "accumulate"])
def test_numbers_that_count_are_positive(photos, name):
    model = TinyNet()
    loader = make_loader(photos.train, transform())
    with pytest.raises(ValueError, match=f"{name} is 0; it must be an integer of 1 or more"):
        fit(model, loader, loader, sgd(model), **{"epochs": 1, name: 0})


def test_evaluation_counts_right_answers_in_eval_mode(photos):
    model = TinyNet()
    loader = make_loader(photos.val, transform(), batch_size=3)
    with check_frozen(model):
        found = evaluate(model, loader)
    images = torch.stack([transform()(photos.val[i][0]) for i in range(len(photos.val))])
    expected = model.cpu().eval()(images)
    torch.testing.assert_close(found.logits, expected.detach())
    assert found.accuracy == (expected.argmax(1) == photos.val.labels).double().mean()
    assert found.loss == pytest.approx(F.cross_entropy(expected, photos.val.labels).item())


def test_fit_learns_what_can_be_learned(photos):
    """Dark and light photos: from chance to nearly all right."""
    model = TinyNet()
    train, val = (make_loader(part, transform(), batch_size=4, shuffle=True) for part in (photos.train, photos.val))
    history = fit(model, train, val, sgd(model), epochs=8)
    assert [result.epoch for result in history] == list(range(1, 9))
    assert history[-1].val_accuracy >= 0.9 and history[-1].train_loss < history[0].train_loss
    assert history[-1].val_accuracy == evaluate(model, val).accuracy


def test_the_same_seed_gives_the_same_network(photos):
    def trained() -> dict:
        torch.manual_seed(3)
        model = TinyNet()
        fit(
            model,
            make_loader(photos.train, transform(), batch_size=4, shuffle=True),
            make_loader(photos.val, transform()),
            sgd(model),
            epochs=2,
        )
        return model.state_dict()

    first, second = trained(), trained()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_frozen_is_frozen_batch_norm_included(photos):
    """A frozen batch norm neither learns nor moves its statistics; the head still learns."""
    model = TinyNet().to(pick_device())
    freeze(model.conv1)
    freeze(model.bn1)
    head = model.fc.weight.clone()
    with check_frozen(model.conv1, model.bn1):
        train_one_epoch(model, make_loader(photos.train, transform()), sgd(model))
    assert not torch.equal(model.fc.weight, head)


def test_requires_grad_alone_would_not_be_enough(photos):
    """The trap: in plain training mode the statistics move, and the check sees it."""
    model = TinyNet()
    freeze(model.bn1)
    with (
        pytest.raises(AssertionError, match="not frozen: 3 tensors changed, first running_mean"),
        check_frozen(model.bn1),
    ):
        model.train()(torch.rand(2, 3, 16, 16))


def test_train_mode_wakes_what_is_unfrozen():
    model = nn.Sequential(nn.BatchNorm2d(2), nn.Dropout(), nn.BatchNorm2d(2))
    freeze(model[0])
    train_mode(model)
    assert [module.training for module in model] == [False, True, True]
    unfreeze(model[0])
    train_mode(model)
    assert model[0].training and count_parameters(model) == (8, 8)


def test_a_loss_that_is_not_finite_stops_the_training(photos):
    model = TinyNet()
    nn.init.constant_(model.fc.weight, float("inf"))
    with pytest.raises(RuntimeError, match="the loss became nan in step 1, at a learning rate of 0.1; lower"):
        train_one_epoch(model, make_loader(photos.train, transform()), sgd(model))


def test_no_epochs_are_refused(photos):
    model = TinyNet()
    loader = make_loader(photos.train, transform())
    with pytest.raises(ValueError, match="epochs is 0"):
        fit(model, loader, loader, sgd(model), epochs=0)


@pytest.mark.parametrize("label", [2, -1])
def test_a_label_that_is_no_class_is_named(photos, label):
    """In training and in evaluation, with the number, and how many classes there are."""
    model = TinyNet()
    photos.train.labels[0] = label
    loader = make_loader(photos.train, transform())
    sentence = f"a label is {label}; it must be below 2, the number of classes of the model, .*replace_head"
    with pytest.raises(ValueError, match=sentence):
        train_one_epoch(model, loader, sgd(model))
    with pytest.raises(ValueError, match=sentence):
        evaluate(model, loader)


def test_a_rate_of_nothing_is_refused(photos):
    """A learning rate of 0 trains nothing; one that a schedule brings down to 0, or up from it, is all right."""
    model = TinyNet()
    loader = make_loader(photos.train, transform())
    with pytest.raises(ValueError, match="a learning rate is 0.0; it must be positive; freeze what must not change"):
        fit(model, loader, loader, sgd(model, lr=0.0), epochs=1)
    with pytest.raises(ValueError, match="-0.1"):  # torch's own sentence
        sgd(model, lr=-0.1)
    optimizer = sgd(model)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, step / 2))
    assert len(fit(model, loader, loader, optimizer, epochs=1, schedule=schedule)) == 1


def test_no_patience_is_refused(photos):
    model = TinyNet()
    loader = make_loader(photos.train, transform())
    with pytest.raises(ValueError, match="patience is 0; it must be an integer of 1 or more"):
        fit(model, loader, loader, sgd(model), epochs=1, patience=0)


def test_label_smoothing_is_torchs(photos):
    """The loss of an epoch without a step is cross-entropy with smoothed targets."""
    model = TinyNet()
    loader = make_loader(photos.train, transform(), batch_size=100)
    images, labels = next(iter(loader))
    expected = F.cross_entropy(copy.deepcopy(model).train()(images), labels, label_smoothing=0.3).item()
    loss, _ = train_one_epoch(model, loader, sgd(model), label_smoothing=0.3)
    assert loss == pytest.approx(expected, rel=1e-6)


def test_photos_of_other_classes_are_not_judged(photos):
    """An accuracy of ants and bees on other photos would look like one."""
    model = TinyNet()
    model.classes = ["ants", "bees"]
    with pytest.raises(ValueError, match=r"the classes \['ants', 'bees'\] and the photos have \['dark', 'light'\]"):
        evaluate(model, make_loader(photos.val, transform()))
    model.classes = photos.classes
    evaluate(model, make_loader(photos.val, transform()))
