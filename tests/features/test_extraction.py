"""Features are those of a plain forward pass, in the order of the photos, with the fast copy or without."""

import copy
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, Subset, TensorDataset
from torchvision.datasets import ImageFolder

import tlhelpers as tl
from tests.features.networks import TRANSFORM, tiny
from tlhelpers.features.extraction import fastest


def test_features_are_those_of_a_plain_pass(dataset, loader):
    """Photo by photo, in the order of the dataset, in eval mode, whatever mode the model was in."""
    model = tiny().train()
    with tl.check_frozen(model):
        features, labels = tl.extract_features(model, loader)
    images = torch.stack([TRANSFORM(image) for image, _ in dataset])
    expected = model.bn1(model.conv1(images)).relu().mean(dim=(2, 3))
    torch.testing.assert_close(features, expected)
    assert features.dtype == torch.float32 and not features.requires_grad
    assert labels.tolist() == [0, 1, 1, 0, 1, 0, 0]


def test_maps_are_averaged(dataset, loader):
    """A layer that gives maps (N, C, H, W) gives their means (N, C); one that gives vectors gives them."""
    model = tiny().eval()
    images = torch.stack([TRANSFORM(image) for image, _ in dataset])
    maps, _ = tl.extract_features(model, loader, layer="conv1")
    torch.testing.assert_close(maps, model.conv1(images).mean(dim=(2, 3)))
    logits, _ = tl.extract_features(model, loader, layer="fc")
    torch.testing.assert_close(logits, model(images))


def test_features_of_a_resnet_give_its_logits(loader):
    """The head applied to the default layer's features is what the whole network says."""
    model = tl.ResNet50(num_classes=3)
    features, _ = tl.extract_features(model, loader)
    assert features.shape == (7, 2048)
    with torch.no_grad():
        logits = torch.cat([model(images) for images, _ in loader])
        torch.testing.assert_close(model.fc(features), logits)


def image_folder_of_torchvision(dataset, folder):
    """Return the photos of a dataset as those of torchvision, with their labels in the order of its names."""
    for path, label in zip(dataset.paths, dataset.labels.tolist(), strict=True):
        (folder / dataset.classes[label]).mkdir(parents=True, exist_ok=True)
        path.rename(folder / dataset.classes[label] / path.name)
    return ImageFolder(folder, TRANSFORM)


def test_labels_come_with_the_batches_of_any_loader(dataset, tmp_path):
    """Torchvision's folder, a part of it, tensors, and a loader that leaves out the last batch."""
    photos = image_folder_of_torchvision(dataset, tmp_path / "photos")
    images, labels = torch.stack([image for image, _ in photos]), torch.tensor(photos.targets)
    model = tiny().eval()
    expected = model.bn1(model.conv1(images)).relu().mean(dim=(2, 3)).detach()
    for read, taken in (
        (photos, range(7)),
        (Subset(photos, [4, 1, 5]), [4, 1, 5]),
        (TensorDataset(images, labels), range(7)),
    ):
        features, found = tl.extract_features(model, DataLoader(read, batch_size=3))
        torch.testing.assert_close(features, expected[list(taken)])
        assert found.tolist() == labels[list(taken)].tolist() and found.dtype == torch.int64
    features, found = tl.extract_features(model, DataLoader(photos, batch_size=3, drop_last=True))
    torch.testing.assert_close(features, expected[:6])
    assert found.tolist() == labels[:6].tolist()


def test_maps_are_kept_of_any_loader(dataset, tmp_path):
    """With the labels of torchvision's folder; a last batch of one map is folded into the one before it."""
    photos = image_folder_of_torchvision(dataset, tmp_path / "photos")
    rest, kept = tl.keep_below(tl.ResNet50(2), "layer4", DataLoader(photos, batch_size=3))
    assert kept.dataset.tensors[1].tolist() == photos.targets and kept.batch_size == 3
    assert [len(labels) for _, labels in kept] == [3, 4]
    assert rest.train()(next(iter(kept))[0]).shape == (3, 2)


def test_only_the_cache_asks_for_files(dataset, tmp_path):
    """What a dataset of tensors holds could change unseen."""
    photos = image_folder_of_torchvision(dataset, tmp_path / "photos")
    with pytest.raises(ValueError, match="cache is True, but the loader reads a ImageFolder, .* or cache=False"):
        tl.extract_features(tiny(), DataLoader(photos), cache=True)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("items", "what"),
    [([torch.zeros(3, 9, 9)], "Tensor"), ([{"image": 1}], "dict"), ([(torch.zeros(3, 9, 9), "a")], "tuple")],
)
def test_batches_that_are_no_pairs_are_refused(items, what):
    """Without labels, by names, or with texts as labels."""
    with pytest.raises(ValueError, match=f"a batch of the loader is .*{what}.*; it must be a pair of tensors"):
        tl.extract_features(tiny(), DataLoader(items, batch_size=2))


