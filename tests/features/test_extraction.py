"""Features are those of a plain forward pass, belong to their photos, and are kept only while nothing changed."""

import copy
import errno
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier
from torch import nn
from torchvision.transforms import v2

import tlhelpers as tl
import tlhelpers.features.extraction as module
import tlhelpers.training.loop as training
from tlhelpers.features.neighbors import nearest_neighbours
from tlhelpers.photos.datasets import PhotoDataset

NORMALISE = v2.Normalize([0.4, 0.5, 0.6], [0.2, 0.3, 0.2])
TRANSFORM = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), NORMALISE])


class Tiny(nn.Module):
    """A network with all that matters here: a convolution, a batch norm with a past, maps, a pooled layer, a head."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 5, kernel_size=3, stride=2)
        self.bn1 = nn.BatchNorm2d(5)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(5, 2)
        nn.init.normal_(self.bn1.running_mean)
        nn.init.uniform_(self.bn1.running_var, 0.5, 2)

    def forward(self, images):
        return self.fc(self.avgpool(self.bn1(self.conv1(images)).relu()).flatten(1))


@pytest.fixture(autouse=True)
def own_cache_and_full_precision(tmp_path, monkeypatch):
    """Each test has an empty cache, and computes on the CPU in float32 whatever the machine offers."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    for place in (module, training):
        monkeypatch.setattr(place, "pick_device", lambda: torch.device("cpu"))
        monkeypatch.setattr(place, "autocast", lambda device: nullcontext())
    monkeypatch.setattr("tlhelpers.network.frozen.pick_device", lambda: torch.device("cpu"))
    monkeypatch.setattr("tlhelpers.network.frozen.pick_dtype", lambda device: torch.float32)


@pytest.fixture
def dataset(tmp_path):
    """Seven photos of noise, of two classes."""
    generator, paths = np.random.default_rng(0), []
    for index in range(7):
        paths.append(tmp_path / f"{index}.png")
        Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(paths[-1])
    return PhotoDataset(paths, [0, 1, 1, 0, 1, 0, 0], ["ants", "bees"])


@pytest.fixture
def loader(dataset):
    return tl.make_loader(dataset, TRANSFORM, batch_size=3)


def count_passes(model):
    """Return a list that grows by one with every forward pass."""
    passes = []
    model.register_forward_pre_hook(lambda *_: passes.append(1))
    return passes


def hooks(model):
    return sum(len(part._forward_hooks) for part in model.modules())


def kept(tmp_path):
    return list((tmp_path / "cache" / "features").iterdir())


# Recording layers


def test_recorded_is_what_the_layers_give_out():
    """The dictionary holds the output of each layer named, of the last pass."""
    model, images = Tiny().eval(), torch.randn(2, 3, 9, 9)
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
    model = Tiny()
    with tl.record_layers(model, "conv1", "avgpool") as recorded:
        assert hooks(model) == 2
    model(torch.randn(1, 3, 9, 9))
    assert hooks(model) == 0 and recorded == {}


def test_no_hook_is_left_behind_by_an_error():
    """An exception inside the block passes through, and takes the hooks with it."""
    model = Tiny()
    with pytest.raises(ZeroDivisionError), tl.record_layers(model, "conv1"):
        raise ZeroDivisionError
    assert hooks(model) == 0


@pytest.mark.parametrize(("name", "near"), [("avgpol", "avgpool"), ("conv", "conv1"), ("zzz", "conv1, bn1")])
def test_an_unknown_layer_is_answered_with_near_names(name, near):
    """The error names the layer asked for and layers that there are; nothing was hooked."""
    model = Tiny()
    with pytest.raises(ValueError, match=f"no layer '{name}'; near names: .*{near}"), tl.record_layers(model, name):
        pass
    assert hooks(model) == 0


# Features


def test_features_are_those_of_a_plain_pass(dataset, loader):
    """Photo by photo, in the order of the dataset, in eval mode, whatever mode the model was in."""
    model = Tiny().train()
    with tl.check_frozen(model):
        features, labels = tl.extract_features(model, loader)
    images = torch.stack([TRANSFORM(image) for image, _ in dataset])
    expected = model.bn1(model.conv1(images)).relu().mean(dim=(2, 3))
    torch.testing.assert_close(features, expected)
    assert features.dtype == torch.float32 and not features.requires_grad
    assert labels.tolist() == [0, 1, 1, 0, 1, 0, 0]


def test_maps_are_averaged(dataset, loader):
    """A layer that gives maps (N, C, H, W) gives their means (N, C); one that gives vectors gives them."""
    model = Tiny().eval()
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


def test_a_shuffled_loader_is_refused(dataset):
    """Features of shuffled photos would belong to nobody."""
    with pytest.raises(ValueError, match="shuffle=False"):
        tl.extract_features(Tiny(), tl.make_loader(dataset, TRANSFORM, shuffle=True))


# The cache


