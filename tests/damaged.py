"""Damaged inputs for everything that reads what others made: for a few quick tests, and for ``benchmarks/fuzz.py``.

An input is a whole file with some bytes changed, cut or repeated. It may be read, or be refused by a ValueError or a
RuntimeError of one sentence that names the file. Any other end is a fault. The number of an input gives all its damage.
Only files in torch's old format differ between two runs, because they hold addresses in memory.
"""

import contextlib
import copy
import gzip
import io
import os
import random
import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest import mock

import nbformat
import numpy as np
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from safetensors.torch import save as save_safetensors
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from tests.network.test_he2015 import MEAN, STD, miniature, pack
from tests.tiny import TinyNet
from tlhelpers.archives import unpack
from tlhelpers.cli import main as run_command
from tlhelpers.machine import set_seed
from tlhelpers.network import he2015
from tlhelpers.network.weight_files import read_file, weights_in
from tlhelpers.photos.datasets import image_folder
from tlhelpers.photos.reading import open_photo
from tlhelpers.training.checkpoint import load_checkpoint, save_checkpoint
from tlhelpers.training.settings import OtherSettingsError

SECONDS = 5.0  # of processor time, which other programs do not change; an input may take so many
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000")
A_VALUE = re.compile(rb'"[^"]{0,80}"|-?\b\d+\b|null|true')  # in JSON
OTHER_VALUES = (b"null", b"-1", b"1e999", b"99999999999999999999", b'""', b"[]", b"{}", b'"\\u0000"', b'"\xff"', b"0.5")
WRONG_PARTS = (None, -1, 10**20, 1.5, float("nan"), "", "x", [], {}, [1], {"a": 1}, {1: {}})
WRONG_PARTS += (torch.ones(2), torch.tensor([float("nan")]), torch.ones(2, device="meta"), torch.ones(2).to_sparse())
OTHER_NAMES = ("../evil", "/evil", "a\nb", "C:evil", "x" * 300, "x/" * 3000, "é", ".", "a/./b", "/", " ", "NUL.png")


@dataclass(frozen=True)
class Reader:
    """Something that reads a file of unknown origin.

    Parameters
    ----------
    samples : list of bytes
        Whole inputs.
    make : callable, optional
        (random.Random): returns an input that is whole but for one wrong part. A third of the inputs are made so.
    files : tuple of str
        Under these names an input is stored in the folder "in".
    words : tuple of str
        The sentence of a refusal has one of them: the name of the file, or of the program.
    reads : tuple of callables
        (folder "in"): each reads the input in its own way. What it writes belongs into the current folder.
    """

    samples: list[bytes]
    files: tuple[str, ...]
    words: tuple[str, ...]
    reads: tuple[Callable[[Path], object], ...]
    make: Callable[[random.Random], bytes] | None = None


def damaged(samples: list[bytes], draw: random.Random) -> bytes:
    """Return a sample after one to four random changes; half of the zip archives are changed inside of a file."""
    sample = draw.choice(samples)
    if zipfile.is_zipfile(io.BytesIO(sample)) and draw.random() < 0.5:
        return _damaged_inside(sample, draw)
    return _damaged_bytes(sample, samples, draw)