def test_a_shuffled_loader_is_refused(dataset):
    """Features of shuffled photos would belong to nobody."""
    with pytest.raises(ValueError, match="shuffle=False"):
        tl.extract_features(tiny(), tl.make_loader(dataset, TRANSFORM, shuffle=True))
    batches = BatchSampler(RandomSampler(dataset), 2, drop_last=False)
    with pytest.raises(ValueError, match="shuffle=False"):
        tl.extract_features(tiny(), DataLoader(dataset, batch_sampler=batches))


@pytest.mark.parametrize(
    "stage", [*(pytest.param(stage, marks=pytest.mark.slow) for stage in ("layer1", "head")), "layer4"]
)
def test_an_epoch_on_kept_maps_is_an_epoch_of_the_network(dataset, stage):
    """The same steps as with the stages below computed every time, so the same numbers; nothing below has moved."""
    torch.manual_seed(0)
    kept_by = tl.ResNet50(2)
    whole = copy.deepcopy(kept_by)
    before = copy.deepcopy(kept_by.state_dict())
    for network in (kept_by, whole):
        tl.freeze_below(network, stage)
        tl.freeze_batch_norm(network)  # the statistics of three maps of one place are so alike that rounding decides
    rest, kept = tl.keep_below(kept_by, stage, tl.make_loader(dataset, TRANSFORM, batch_size=4))
    shuffled = tl.make_loader(dataset, TRANSFORM, batch_size=4, shuffle=True)
    for network, loader in ((rest, kept), (whole, shuffled)):
        torch.manual_seed(1)
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        tl.train_one_epoch(network, loader, torch.optim.SGD(trained, lr=1e-3))
    for name, value in kept_by.state_dict().items():
        assert torch.allclose(value, whole.state_dict()[name], atol=1e-6), name
    moved = {name.split(".")[0] for name, value in kept_by.state_dict().items() if not value.equal(before[name])}
    stages = ["layer1", "layer2", "layer3", "layer4", "fc"]
    assert moved == set(stages[stages.index("fc" if stage == "head" else stage) :])


def test_maps_are_not_kept_where_that_makes_no_sense(dataset):
    """Of a loader that shuffles the labels would be others'; before the stem there is nothing; no stage has no map."""
    with pytest.raises(ValueError, match="shuffle=False"):
        tl.keep_below(tl.ResNet50(2), "layer4", tl.make_loader(dataset, TRANSFORM, shuffle=True))
    for stage in ("stem", "layer5", "fc"):
        with pytest.raises(ValueError, match=f"stage is '{stage}'"):
            tl.keep_below(tl.ResNet50(2), stage, tl.make_loader(dataset, TRANSFORM))


class Branching(nn.Sequential):
    """A network whose computation depends on its input, so that it has no fixed graph."""

    def forward(self, images):
        return super().forward(images if images.mean() > 100 else -images)


def test_a_network_without_a_graph_gives_its_features_all_the_same(loader, capsys):
    """They are its own, and one line gives the reason, once however often it happens."""
    model = Branching(OrderedDict(tiny().named_children())).eval()
    found = [tl.extract_features(model, loader, layer="fc")[0] for _ in range(2)]
    images = torch.cat([images for images, _ in loader])
    for features in found:
        torch.testing.assert_close(features, model(images).detach())
    assert (
        capsys.readouterr().out.count("Features come from the network itself, without the fast copy (TraceError") == 1
    )


def gone(model, layer):
    """Fail as a later version of torch would that does not have the private calls."""
    return torch.ops.mkldnn.no_such_call()


def spoiled(model, layer):
    """Return a copy that computes something else."""
    return lambda images: torch.zeros(len(images), 2)


def empty(model, layer):
    """Return a copy that computes no numbers at all."""
    return lambda images: torch.full((len(images), 2), torch.nan)


@pytest.mark.parametrize(
    ("make_copy", "reason"), [(gone, "no_such_call"), (spoiled, "differ by 100 %"), (empty, "differ by nan %")]
)
def test_a_copy_that_fails_or_differs_is_not_used(make_copy, reason, capsys):
    """The network itself computes, and a line says why."""
    model, images = tiny().eval(), torch.randn(3, 3, 16, 16)
    activations = fastest(model, "fc", images, make_copy=make_copy)
    torch.testing.assert_close(activations(images), model(images).detach())
    assert reason in capsys.readouterr().out


def test_the_public_path_gives_the_features_of_the_fast_one():
    """On a ResNet-50, the fused copy and the network itself agree; the fused module only saves time."""
    model, images = tl.ResNet50().eval(), torch.randn(2, 3, 64, 64)
    fast = fastest(model, "avgpool", images)
    plain = fastest(model, "avgpool", images, make_copy=gone)
    assert type(fast).__name__ == "FrozenNetwork" and type(plain).__name__ == "partial"
    torch.testing.assert_close(fast(images), plain(images), rtol=1e-3, atol=1e-4)
