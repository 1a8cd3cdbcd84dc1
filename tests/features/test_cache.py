"""Features are read from the cache only while nothing has changed that changes them."""

import errno
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torchvision.transforms import v2

import tlhelpers as tl
from tests.features.networks import TRANSFORM, tiny
from tests.tiny import ENTRY
from tlhelpers.features.cache import cache_key, cached_features
from tlhelpers.features.extraction import _say_once
from tlhelpers.photos.reading import READER_VERSION


@pytest.fixture
def count_passes():
    """Return a function from a model to a list that grows by one with every forward pass."""
    handles = []

    def count(model):
        passes = []
        handles.append(
            register_module_forward_pre_hook(lambda module, _: passes.append(1) if module is model else None)
        )
        return passes

    yield count
    for handle in handles:
        handle.remove()


def kept(tmp_path):
    return list((tmp_path / "cache" / "features").iterdir())


def test_the_second_call_reads_the_cache(loader, tmp_path, count_passes):
    """The same features come back without a pass through the model, in other batches too."""
    model = tiny()
    first, _ = tl.extract_features(model, loader, cache=True)
    passes = count_passes(model)
    again, labels = tl.extract_features(model, loader, cache=True)
    other, _ = tl.extract_features(model, tl.make_loader(loader.dataset, TRANSFORM, batch_size=7), cache=True)
    assert passes == [] and torch.equal(first, again) and torch.equal(first, other)
    assert labels.tolist() == [0, 1, 1, 0, 1, 0, 0] and len(kept(tmp_path)) == 1


def test_random_numbers_do_not_depend_on_the_cache(loader):
    """What is trained afterwards is the same whether features were computed or read."""
    model, drawn = tiny(), []
    for _ in range(2):
        tl.set_seed(5)
        tl.extract_features(model, loader, cache=True)
        drawn.append(torch.rand(1).item())
    tl.set_seed(5)
    assert drawn == [torch.rand(1).item()] * 2


def test_nothing_is_kept_unless_asked(loader, tmp_path, count_passes):
    """Without cache=True nothing is written, and every call computes."""
    model = tiny()
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


def change_padding(model, dataset):
    model.conv1.padding = (1, 1)
    return {}


def change_dilation(model, dataset):
    model.conv1.dilation = (2, 2)
    return {}


def change_eps(model, dataset):
    model.bn1.eps = 0.5
    return {}


def change_pooling(model, dataset):
    model.avgpool = nn.AdaptiveMaxPool2d(1)
    return {}


def change_transform(model, dataset):
    return {"transform": v2.Compose([v2.CenterCrop(12), *TRANSFORM.transforms])}


def change_normalization(model, dataset):
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
    change_padding,
    change_dilation,
    change_eps,
    change_pooling,
    change_transform,
    change_normalization,
    change_layer,
    change_order,
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_misses_the_cache(change, dataset, tmp_path):
    """A changed photo, weight, statistic, stride, transform, layer or order is noticed: the features are new."""
    model = tiny()
    old, _ = tl.extract_features(model, tl.make_loader(dataset, TRANSFORM), cache=True)
    options = change(model, dataset)
    loader = tl.make_loader(dataset, options.pop("transform", TRANSFORM))
    new, _ = tl.extract_features(model, loader, cache=True, **options)
    expected, _ = tl.extract_features(model, loader, **options)
    assert len(kept(tmp_path)) == 2
    assert torch.equal(new, expected) and not torch.equal(new, old)


def new_head(model):
    model.fc = nn.Linear(5, 7)


def change_head(model):
    nn.init.ones_(model.fc.weight)


def change_mode(model):
    model.train()


@pytest.mark.parametrize("change", [new_head, change_head, change_mode])
def test_what_does_not_change_the_features_keeps_the_cache(change, loader, tmp_path, count_passes):
    """A new head, another weight of the head, or training mode: the features are read from the cache."""
    model = tiny()
    old, _ = tl.extract_features(model, loader, cache=True)
    change(model)
    passes = count_passes(model)
    new, _ = tl.extract_features(model, loader, cache=True)
    assert passes == [] and torch.equal(old, new) and len(kept(tmp_path)) == 1


@pytest.mark.parametrize("layer", ["fc", ""])
def test_the_head_counts_where_its_output_is_asked_for(layer, loader):
    """The logits of another head are others."""
    model = tiny()
    before = cache_key(model, loader, layer)
    change_head(model)
    assert cache_key(model, loader, layer) != before


class Darker(nn.Module):
    """A transform of somebody's own."""

    def forward(self, image):
        return image


def test_a_transform_that_draws_random_numbers_is_computed_and_not_cached(dataset, tmp_path, capsys):
    """Otherwise one random crop would stay for ever."""
    _say_once.cache_clear()
    tl.extract_features(tiny(), tl.make_loader(dataset, tl.train_transform(ENTRY)), cache=True)
    assert not (tmp_path / "cache").exists()
    assert "a RandomCrop makes another image every time; use eval_transform" in capsys.readouterr().out


