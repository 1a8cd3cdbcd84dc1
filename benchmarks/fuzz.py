"""Give damaged inputs to everything that reads what others made: ``python -m benchmarks.fuzz``.

Ten thousand inputs for each reader: whole ones with some bytes changed, cut, repeated or mixed. An input may be read
or refused by a ValueError or a RuntimeError of one sentence. Any other error is a fault, and so is a crash, a call of
more than five seconds or two gigabytes, and a file that is written where none belongs.
"""

import contextlib
import io
import json
import multiprocessing
import os
import random
import resource
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import nbformat
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image
from safetensors.torch import save as save_safetensors

import tlhelpers as tl
from benchmarks import store
from tests.network.test_he2015 import MEAN, STD, miniature, pack
from tests.tiny import TinyNet
from tlhelpers.archives import unpack
from tlhelpers.cli import main as run_command
from tlhelpers.network import he2015
from tlhelpers.network.weight_files import read_file, weights_in
from tlhelpers.photos.reading import open_photo

INPUTS = 10_000  # for each reader
AT_ONCE = 250  # in one process, so that a crash costs no more
SECONDS, BYTES = 5.0, 2_000_000_000
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000")
FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Reader:
    """Something that reads a file of unknown origin.

    Parameters
    ----------
    samples : list of bytes
        Whole inputs.
    read : callable
        (folder, input): reads it. It may write into the folder "out" there.
    """

    samples: list[bytes]
    read: Callable[[Path, bytes], object]


def damaged(samples: list[bytes], draw: random.Random) -> bytes:
    """Return a sample after one to four random changes."""
    data = bytearray(draw.choice(samples))
    for _ in range(draw.randint(1, 4)):
        start = draw.randrange(len(data) + 1)
        end = min(len(data), start + draw.choice((1, 4, 32, 500)))
        other = draw.choice(samples)
        piece = draw.randrange(len(other))
        new = draw.choice(
            (
                draw.randbytes(end - start),  # other bytes
                b"\xff" * (end - start),  # the largest numbers
                b"\0" * (end - start),
                b"",  # left out
                bytes(data[start:end]) * 3,
                other[piece : piece + 200],  # a part of another sample
            )
        )
        data[start:end] = new
        if draw.random() < 0.1:
            del data[draw.randrange(len(data) + 1) :]
    return bytes(data)


def image_samples() -> list[bytes]:
    """Return an image in several formats."""
    picture = Image.effect_noise((40, 30), 60).convert("RGB")
    return [_bytes_of(picture, form) for form in FORMATS] + [_bytes_of(picture.quantize(16), "PNG")]


def _bytes_of(picture: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form)
    return buffer.getvalue()


def read_photo(folder: Path, data: bytes) -> None:
    """Read a folder of photos in which one is damaged."""
    for part in ("train", "val"):
        for name in ("a", "b"):
            (folder / part / name).mkdir(parents=True, exist_ok=True)
            (folder / part / name / "0.png").write_bytes(data)
    with contextlib.redirect_stdout(io.StringIO()):
        photos = tl.image_folder(folder)
    open_photo(photos.train.paths[0])


def archive_samples() -> list[bytes]:
    """Return zip archives, stored and compressed."""
    found = []
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            for name in ("set/train/a/0.png", "set/train/b/0.png", "set/val/a/0.png"):
                archive.writestr(name, b"some bytes" * 20)
        found.append(buffer.getvalue())
    return found


def read_archive(folder: Path, data: bytes) -> None:
    """Unpack an archive."""
    (folder / "file.zip").write_bytes(data)
    with tempfile.TemporaryDirectory(dir=folder) as out:
        unpack(folder / "file.zip", Path(out), max_bytes=1_000_000)


def package_samples() -> list[bytes]:
    """Return a package of weights, and what it holds before its compression."""
    with tempfile.TemporaryDirectory() as folder:
        return [pack(Path(folder) / "mini.tgz", miniature(), shards=shards).read_bytes() for shards in (1, 3)]


def read_package(folder: Path, data: bytes) -> None:
    """Convert a package of weights."""
    (folder / "mini.tgz").write_bytes(data)
    he2015.convert(folder / "mini.tgz", MEAN, STD)


def checkpoint_samples() -> list[bytes]:
    """Return weights and a checkpoint as files of torch and of safetensors."""
    model = TinyNet()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.pt"
        tl.save_checkpoint(path, model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), classes=["a", "b"])
        weights = io.BytesIO()
        torch.save(model.state_dict(), weights)
        old = io.BytesIO()
        torch.save(model.state_dict(), old, _use_new_zipfile_serialization=False)
        return [path.read_bytes(), weights.getvalue(), old.getvalue(), save_safetensors(model.state_dict())]