def _damaged_inside(sample: bytes, draw: random.Random) -> bytes:
    """Return a zip archive of which one file has other bytes or another name; checksums and sizes are right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sample)) as old, zipfile.ZipFile(buffer, "w") as new:
        changed = draw.randrange(len(old.namelist()))
        for number, name in enumerate(old.namelist()):
            content = old.read(name)
            if number == changed and draw.random() < 0.8:
                content = _damaged_bytes(content, [content], draw)
            elif number == changed:
                name = draw.choice((*OTHER_NAMES, name.upper(), name[1:], f"{name}/", name.rpartition("/")[0]))
            new.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


def _damaged_bytes(sample: bytes, samples: list[bytes], draw: random.Random) -> bytes:
    data = bytearray(sample)
    for _ in range(draw.randint(1, 4)):
        values = list(A_VALUE.finditer(data))
        if values and draw.random() < 0.5:
            found = draw.choice(values)
            data[found.start() : found.end()] = draw.choice(OTHER_VALUES).ljust(len(found[0]))
        else:
            _change_bytes(data, draw.choice(samples), draw)
        if draw.random() < 0.05:
            del data[draw.randrange(len(data) + 1) :]
    return bytes(data)


def _change_bytes(data: bytearray, other: bytes, draw: random.Random) -> None:
    """Replace some bytes: by random ones, the largest, zeros, none, themselves three times, or other samples."""
    start = draw.randrange(len(data) + 1)
    end = min(len(data), start + draw.choice((1, 4, 32, 500)))
    size, at = end - start, draw.randrange(len(other) + 1)
    new = (draw.randbytes(size), b"\xff" * size, bytes(size), b"", bytes(data[start:end]) * 3, other[at : at + 200])
    data[start:end] = draw.choice(new)


def image_samples() -> list[bytes]:
    """Return an image in several formats."""
    levels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    picture = Image.fromarray(levels)
    return [_bytes_of(picture, form) for form in FORMATS] + [_bytes_of(picture.quantize(16), "PNG")]


def _bytes_of(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()


def read_photos(folder: Path) -> None:
    """Read a folder of photos, all of which are the input."""
    with contextlib.redirect_stdout(io.StringIO()):  # it says that the photos are equal
        open_photo(image_folder(folder).train.paths[0])


def archive_samples() -> list[bytes]:
    """Return zip archives, stored and compressed."""
    found = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in ("set/train/a/0.png", "set/train/b/0.png", "set/val/a/0.png"):
                archive.writestr(zipfile.ZipInfo(name), b"some bytes" * 20, method)
        found.append(buffer.getvalue())
    return found


def read_archive(folder: Path) -> None:
    """Unpack an archive into the current folder."""
    unpack(folder / "file.zip", Path(), max_bytes=1_000_000)


def package_samples() -> list[bytes]:
    """Return packages of weights, compressed and not."""
    with tempfile.TemporaryDirectory() as folder:
        packed = [pack(Path(folder) / "mini.tgz", miniature(), shards=shards).read_bytes() for shards in (1, 3)]
    plain = [gzip.decompress(each) for each in packed]
    return [*plain, *(gzip.compress(each, mtime=0) for each in plain)]


def read_package(folder: Path) -> None:
    """Convert a package of weights."""
    he2015.convert(folder / "mini.tgz", MEAN, STD)


def a_checkpoint() -> dict:
    """Return what a checkpoint holds after one step."""
    set_seed(0)
    model, optimizer, schedule = _training()
    model(torch.ones(2, 3, 8, 8)).sum().backward()
    optimizer.step()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.pth"
        history = [{"epoch": 1, "val_loss": 0.5}]
        save_checkpoint(path, model, optimizer, schedule=schedule, classes=["a", "b"], history=history)
        return torch.load(path, weights_only=True)


def checkpoint_samples(checkpoint: dict) -> list[bytes]:
    """Return a checkpoint and weights as files of torch, also of an old one, and weights as one of safetensors."""
    contents = (checkpoint, checkpoint["model"])
    return [*(_saved(each, new) for each in contents for new in (True, False)), save_safetensors(checkpoint["model"])]


def _saved(content: object, new: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, _use_new_zipfile_serialization=new)
    return buffer.getvalue()


def with_a_wrong_part(checkpoint: dict, draw: random.Random) -> bytes:
    """Return a checkpoint of which one part, or a part of a part, has another value."""
    whole = copy.deepcopy(checkpoint)
    inside, key = whole, draw.choice(list(whole))
    while isinstance(inside[key], dict | list) and inside[key] and draw.random() < 0.7:
        inside = inside[key]
        key = draw.choice(list(inside) if isinstance(inside, dict) else range(len(inside)))
    inside[key] = draw.choice(WRONG_PARTS)
    return _saved(whole)


def _training() -> tuple[TinyNet, Optimizer, LRScheduler]:
    model = TinyNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return model, optimizer, torch.optim.lr_scheduler.ConstantLR(optimizer)


def read_checkpoint(folder: Path) -> None:
    """Read a file as a checkpoint."""
    model, optimizer, schedule = _training()
    load_checkpoint(folder / "file.pth", model, optimizer, schedule=schedule)


def read_weights(name: str, folder: Path) -> None:
    """Read a file as weights."""
    weights_in(read_file(folder / name), folder / name)


def notebook_samples() -> list[bytes]:
    """Return a notebook with a text, and an executed cell with a table and a text that was printed."""
    outputs = [new_output("stream", text="1"), new_output("execute_result", data={"text/html": "<table></table>"})]
    cells = [
        new_markdown_cell("# 1 · A\n\nWhy? [b](../docs/b.md)", id="a", attachments={"a.png": {"image/png": "AAAA"}}),
        new_code_cell("1", execution_count=1, outputs=outputs, id="b", metadata={"tags": ["solution"]}),
    ]
    return [nbformat.writes(new_notebook(cells=cells)).encode()]


def run_arguments(folder: Path) -> None:
    """Run the command line with drawn arguments, which never let it run a notebook or ask a host."""
    draw = random.Random((folder / "notebooks" / "00_a.ipynb").read_bytes())
    notebooks = str(folder / "notebooks")
    words = ["list", "clear", "features", "all", "--json", "--verify", "--folder", "-h", "nowhere", "..", "", "~no"]
    commands = [["handouts", notebooks]] * 4 + [["handouts"], ["cache"], ["doctor", "--offline"], [""], []]
    commands += [[name, "nowhere"] for name in ("run", "lab", "prefetch")]
    arguments = [*draw.choice(commands), *draw.sample(words, draw.choice((0, 0, 0, 1, 2)))]
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            status = run_command(arguments)
        except SystemExit as end:  # of argparse: help, or words that it does not know
            status = end.code
    said = [line for line in error.getvalue().splitlines() if line.startswith(("tlhelpers", "00_a"))]
    if status and said:
        raise ValueError(said[-1])
    assert not status or out.getvalue().strip(), f"{arguments} ended with {status} and without a word"


def readers() -> dict[str, Reader]:
    """Return the readers by name."""
    parts = ("train", "val")
    photos = tuple(f"{part}/{name}/0.png" for part in parts for name in ("a", "b"))
    weights, whole = ("file.pth", "file.safetensors"), a_checkpoint()
    reads = (read_checkpoint, *(partial(read_weights, name) for name in weights))
    return {
        "folder reader": Reader(image_samples(), photos, ("0.png",), (read_photos,)),
        "archives": Reader(archive_samples(), ("file.zip",), ("file.zip",), (read_archive,)),
        "converter": Reader(package_samples(), ("mini.tgz",), ("mini.tgz",), (read_package,)),
        "checkpoint loader": Reader(
            checkpoint_samples(whole), weights, weights, reads, partial(with_a_wrong_part, whole)
        ),
        "command line": Reader(notebook_samples(), ("notebooks/00_a.ipynb",), ("tlhelpers", "00_a"), (run_arguments,)),
    }


@contextlib.contextmanager
def surroundings() -> Iterator[Path]:
    """Yield a new folder with the folders "in" and "work"; "work" is the current one, with the cache in it."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        (base / "work").mkdir()
        places = {"HOME": name, "TLHELPERS_CACHE": f"{name}/work/cache", "IPYTHONDIR": f"{name}/work/ipython"}
        with mock.patch.dict(os.environ, places | {"PATH": ""}), contextlib.chdir(base / "work"):  # PATH: no browser
            yield base


