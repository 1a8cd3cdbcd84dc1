"""Every kind of bad input gets one sentence: what it is, what is wrong with it, and the way out.

A row of ``KINDS`` for each kind; wrong arguments have their own table in ``test_arguments``. What else must hold, such
as that nothing was written, is tested beside the modules.
"""

import io
import json
import re
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.servers import head, nobody, scripted
from tests.test_archives import member, write_zip
from tests.tiny import TinyNet, transform, write_folder, write_photo
from tlhelpers.archives import unpack
from tlhelpers.classroom.notebooks import read_notebook
from tlhelpers.cli import main
from tlhelpers.download import Limits
from tlhelpers.fetch import fetch
from tlhelpers.files import cache_dir, photos_dir, replacing
from tlhelpers.network.pretrained import load_resnet50
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.ants_and_bees import ants_and_bees
from tlhelpers.photos.datasets import PhotoDataset, image_folder
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.reading import open_photo
from tlhelpers.precision import precision_named
from tlhelpers.training.checkpoint import load_checkpoint, save_checkpoint
from tlhelpers.training.settings import OtherSettingsError

LIMITS = Limits(answer=1.0, silence=0.1, slow=0.1, speed=1000.0, size=5000)


class Kind(NamedTuple):
    """A kind of bad input: a name, what happens in an empty folder, and words of the sentence that must come."""

    name: str
    call: Callable[[Path], object]
    words: str


# --- makers: each writes something bad below a folder, and lets the package read it


def photo(content: bytes) -> Callable[[Path], object]:
    """Open a file of this content as a photo."""

    def call(folder: Path) -> object:
        (folder / "photo.jpg").write_bytes(content)
        return open_photo(folder / "photo.jpg")

    return call


def loaded(folder: Path) -> object:
    """Read a batch with a damaged photo."""
    (folder / "photo.jpg").write_bytes(b"")
    return next(iter(make_loader(PhotoDataset([folder / "photo.jpg"], [0], ["ant", "bee"]), transform())))


def image(kind: str, *, cut: int, **options: object) -> bytes:
    """Return the first bytes of an image of noise in some format."""
    buffer = io.BytesIO()
    Image.effect_noise((40, 40), 60).convert("RGB").save(buffer, kind, **options)
    return buffer.getvalue()[:cut]


def spoiled(spoil: Callable[[Path], object]) -> Callable[[Path], object]:
    """Read a folder of photos after it was spoiled."""

    def call(folder: Path) -> object:
        root = write_folder(folder / "set", train=1, val=1)
        spoil(root)
        return image_folder(root)

    return call


def empty(folder: Path) -> None:
    """Leave a folder without files."""
    shutil.rmtree(folder)
    folder.mkdir()


def archive(*members: zipfile.ZipInfo, **bounds: int) -> Callable[[Path], object]:
    """Unpack an archive of these members, each of a thousand bytes."""

    def call(folder: Path) -> object:
        path = write_zip(folder / "set.zip", [(info, bytes(1000)) for info in members])
        return unpack(path, folder / "out", **{"max_bytes": 9000, **bounds})

    return call