def read_checkpoint(folder: Path, data: bytes) -> None:
    """Read a file as weights and as a checkpoint."""
    for name in ("file.pth", "file.safetensors"):
        (folder / name).write_bytes(data)
        with contextlib.suppress(ValueError, RuntimeError):
            weights_in(read_file(folder / name), folder / name)
    model = TinyNet()
    tl.load_checkpoint(folder / "file.pth", model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9))


def notebook_samples() -> list[bytes]:
    """Return a notebook with a text and an executed cell."""
    cell = new_code_cell("1", execution_count=1, outputs=[nbformat.v4.new_output("stream", text="1")])
    return [nbformat.writes(new_notebook(cells=[new_markdown_cell("# 1 · A\n\nWhy?"), cell])).encode()]


def run_arguments(folder: Path, data: bytes) -> None:
    """Run the command line with drawn arguments, on a folder with a damaged notebook."""
    draw = random.Random(data)
    (folder / "notebooks").mkdir(exist_ok=True)
    (folder / "notebooks" / "00_a.ipynb").write_bytes(data)
    words = ["cache", "list", "clear", "features", "handouts", "--json", "--folder", "notebooks", "nowhere", "-", ""]
    words += ["\0", "..", "--offline", "-h", "run", "lab", data[:20].decode("utf-8", "replace"), "~nobody"]
    arguments = draw.sample(words, draw.randint(0, 3))
    commands = {"run", "lab", "prefetch", "doctor"}  # they would run notebooks or ask hosts
    chosen = [word for word in arguments if word not in commands] if "notebooks" in arguments else arguments
    chosen = chosen if draw.random() < 0.5 else ["handouts", "notebooks"]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.suppress(SystemExit):
        run_command(chosen)
    if "Traceback" in out.getvalue():
        raise TypeError(out.getvalue())


def readers() -> dict[str, Reader]:
    """Return the readers by name."""
    return {
        "folder reader": Reader(image_samples(), read_photo),
        "archives": Reader(archive_samples(), read_archive),
        "converter": Reader(package_samples(), read_package),
        "checkpoint loader": Reader(checkpoint_samples(), read_checkpoint),
        "command line": Reader(notebook_samples(), run_arguments),
    }


def try_inputs(reader: Reader, seeds: range, sender: Connection) -> None:
    """Read the damaged inputs of some seeds, and send what came of each and the longest time."""
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + BYTES,) * 2)
    found: Counter = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "in"
        folder.mkdir()
        os.chdir(folder)
        os.environ |= {"HOME": name, "TLHELPERS_CACHE": str(folder / "cache")}
        for seed in seeds:
            start = time.perf_counter()
            found[outcome(reader, folder, damaged(reader.samples, random.Random(seed)), seed)] += 1
            seconds = time.perf_counter() - start
            if seconds > SECONDS:
                found[f"fault: seed {seed} took {seconds:.0f} s"] += 1
        if outside := [path.name for path in Path(name).iterdir() if path != folder]:
            found[f"fault: wrote {outside[0]} outside of the folder"] += 1
    sender.send(found)


def outcome(reader: Reader, folder: Path, data: bytes, seed: int) -> str:
    """Return what came of an input: "read", "refused", or a fault."""
    try:
        reader.read(folder, data)
    except (ValueError, RuntimeError) as error:
        sentence = str(error)
        plain = 10 < len(sentence) < 1500 and type(error) in (ValueError, RuntimeError)
        return "refused" if plain else f"fault: seed {seed}: {type(error).__name__}: {sentence[:200]!r}"
    except BaseException as error:  # whatever it is, it is to be counted
        return f"fault: seed {seed}: {type(error).__name__}: {str(error)[:200]!r}"
    return "read"


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def measure(reader: Reader, inputs: int) -> dict[str, int]:
    """Return how many inputs were read, refused, and led to each fault."""
    found: Counter = Counter({"read": 0, "refused": 0, "faults": 0})
    for first in range(0, inputs, AT_ONCE):
        receiver, sender = FORK.Pipe(duplex=False)
        seeds = range(first, min(first + AT_ONCE, inputs))
        process = FORK.Process(target=try_inputs, args=(reader, seeds, sender))
        process.start()
        sender.close()
        try:
            found += receiver.recv()
        except EOFError:
            found[f"fault: a crash among the seeds {seeds.start} to {seeds.stop - 1}"] += 1
        process.join()
    found["faults"] = sum(number for name, number in found.items() if name.startswith("fault:"))
    return dict(found)


def main(inputs: int = INPUTS) -> dict:
    """Return the outcomes of all readers."""
    torch.set_num_threads(1)  # threads of a parent are not there in a forked process
    measure_one = partial(measure, inputs=inputs)
    return {"inputs": inputs, "outcomes": {name: measure_one(reader) for name, reader in readers().items()}}


if __name__ == "__main__":
    result = main()
    print(json.dumps(result, indent=2))
    print(store("fuzz", result))