def outcome(reader: Reader, number: int, base: Path) -> str:
    """Return what came of an input: "read", "refused", or a fault.

    Parameters
    ----------
    reader : Reader
    number : int
        Of the input.
    base : Path
        The result of ``surroundings``.
    """
    draw = random.Random(number)
    data = reader.make(draw) if reader.make and draw.random() < 1 / 3 else damaged(reader.samples, draw)
    for name in reader.files:
        (base / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (base / "in" / name).write_bytes(data)
    before, start = _files_outside(base), time.process_time()
    found = {_outcome_of(partial(read, base / "in"), reader.words) for read in reader.reads}
    seconds = time.process_time() - start
    found |= {f"fault: took {seconds:.0f} s"} if seconds > SECONDS else set()
    found |= {"fault: wrote outside of its folder"} if _files_outside(base) != before else set()
    for path in Path().iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return min(found)  # in the order of the alphabet: a fault, or read in one way, or refused in all


def _files_outside(base: Path) -> dict[Path, tuple[int, int]]:
    paths = (path for path in base.rglob("*") if base / "work" not in (path, *path.parents))
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in paths}


def _outcome_of(read: Callable[[], object], words: tuple[str, ...]) -> str:
    try:
        read()
    except Exception as error:  # whatever it is, it is to be counted
        return "refused" if _is_plain(error, words) else f"fault: {type(error).__name__}: {str(error)[:300]!r}"
    return "read"


def _is_plain(error: Exception, words: tuple[str, ...]) -> bool:
    """Tell whether an error is of a type that is promised, a line that names the file, and no lack of memory."""
    ours = type(error) in (ValueError, RuntimeError, OtherSettingsError)
    line = str(error)
    return (
        ours and line.isprintable() and len(line) < 1500 and any(w in line for w in words) and not _lacks_memory(error)
    )


def _lacks_memory(error: BaseException | None) -> bool:
    """Tell whether an error, or one that it was made from, is a lack of memory."""
    return error is not None and (isinstance(error, MemoryError) or _lacks_memory(error.__context__))
