"""A file of weights is read in every usual form, no code of it is run, and what cannot be weights is refused."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from tlhelpers.network.weight_files import read_file, weights_in

WEIGHTS = {"fc.weight": torch.tensor([[0.5, -2.0]]), "fc.bias": torch.tensor([0.25])}
HERE = Path("file.pth")


def same(found, expected=WEIGHTS) -> bool:
    """Tell whether names, types and values are equal."""
    return found.keys() == expected.keys() and all(
        found[name].dtype == torch.float32 and torch.equal(found[name], expected[name]) for name in expected
    )


@pytest.mark.parametrize(
    "wrapped",
    [
        WEIGHTS,
        {"state_dict": WEIGHTS, "epoch": 3},
        {"model": WEIGHTS, "optimizer": {"state": {}}},
        {"model_state_dict": WEIGHTS},
        {"state_dict": {"model": WEIGHTS}} | {"args": "any"},
        {f"module.{name}": value for name, value in WEIGHTS.items()},
        {f"_orig_mod.{name}": value for name, value in WEIGHTS.items()},
        {name: value.half() for name, value in WEIGHTS.items()},
        {name: value.bfloat16() for name, value in WEIGHTS.items()},
        {name: value.double() for name, value in WEIGHTS.items()},
        {name: nn.Parameter(value) for name, value in WEIGHTS.items()},
    ],
)
def test_the_usual_forms_give_the_same_weights(wrapped, tmp_path):
    """Inside a dict, with prefixes, in other precisions: names are plain, and values are float32."""
    torch.save(wrapped, tmp_path / "file.pth")
    assert same(weights_in(read_file(tmp_path / "file.pth"), HERE))


def test_safetensors_are_read(tmp_path):
    """The format is known by the ending of the file."""
    save_file(WEIGHTS, tmp_path / "file.safetensors")
    assert same(weights_in(read_file(tmp_path / "file.safetensors"), HERE))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({}, "holds a dict instead of a state dict"),
        ([1, 2], "holds a list instead of a state dict"),
        ({7: torch.zeros(1)}, "instead of a state dict"),
        ({"fc.bias": 1.0}, "instead of a state dict"),
        ({"model": {"fc": 1}}, "instead of a state dict"),
        ({"fc.bias": torch.tensor([float("nan")])}, "'fc.bias' with values that are not finite"),
        ({"fc.bias": torch.tensor([float("-inf")])}, "'fc.bias' with values that are not finite"),
        ({"fc.bias": torch.zeros(1, dtype=torch.int8)}, "values of type torch.int8"),
        ({"fc.bias": torch.zeros(1, dtype=torch.complex64)}, "values of type torch.complex64"),
        ({"fc.weight": torch.zeros(2, 2).to_sparse()}, "torch.sparse_coo"),
        ({"fc.bias": torch.zeros(1, device="meta")}, "with no values"),
    ],
)
def test_what_cannot_be_weights_is_refused(content, sentence):
    """The sentence names the file, and what it holds."""
    with pytest.raises(ValueError, match=f"file.pth.*{re.escape(sentence)}.*; "):
        weights_in(content, HERE)


class Dangerous:
    """Runs code when it is read from a pickle."""

    def __reduce__(self):
        return (pytest.fail, ("this must never run",))


@pytest.mark.parametrize("thing", [Dangerous(), nn.Linear(2, 2), {"model": nn.Linear(2, 2)}])
def test_a_pickle_that_would_run_code_is_refused_with_the_remedy(thing, tmp_path):
    """Nothing of it runs, and nothing advises to delete it."""
    torch.save(thing, tmp_path / "file.pth")
    with pytest.raises(ValueError, match="file.pth is not a checkpoint.*would run code.*state_dict") as refused:
        read_file(tmp_path / "file.pth")
    assert "delete" not in str(refused.value)


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*TorchScript")
def test_a_torchscript_program_is_refused_with_the_remedy(tmp_path):
    """The message says how its weights become a file of weights."""
    torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)).save(tmp_path / "program.pt")
    with pytest.raises(ValueError, match="TorchScript program.*torch.jit.load"):
        read_file(tmp_path / "program.pt")


@pytest.mark.parametrize("name", ["file.pth", "file.safetensors"])
@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04" + bytes(40), b"\x80\x02" + bytes(40)])
def test_a_file_that_is_no_checkpoint_is_refused(name, content, tmp_path):
    """Whatever a library raises for it becomes one sentence with the name of the file."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=f"{name} is not a checkpoint that torch can read.*; "):
        read_file(tmp_path / name)


def test_a_file_that_is_not_there_is_named(tmp_path):
    """So is a folder in its place."""
    for path in (tmp_path / "none.pth", tmp_path):
        with pytest.raises(ValueError, match="there is no such file"):
            read_file(path)


def test_one_changed_byte_is_noticed(tmp_path):
    """Torch alone would load it, and every result would be wrong."""
    torch.save({"fc.weight": torch.rand(1000)}, tmp_path / "file.pth")
    content = bytearray((tmp_path / "file.pth").read_bytes())
    content[len(content) // 2] ^= 0x40
    (tmp_path / "file.pth").write_bytes(content)
    torch.load(tmp_path / "file.pth", weights_only=True)
    with pytest.raises(ValueError, match="file.pth is not a checkpoint.*damaged.*again"):
        read_file(tmp_path / "file.pth")