def raw_archive(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    """Unpack an archive whose bytes were changed."""

    def call(folder: Path) -> object:
        path = write_zip(folder / "set.zip", [(member("1.jpg"), bytes(range(200)))])
        path.write_bytes(change(path.read_bytes()))
        return unpack(path, folder / "out", max_bytes=9000)

    return call


def raw_weights(content: bytes, name: str = "file.pth") -> Callable[[Path], object]:
    """Load a file of this content as a ResNet-50."""

    def call(folder: Path) -> object:
        (folder / name).write_bytes(content)
        return load_resnet50(folder / name)

    return call


def weights(content: Callable[[], object], **options: str) -> Callable[[Path], object]:
    """Load a ResNet-50 from what torch saved."""

    def call(folder: Path) -> object:
        torch.save(content(), folder / "file.pth")
        return load_resnet50(folder / "file.pth", **options)

    return call


def state(**changes: torch.Tensor) -> dict[str, torch.Tensor]:
    """Return the weights of a ResNet-50, all zero and without memory of their own, with some changes."""
    with torch.device("meta"):
        names = ResNet50(2).state_dict()
    return {name: torch.zeros(()).expand(value.shape) for name, value in names.items()} | changes


def checkpoint(load: Callable[[Path], object]) -> Callable[[Path], object]:
    """Let something read the checkpoint of a training of two classes."""

    def call(folder: Path) -> object:
        model = TinyNet()
        save_checkpoint(folder / "last.pt", model, sgd(model), classes=["ant", "bee"])
        return load(folder / "last.pt")

    return call


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    """Return an optimizer of all parameters."""
    return torch.optim.SGD(model.parameters(), lr=0.1)


def host(*steps: bytes | float, sha256: str | None = None) -> Callable[[Path], object]:
    """Fetch a file from a host that answers so."""

    def call(folder: Path) -> object:
        with scripted(list(steps)) as (address, _):
            return fetch(f"{address}/file", folder / "file", sha256, limits=LIMITS)

    return call


def notebook(content: str) -> Callable[[Path], object]:
    """Read a file of this content as a notebook."""

    def call(folder: Path) -> object:
        (folder / "01.ipynb").write_text(content, encoding="utf-8")
        return read_notebook(folder / "01.ipynb")

    return call


def named(variable: str, value: str, ask: Callable[[], object]) -> Callable[[Path], object]:
    """Ask for what an environment variable names; HERE stands for the folder."""

    def call(folder: Path) -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(variable, value.replace("HERE", str(folder)))
            return ask()

    return call


def command(*words: str) -> Callable[[Path], object]:
    """Run a command line in the folder."""
    return lambda folder: main([word.replace("HERE", str(folder)) for word in words])


def write_in(path: Path) -> None:
    """Write a file as the package writes all of its files."""
    with replacing(path) as new:
        new.write_text("x")


NAN = torch.tensor([float("nan"), 0.0])
KINDS = [
    # files of photos
    Kind("photo: empty", photo(b""), r"photo.jpg cannot be read as an image \(it is empty\); replace it"),
    Kind(
        "photo: cut JPEG",
        photo(image("JPEG", cut=400)),
        r"photo.jpg cannot be read as an image \(Truncated File Read\); replace it",
    ),
    Kind(
        "photo: cut PNG",
        photo(image("PNG", cut=400)),
        r"photo.jpg cannot be read as an image \(image file is truncated\); replace it",
    ),
    Kind(
        "photo: cut GIF",
        photo(image("GIF", cut=400)),
        r"photo.jpg cannot be read as an image \(it starts like GIF, but: .*\); replace it",
    ),
    Kind(
        "photo: cut TIFF",
        photo(image("TIFF", cut=400)),
        r"photo.jpg cannot be read as an image \(image file is truncated .*\); replace it",
    ),
    Kind("photo: cut WebP", photo(image("WEBP", cut=400)), r"photo.jpg cannot be read as an image \(.*\); replace it"),
    Kind(
        "photo: plain text",
        photo(b"only words"),
        r"photo.jpg cannot .* \(its content is not that of an image\); replace it",
    ),
    Kind(
        "photo: web page",
        photo(b"<!DOCTYPE html><html>"),
        r"photo.jpg cannot .* \(it is a web page; download the image itself\)",
    ),
    Kind("photo: drawing", photo(b"<svg xmlns=''>"), r"photo.jpg cannot .* \(it is a drawing in SVG; save it as PNG\)"),
    Kind("photo: document", photo(b"%PDF-1.7"), r"photo.jpg cannot .* \(it is a PDF; save its pages as PNG\)"),
    Kind("photo: archive", photo(b"PK\x03\x04" + bytes(40)), r"photo.jpg cannot .* \(it is a zip archive; unpack it\)"),
    Kind(
        "photo: nothing there",
        lambda folder: open_photo(folder / "no.jpg"),
        r"no.jpg cannot be read as an image \(No such file or directory\); replace it",
    ),
    Kind(
        "photo: folder",
        lambda folder: open_photo(folder),
        r"cannot be read as an image \(it is not a regular file\); replace it",
    ),
    Kind(
        "photo: array",
        lambda folder: open_photo(np.zeros((4, 4, 3))),
        r"path is an array of shape \(4, 4, 3\) .*; it must be the path of an image file; give a str",
    ),
    Kind("photo: in a loader", loaded, r"photo.jpg cannot be read as an image \(it is empty\); replace it"),
    # folders of photos
    Kind(
        "folder: nothing there",
        spoiled(shutil.rmtree),
        "set has no folder 'train'; put photos into train/CLASS/ and val/CLASS/ there",
    ),
    Kind(
        "folder: a file",
        spoiled(lambda root: (shutil.rmtree(root), root.write_text("x"))),
        "set has no folder 'train'; put photos into train/CLASS/ and val/CLASS/ there",
    ),
    Kind(
        "folder: no val",
        spoiled(lambda root: shutil.rmtree(root / "val")),
        "set has no folder 'val'; put photos into train/CLASS/ and val/CLASS/ there",
    ),
    Kind(
        "folder: part called Train",
        spoiled(lambda root: (root / "train").rename(root / "Training")),
        "set has no folder 'train', but it has 'Training'; rename that: ",
    ),
    Kind(
        "folder: empty part",
        spoiled(lambda root: empty(root / "train")),
        r"train has 0 classes \[\]; it needs two or more sub-folders, one for each class",
    ),
    Kind(
        "folder: photos without classes",
        spoiled(lambda root: (empty(root / "train"), write_photo(root / "train/1.png", 1))),
        r"train has 0 classes \[\]; it needs two or more sub-folders, one for each class",
    ),
    Kind(
        "folder: empty class",
        spoiled(lambda root: empty(root / "train/dark")),
        "dark holds no images; put files ending in .jpg",
    ),
    Kind(
        "folder: one class",
        spoiled(lambda root: shutil.rmtree(root / "train/dark")),
        r"train has 1 classes \['light'\]; it needs two or more sub-folders",
    ),
    Kind(
        "folder: other classes in val",
        spoiled(lambda root: (root / "val/dark").rename(root / "val/gray")),
        "in train but .* in val; they must be the same; rename or add the folders that differ",
    ),
    Kind(
        "folder: documents only",
        spoiled(lambda root: (empty(root / "train/dark"), (root / "train/dark/a.pdf").write_text("x"))),
        r"dark holds no images but files that are left out \(.pdf\); put files ending in .jpg",
    ),
    # archives
    Kind(
        "archive: another file",
        raw_archive(lambda content: b"only words"),
        r"set.zip is not a zip archive that can be unpacked \(File is not a zip file\)",
    ),
    Kind(
        "archive: cut",
        raw_archive(lambda content: content[:-30]),
        r"set.zip is not a zip archive that can be unpacked \(File is not a zip file\)",
    ),
    Kind(
        "archive: changed byte",
        raw_archive(lambda content: content[:50] + b"\xff" + content[51:]),
        r"set.zip is not a zip archive that can be unpacked \(.*'1.jpg'\)",
    ),
    Kind(
        "archive: absolute path",
        archive(member("/etc/x")),
        "holds '/etc/x', which names a place outside of the folder; get it from another place",
    ),
    Kind(
        "archive: parent folder",
        archive(member("a/../../x")),
        "holds 'a/../../x', which leads out of the folder; get it from another place",
    ),
    Kind(
        "archive: drive letter",
        archive(member("C:x")),
        "holds 'C:x', which names a place outside of the folder; get it from another place",
    ),
    Kind(
        "archive: link",
        archive(member("x", kind=stat.S_IFLNK)),
        "holds 'x', which is a link or a device and not a file; get it from another place",
    ),
    Kind(
        "archive: line break",
        archive(member("a\nb")),
        r"holds 'a\\nb', which has a character that file names here must not have; get it from",
    ),
    Kind(
        "archive: equal but for case",
        archive(member("a.jpg"), member("A.JPG")),
        "holds 'a.jpg' and 'A.JPG', which are one file on some systems",
    ),
    Kind(
        "archive: bomb",
        archive(member("a"), member("b"), max_bytes=1500),
        "unpacks to 2,000 bytes; it must be at most 1,500",
    ),
    Kind(
        "archive: too many members",
        archive(member("a"), member("b"), max_members=1),
        "holds 2 members; it must hold at most 1",
    ),
    # weights
    Kind(
        "weights: unknown name",
        lambda folder: load_resnet50("resnet18"),
        "weights is 'resnet18'; it must be a file or one of the names auto, imagenet1k_v1",
    ),
    Kind(
        "weights: folder", load_resnet50, "weights is '.*'; it must be a file or one of the names auto, imagenet1k_v1"
    ),
    Kind(
        "weights: empty file",
        raw_weights(b""),
        r"file.\w+ is not a checkpoint that torch can read \(it is damaged, or something else\); make or",
    ),
    Kind(
        "weights: text",
        raw_weights(b"only words"),
        r"file.\w+ is not a checkpoint that torch can read \(it is damaged, or something else\); make or",
    ),
    Kind(
        "weights: web page",
        raw_weights(b"<!DOCTYPE html>"),
        r"file.\w+ is not a checkpoint that torch can read \(it is damaged, or something else\); make or",
    ),
    Kind(
        "weights: damaged safetensors",
        raw_weights(b"\xff" * 40, "file.safetensors"),
        r"file.\w+ is not a checkpoint that torch can read \(it is damaged, or something else\); make or",
    ),
    Kind(
        "weights: whole network, which is code",
        weights(lambda: nn.Linear(1, 1)),
        r"file.pth .* \(reading it would run code\); where it was made, save",
    ),
    Kind(
        "weights: list",
        weights(lambda: [1, 2]),
        r"file.pth holds a list instead of a state dict of tensors; save model.state_dict\(\)",
    ),
    Kind(
        "weights: not a number",
        weights(lambda: {"fc.bias": NAN}),
        "file.pth has 'fc.bias' with values that are not finite; .*; take another file",
    ),
    Kind(
        "weights: integers",
        weights(lambda: {"fc.bias": NAN.nan_to_num().to(torch.int8)}),
        "file.pth has 'fc.bias' with values of type torch.int8.*; save them as float32",
    ),
    Kind(
        "weights: sparse",
        weights(lambda: {"fc.weight": torch.zeros(2, 2).to_sparse()}),
        "file.pth has 'fc.weight' with .* torch.sparse_coo; .*; save them as float32",
    ),
    Kind(
        "weights: without values",
        weights(lambda: {"fc.bias": torch.zeros(2, device="meta")}),
        "file.pth has 'fc.bias' with no values; .*; save them as float32",
    ),
    Kind(
        "weights: another network",
        weights(lambda: nn.Linear(1, 1).state_dict()),
        "file.pth has no 'conv1.weight', so it is not a ResNet-50; name another file",
    ),
    Kind(
        "weights: other shape",
        weights(lambda: state(**{"conv1.weight": torch.zeros(64, 1, 7, 7)})),
        r"file.pth has 'conv1.weight' of shape \(64, 1, 7, 7\) instead of .*; name another file",
    ),
    Kind(
        "weights: one layer too many",
        weights(lambda: state(extra=torch.zeros(1))),
        "file.pth has 'extra', which a ResNet-50 does not have; name another file",
    ),
    Kind(
        "weights: unknown origin",
        weights(state),
        "file.pth holds weights that are not known, .*; name the weights that they stem from: like= one of",
    ),
    Kind(
        "weights: unknown likeness",
        weights(state, like="resnet18"),
        "the name of weights is 'resnet18'; it must be one of imagenet1k_v1, .*; correct it",
    ),
    # checkpoints
    Kind(
        "checkpoint: nothing there",
        lambda folder: load_checkpoint(folder / "no.pt", TinyNet()),
        "path is '.*no.pt', and there is no such file; name a file of weights",
    ),
    Kind(
        "checkpoint: cut",
        checkpoint(lambda path: (path.write_bytes(path.read_bytes()[:999]), load_checkpoint(path, TinyNet()))),
        r"last.pt is not a checkpoint that torch can read \(it is damaged.*\); make or download it again",
    ),
    Kind(
        "checkpoint: weights alone",
        lambda folder: (
            torch.save(TinyNet().state_dict(), folder / "a.pt"),
            load_checkpoint(folder / "a.pt", TinyNet()),
        ),
        r"a.pt does not hold a training; load weights alone with load_resnet50\('.*a.pt'\)",
    ),
    Kind(
        "checkpoint: other network",
        checkpoint(lambda path: load_checkpoint(path, TinyNet(3))),
        "last.pt belongs to another network: its 'fc.weight' .*; build the network of that training",
    ),
    Kind(
        "checkpoint: other classes",
        checkpoint(lambda path: load_checkpoint(path, TinyNet(), classes=["cat", "dog"])),
        r"last.pt was trained for the classes \['ant', 'bee'\], got .*; train in another folder",
    ),
    Kind(
        "checkpoint: other optimizer",
        checkpoint(lambda path: load_checkpoint(path, net := TinyNet(), torch.optim.Adam(net.parameters()))),
        "last.pt belongs to a training with optimizer SGD, and now it is Adam; train in a new",
    ),
    # hosts
    Kind(
        "host: nobody",
        lambda folder: fetch(f"{nobody()}/file", folder / "file", None, limits=LIMITS),
        r"http://127.0.0.1:\d+/file cannot be reached \(ConnectionError\)",
    ),
    Kind(
        "host: not found",
        host(head(404)),
        r"127.0.0.1:\d+/file failed \(404: there is no such file; the address is wrong or the file was",
    ),
    Kind(
        "host: refused", host(head(403)), r"127.0.0.1:\d+/file failed \(403: the host refuses; .*, so try another one\)"
    ),
    Kind("host: broken", host(head(500)), r"127.0.0.1:\d+/file failed \(500: the host has a fault; try again later\)"),
    Kind(
        "host: no HTTP", host(b"SSH-2.0-server\r\n"), r"http://127.0.0.1:\d+/file cannot be reached \(ConnectionError\)"
    ),
    Kind(
        "host: too much",
        host(head(200, content_length=10**9)),
        "/file was stopped: it has more than 5,000 bytes, .*; try another network",
    ),
    Kind(
        "host: another file",
        host(head(200, content_length=1), b"x", sha256="0" * 64),
        "/file has another SHA-256 than 0+; .*, so try another network",
    ),
    # notebooks
    Kind(
        "notebook: empty",
        notebook(""),
        r"01.ipynb is not a notebook that can be read \(.*\); restore the file, or move it elsewhere",
    ),
    Kind(
        "notebook: text",
        notebook("# only words"),
        r"01.ipynb is not a notebook that can be read \(.*\); restore the file, or move it elsewhere",
    ),
    Kind(
        "notebook: other JSON",
        notebook("[1, 2]"),
        r"01.ipynb is not a notebook that can be read \(.*\); restore the file, or move it elsewhere",
    ),
    Kind(
        "notebook: cut",
        notebook(nbformat.writes(nbformat.v4.new_notebook())[:20]),
        r"01.ipynb is not a notebook that can be read \(.*\); restore the file, or move it elsewhere",
    ),
    Kind(
        "notebook: bad cell",
        notebook(json.dumps({"cells": [{}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})),
        r"01.ipynb is not a notebook that can be read \(.*\); restore the file, or move it elsewhere",
    ),
    # environment variables
    Kind(
        "cache: home of nobody",
        named("TLHELPERS_CACHE", "~nobody-of-this-name", cache_dir),
        "TLHELPERS_CACHE names ~nobody-of-this-name, which cannot be used .*; name another folder",
    ),
    Kind(
        "cache: name too long",
        named("TLHELPERS_CACHE", "/" + "a" * 5000, cache_dir),
        "TLHELPERS_CACHE names /a+..., which cannot be used .*; name another folder",
    ),
    Kind(
        "cache: below a file",
        named("TLHELPERS_CACHE", f"{__file__}/cache", lambda: write_in(cache_dir() / "a")),
        "cannot write to .*; free some space, or let TLHELPERS_CACHE name a folder that can be written",
    ),
    Kind(
        "photos: home of nobody",
        named("TLHELPERS_PHOTOS", "~nobody-of-this-name", photos_dir),
        "TLHELPERS_PHOTOS names ~nobody-of-this-name, which cannot be used .*; name another folder",
    ),
    Kind(
        "photos: nothing there",
        named("TLHELPERS_PHOTOS", "HERE/no", ants_and_bees),
        "TLHELPERS_PHOTOS names .*no, which is not a folder; correct it, or unset it",
    ),
    Kind(
        "photos: without ants and bees",
        named("TLHELPERS_PHOTOS", "HERE", ants_and_bees),
        "TLHELPERS_PHOTOS names a folder without the ants and bees: .*; put photos into",
    ),
    Kind(
        "precision: unknown",
        named("TLHELPERS_PRECISION", "int8", precision_named),
        "TLHELPERS_PRECISION is 'int8'; it must be bfloat16 or float32; correct it, or unset it",
    ),
    # command lines
    Kind(
        "command: run without notebooks",
        command("run", "HERE"),
        "folder is .*; it must hold notebooks; go to the project's folder, or name the folder",
    ),
    Kind(
        "command: handouts without notebooks",
        command("handouts", "HERE"),
        "folder is .*; it must hold notebooks; go to the project's folder, or name the folder",
    ),
    Kind(
        "command: nothing to clear",
        command("cache", "clear"),
        "the kind is None; 'clear' needs features, photos, weights or all.*; write for example",
    ),
    Kind(
        "command: listing of a kind",
        command("cache", "list", "photos"),
        "the kind is photos; .* and 'list' none; write for example",
    ),
    Kind("command: unknown", command("train"), "argument COMMAND: invalid choice: 'train' .choose from"),
    Kind("command: unknown option", command("doctor", "--fast"), "unrecognized arguments: --fast"),
    Kind("command: none", command(), "the following arguments are required: COMMAND"),
]


OURS = (ValueError, RuntimeError, OtherSettingsError)
# sentences that a longer one quotes, which has the way out
QUOTED = ("archive", "host")


@pytest.mark.parametrize(("call", "words"), [kind[1:] for kind in KINDS], ids=[kind.name for kind in KINDS])
@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
def test_a_bad_input_gets_one_sentence(tmp_path, capsys, call, words):
    """One line and no more, with the words that name the thing, what is wrong with it, and the way out."""
    sentence = ""
    try:
        status = call(tmp_path)
    except (ValueError, RuntimeError) as error:
        assert type(error) in OURS
        status, sentence = 1, str(error)
    except SystemExit as error:  # argparse ends so, after two lines of which the first is the usage
        status = error.code
    sentence = sentence or capsys.readouterr().err.removeprefix("usage: tlhelpers [-h] COMMAND ...\n").strip()
    assert status in (1, 2) and re.search(words, sentence), sentence
    assert "\n" not in sentence and len(sentence) < 450, sentence


def test_every_sentence_has_a_way_out():
    """After a semicolon; but a sentence that another one quotes does not need it, and neither does argparse's usage."""
    without = [kind.name for kind in KINDS if ";" not in kind.words]
    assert [name for name in without if name.split(":")[0] not in QUOTED] == [
        "command: unknown",
        "command: unknown option",
        "command: none",
    ]


def test_there_are_many_kinds():
    """No kind is listed twice, and none was lost."""
    assert len({kind.name for kind in KINDS}) == len(KINDS) > 80
