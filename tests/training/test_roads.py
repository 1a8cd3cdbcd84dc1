"""The same photos get the same logits after every way of saving and loading a network, or loading is refused."""

import copy
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torch.optim import SGD

from tlhelpers.network.identity import body_hash
from tlhelpers.network.pretrained import load_resnet50
from tlhelpers.network.resnet import ResNet50
from tlhelpers.network.weight_files import content_hash
from tlhelpers.network.weights import find_weights
from tlhelpers.photos.transforms import eval_transform
from tlhelpers.training.checkpoint import load_checkpoint, save_checkpoint

IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
CLASSES = ["ants", "bees", "wasps"]


@pytest.fixture(scope="module")
def saved():
    """Return a network as it comes out of a training: a new head, and he2015's stride."""
    torch.manual_seed(0)
    row = find_weights("he2015")
    model = ResNet50(3, stride_in=row.stride_in).eval()
    model.weights = replace(row, contents=(content_hash(model.state_dict()),), resize=300)
    model.pretrained_body, model.classes = body_hash(model.state_dict()), CLASSES
    return model


@torch.no_grad()
def logits(model):
    return model.eval()(IMAGES)


def checkpoint(model, folder):
    """Save a checkpoint and return its path."""
    save_checkpoint(folder / "run.pt", model, SGD(model.parameters(), lr=0.1))
    return folder / "run.pt"


def by_checkpoint(model, folder):
    return load_resnet50(checkpoint(model, folder))


def into_a_network(model, folder):
    new = ResNet50(3, stride_in="conv1")
    load_checkpoint(checkpoint(model, folder), new)
    return new


def weights_alone(model, folder):
    torch.save(model.state_dict(), folder / "weights.pth")
    return load_resnet50(folder / "weights.pth", entries=[model.weights])


def from_several_gpus(model, folder):
    torch.save({"state_dict": {f"module.{k}": v for k, v in model.state_dict().items()}}, folder / "weights.pth")
    return load_resnet50(folder / "weights.pth", entries=[model.weights])


def safetensors(model, folder):
    save_file(model.state_dict(), folder / "weights.safetensors")
    return load_resnet50(folder / "weights.safetensors", entries=[model.weights])


def like_another(model, folder):
    torch.save({"model": model.state_dict()}, folder / "weights.pth")
    other = replace(model.weights, contents=())
    return load_resnet50(folder / "weights.pth", like="he2015", entries=[other])


def twice(model, folder):
    return by_checkpoint(by_checkpoint(model, folder), folder)


def a_copy(model, folder):
    return copy.deepcopy(model)


ROADS = (
    by_checkpoint,
    into_a_network,
    weights_alone,
    from_several_gpus,
    safetensors,
    like_another,
    twice,
    a_copy,
)


@pytest.mark.parametrize("road", ROADS)
def test_every_road_gives_the_same_logits(road, saved, tmp_path):
    """Stride, weights and preprocessing arrive; a checkpoint brings the names of the classes too."""
    loaded = road(saved, tmp_path)
    assert torch.equal(logits(loaded), logits(saved))
    assert repr(eval_transform(loaded.weights)) == repr(eval_transform(saved.weights))
    assert loaded.pretrained_body == saved.pretrained_body and loaded.stride_in == "conv1"
    if road in (by_checkpoint, into_a_network, twice, a_copy):
        assert loaded.classes == CLASSES and loaded.weights == saved.weights


def test_half_precision_gives_nearly_the_same_logits(saved, tmp_path):
    """The values were rounded to eleven bits; stride and preprocessing are those that are named."""
    torch.save({name: value.half() for name, value in saved.state_dict().items()}, tmp_path / "weights.pth")
    loaded = load_resnet50(tmp_path / "weights.pth", like="he2015")
    assert (logits(loaded) - logits(saved)).norm() < 0.01 * logits(saved).norm()


def test_values_beyond_half_precision_are_named(saved, tmp_path):
    """A running variance can exceed the largest float16."""
    state = {name: value.half() for name, value in saved.state_dict().items()}
    state["bn1.running_var"][0] = torch.inf
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(ValueError, match="float16 ends at 65,504.*save them in bfloat16 or float32"):
        load_resnet50(tmp_path / "weights.pth", like="he2015")


def other_stride(model, path):
    load_checkpoint(path, ResNet50(3))


def other_preprocessing(model, path):
    new = ResNet50(3, stride_in="conv1")
    new.weights = find_weights("he2015")
    load_checkpoint(path, new)


def other_classes(model, path):
    load_checkpoint(path, ResNet50(3, stride_in="conv1"), classes=["a", "b", "c"])


def other_head(model, path):
    load_checkpoint(path, ResNet50(2, stride_in="conv1"))


def unknown_weights(model, path):
    torch.save(model.state_dict(), path)
    load_resnet50(path)


REFUSED = (
    (other_stride, "holds a network with stride_in='conv1', and the model has 'conv2'.*load_resnet50"),
    (other_preprocessing, "was trained on photos with resize 300, and the model's weights have 256.*load_resnet50"),
    (other_classes, r"for the classes \['ants', 'bees', 'wasps'\], got \['a', 'b', 'c'\]"),
    (other_head, "another network: its 'fc.weight' has shape"),
    (unknown_weights, "not known.*stride and preprocessing.*like="),
)


@pytest.mark.parametrize(("road", "sentence"), REFUSED)
def test_a_road_on_which_something_would_be_lost_is_refused(road, sentence, saved, tmp_path):
    """The message names what differs, and the way that keeps it."""
    with pytest.raises(ValueError, match=sentence):
        road(saved, checkpoint(saved, tmp_path))


def test_a_network_without_weights_gets_those_of_the_checkpoint(saved, tmp_path, capsys):
    """So the right transform can be made for it; the line that is printed says which classes it knows."""
    loaded = load_resnet50(checkpoint(saved, tmp_path))
    printed = capsys.readouterr().out
    assert loaded.weights == saved.weights and not loaded.training
    assert "ants, bees, wasps" in printed and "shorter side 300" in printed


def test_a_single_image_is_a_batch_of_one(saved):
    """Its logits have a batch axis; other shapes are refused with both that there may be."""
    with torch.no_grad():
        alone = saved(IMAGES[0])
    assert alone.shape == (1, 3)
    torch.testing.assert_close(alone, logits(saved)[:1])
    for shape in ((64, 64), (1, 64, 64), (1, 1, 3, 64, 64), (2, 64, 64, 3)):
        with pytest.raises(ValueError, match=r"images has shape .*; it must be \(N, 3, H, W\), or \(3, H, W\)"):
            saved(torch.zeros(shape))