def test_the_second_call_reads_the_cache(loader, tmp_path):
    """The same features come back without a pass through the model, in other batches too."""
    model = Tiny()
    first, _ = tl.extract_features(model, loader, cache=True)
    passes = count_passes(model)
    again, labels = tl.extract_features(model, loader, cache=True)
    other, _ = tl.extract_features(model, tl.make_loader(loader.dataset, TRANSFORM, batch_size=7), cache=True)
    assert passes == [] and torch.equal(first, again) and torch.equal(first, other)
    assert labels.tolist() == [0, 1, 1, 0, 1, 0, 0] and len(kept(tmp_path)) == 1


def test_nothing_is_kept_unless_asked(loader, tmp_path):
    """Without cache=True nothing is written, and every call computes."""
    model = Tiny()
    passes = count_passes(model)
    tl.extract_features(model, loader)
    tl.extract_features(model, loader)
    assert len(passes) == 2 and not (tmp_path / "cache").exists()


def change_photo(model, dataset):
    image = Image.open(dataset.paths[4])
    image.putpixel((3, 3), (255, 0, 255))
    image.save(dataset.paths[4])
    return {}


def change_weight(model, dataset):
    with torch.no_grad():
        model.conv1.weight[0, 0, 0, 0] += 0.5
    return {}


def change_statistics(model, dataset):
    model.bn1.running_mean[2] += 0.5
    return {}


def change_stride(model, dataset):
    model.conv1.stride = (1, 1)
    return {}


def change_transform(model, dataset):
    return {"transform": v2.Compose([v2.CenterCrop(12), *TRANSFORM.transforms])}


def change_normalisation(model, dataset):
    return {"transform": v2.Compose([*TRANSFORM.transforms[:2], v2.Normalize([0.5] * 3, [0.5] * 3)])}


def change_layer(model, dataset):
    return {"layer": "conv1"}


def change_order(model, dataset):
    dataset.paths.reverse()
    return {}


CHANGES = (
    change_photo,
    change_weight,
    change_statistics,
    change_stride,
    change_transform,
    change_normalisation,
    change_layer,
    change_order,
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_misses_the_cache(change, dataset, tmp_path):
    """A changed photo, weight, statistic, stride, transform, layer or order is noticed: the features are new."""
    model = Tiny()
    old, _ = tl.extract_features(model, tl.make_loader(dataset, TRANSFORM), cache=True)
    options = change(model, dataset)
    loader = tl.make_loader(dataset, options.pop("transform", TRANSFORM))
    new, _ = tl.extract_features(model, loader, cache=True, **options)
    expected, _ = tl.extract_features(model, loader, **options)
    assert len(kept(tmp_path)) == 2
    assert torch.equal(new, expected) and not torch.equal(new, old)


def test_another_precision_misses_the_cache(loader, tmp_path, monkeypatch):
    """Features computed in bfloat16 are not taken for those in float32."""
    model = Tiny()
    for dtype in (torch.float32, torch.bfloat16, torch.float32):
        monkeypatch.setattr(module, "pick_dtype", lambda device, dtype=dtype: dtype)
        tl.extract_features(model, loader, cache=True)
    assert len(kept(tmp_path)) == 2


def test_a_cache_that_cannot_be_written_costs_one_line(loader, tmp_path, monkeypatch, capsys):
    """A file where the folder should be: the features come all the same, and one line names the folder."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "file"))
    model = Tiny()
    features, _ = tl.extract_features(model, loader, cache=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and str(tmp_path / "file") in lines[0] and "TLHELPERS_CACHE" in lines[0]
    assert torch.equal(features, tl.extract_features(model, loader)[0])


def test_a_full_disk_leaves_nothing_behind(loader, tmp_path, monkeypatch, capsys):
    """A disk that fills up while the features are written: features, one line, and no half a file to read later."""

    def save_half(path, array):
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "save", save_half)
    features, _ = tl.extract_features(Tiny(), loader, cache=True)
    assert features.shape == (7, 5)
    assert capsys.readouterr().out.count("\n") == 1 and kept(tmp_path) == []


@pytest.mark.parametrize("count", [1, 2, 5, 30])
def test_neighbours_vote_as_in_scikit_learn(count):
    """Five classes with gaps among their numbers, any number of voters up to all."""
    features, queries = torch.randn(30, 6), torch.randn(50, 6)
    labels = 2 * torch.randint(5, (30,)) + 1
    theirs = KNeighborsClassifier(count, metric="cosine").fit(features, labels).predict(queries)
    assert nearest_neighbours(features, labels, queries, count=count).tolist() == theirs.tolist()


@pytest.mark.parametrize("count", [0, -1, 5])
def test_more_neighbours_than_photos_cannot_vote(count):
    with pytest.raises(ValueError, match=f"count is {count}; it must be 1 or more, and at most the 4 photos"):
        nearest_neighbours(torch.rand(4, 2), torch.tensor([0, 1, 0, 1]), torch.rand(3, 2), count=count)


@pytest.mark.parametrize(("labels", "queries"), [((3,), (2, 6)), ((4,), (2, 5)), ((4,), (6,))])
def test_neighbours_of_other_shapes_are_refused(labels, queries):
    with pytest.raises(ValueError, match=r"features, labels and queries have shapes \(4, 6\)"):
        nearest_neighbours(torch.rand(4, 6), torch.zeros(labels).long(), torch.rand(queries), count=1)


@pytest.mark.parametrize("stage", ["layer1", "layer4", "head"])
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