@pytest.mark.parametrize(
    "step", [v2.Lambda(lambda image: image), lambda image: image, Darker(), partial(v2.functional.hflip)]
)
def test_what_holds_code_of_your_own_is_computed_and_not_cached(step, dataset, tmp_path, capsys, count_passes):
    """Two functions look alike, so the second would get the features of the first; one line says so, once."""
    _say_once.cache_clear()
    loader = tl.make_loader(dataset, v2.Compose([v2.CenterCrop(12), step, *TRANSFORM.transforms]))
    model = tiny()
    passes = count_passes(model)
    for _ in range(2):
        tl.extract_features(model, loader, cache=True)
    assert len(passes) == 2 and not (tmp_path / "cache").exists()
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1 and "not kept but computed every time" in printed and "code of your own" in printed


def test_a_network_of_your_own_class_is_not_cached(loader, tmp_path):
    """What its forward pass does could change unnoticed."""

    class Own(nn.Sequential):
        pass

    tl.extract_features(Own(*tiny()), loader, layer="0", cache=True)
    assert not (tmp_path / "cache").exists()


def test_another_version_of_the_reader_misses_the_cache(loader):
    """When photos are read in another way, old features are of no use."""
    model = tiny()
    now, next_one = (cache_key(model, loader, "avgpool", reader=READER_VERSION + change) for change in (0, 1))
    assert now == cache_key(model, loader, "avgpool") != next_one


def test_another_precision_misses_the_cache(loader, tmp_path, monkeypatch):
    """Features in bfloat16 and features in float32 have keys of their own."""
    model = tiny()
    for dtype in (torch.float32, torch.bfloat16, torch.float32):
        monkeypatch.setattr("tlhelpers.features.cache.pick_dtype", lambda device, dtype=dtype: dtype)
        tl.extract_features(model, loader, cache=True)
    assert len(kept(tmp_path)) == 2


def shorten(path):
    np.save(path, np.load(path)[:3])


DAMAGES = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-5]),
    "empty": lambda path: path.write_bytes(b""),
    "flipped": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"),
    "no array": lambda path: path.write_bytes(b"<html>please log in</html>"),
    "fewer rows": shorten,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_features_are_set_aside_and_computed_again(damage, loader, tmp_path, capsys, count_passes):
    """One line names the file; what was in it is kept, and the next call reads the new file."""
    model = tiny()
    expected, _ = tl.extract_features(model, loader, cache=True)
    (path,) = kept(tmp_path)
    damage(path)
    content, passes = path.read_bytes(), count_passes(model)
    again, _ = tl.extract_features(model, loader, cache=True)
    assert torch.equal(again, expected) and len(passes) > 0
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1 and f"Features in {path} are damaged (it is now called {path.name}.dam" in printed
    assert sorted(kept(tmp_path)) == [path, path.with_name(f"{path.name}.damaged-1")]
    assert path.with_name(f"{path.name}.damaged-1").read_bytes() == content
    passes.clear()
    tl.extract_features(model, loader, cache=True)
    assert passes == []


def test_features_of_another_number_of_photos_are_not_used(tmp_path):
    """Features beside more labels would give a probe that learns nonsense."""
    cached_features("key", 3, lambda: torch.ones(3, 2))
    assert cached_features("key", 5, lambda: torch.zeros(5, 2)).shape == (5, 2)


def test_a_cache_that_cannot_be_written_costs_one_line(loader, tmp_path, monkeypatch, capsys):
    """A file where the folder should be: the features come all the same, and one line names the folder."""
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "file"))
    model = tiny()
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
    features, _ = tl.extract_features(tiny(), loader, cache=True)
    assert features.shape == (7, 5)
    assert capsys.readouterr().out.count("\n") == 1 and kept(tmp_path) == []


def double(module, inputs, output):
    return 2 * output


CHANGES = {
    "hook": lambda model: model.bn1.register_forward_hook(double),
    "forward": lambda model: setattr(model.bn1, "forward", lambda x: 2 * x),
}


@pytest.mark.parametrize("change", CHANGES)
def test_hooks_and_replaced_forwards_are_not_cached(change, loader, tmp_path, capsys):
    """They change the features, and nothing else tells of them."""
    _say_once.cache_clear()
    model = tiny()
    CHANGES[change](model)
    tl.extract_features(model, loader, cache=True)
    assert not (tmp_path / "cache").exists() and "has hooks or another 'forward'" in capsys.readouterr().out


def test_options_that_are_not_in_the_repr_are_in_the_key(loader):
    """Whether a mean counts the padding is one; the representation of the module does not show it."""
    keys = {
        cache_key(nn.Sequential(nn.AvgPool2d(3, padding=1, count_include_pad=counted)), loader, "0")
        for counted in (True, False)
    }
    assert len(keys) == 2
