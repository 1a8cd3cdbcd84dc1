"""Kill processes at random moments, and look what they leave: ``python -m benchmarks.kills``.

Each operation runs in a process of its own that is killed (SIGKILL, as by a power cut or a lack of memory). What then
lies under its final name must be whole or missing; the same call afterwards must give the right result and leave no
temporary file; and no file of the user may be lost. At last sixteen processes start at once on an empty cache.
"""

import hashlib
import json
import multiprocessing
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import nbformat
import numpy as np
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import tlhelpers as tl
from benchmarks import store
from tests.network.test_he2015 import MEAN, STD, miniature, pack
from tests.servers import scripted
from tests.tiny import ENTRY, StagedNet, transform, write_folder
from tlhelpers.classroom.handouts.writing import write_handouts
from tlhelpers.download import Limits
from tlhelpers.fetch import fetch
from tlhelpers.kept import kept
from tlhelpers.network import he2015
from tlhelpers.network.weight_files import content_hash
from tlhelpers.photos.transforms import train_transform

KILLS = 40  # of each operation
CONTENT = np.random.default_rng(0).bytes(2_000_000)  # of the download
BLOCKS = 40  # in which the host sends it
COUNTS = (
    "kills in the middle",
    "damaged files taken for whole",
    "second runs that failed",
    "wrong or lost at the end",
    "rests",
)
OWN = "# This cell is the student's own."
FORK = multiprocessing.get_context("fork")  # a new process has everything imported


@dataclass(frozen=True)
class Operation:
    """Something that writes files, and how to look at them.

    Parameters
    ----------
    prepare : callable
        (folder): writes what the operation needs, and the user's own files.
    run : callable
        (folder): the operation.
    look : callable
        (folder): returns "whole", "missing" or "damaged" for what lies under the final names.
    """

    prepare: Callable[[Path], object]
    run: Callable[[Path], object]
    look: Callable[[Path], str]


def nothing(folder: Path) -> None:
    """Prepare nothing."""


def state_of(path: Path, is_whole: Callable[[Path], bool]) -> str:
    """Tell whether a file is missing, whole or damaged."""
    if not path.exists():
        return "missing"
    try:
        return "whole" if is_whole(path) else "damaged"
    except Exception:  # whatever a library raises for a file that it cannot read
        return "damaged"


def run_download(host: str, folder: Path) -> None:
    """Fetch a file from a host that sends it in small blocks."""
    fetch(f"{host}/file.bin", folder / "cache" / "file.bin", hashlib.sha256(CONTENT).hexdigest(), limits=Limits())


def look_at_download(folder: Path) -> str:
    """Compare the file with what was sent."""
    return state_of(folder / "cache" / "file.bin", lambda path: path.read_bytes() == CONTENT)


def prepare_conversion(folder: Path) -> None:
    """Write a package with weights."""
    pack(folder / "mini.tgz", miniature())


def run_conversion(known: str, folder: Path) -> None:
    """Convert the package, and keep the result."""

    def convert(new: Path) -> None:
        torch.save(he2015.convert(folder / "mini.tgz", MEAN, STD), new)

    kept(folder / "cache" / "weights.pth", convert, partial(he2015.find_fault, known=[known]))


def look_at_conversion(known: str, folder: Path) -> str:
    """Compare the hash of the weights."""
    return state_of(folder / "cache" / "weights.pth", lambda path: he2015.find_fault(path, [known]) is None)


def run_caching(folder: Path) -> None:
    """Compute features of photos, and keep them."""
    os.environ["TLHELPERS_CACHE"] = str(folder / "cache")
    tl.set_seed(0)
    loader = tl.make_loader(tl.image_folder(folder / "photos").train, transform())
    layers = [torch.nn.Conv2d(3, 64, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(16)]
    features, _ = tl.extract_features(torch.nn.Sequential(*layers), loader, layer="2", cache=True)
    assert features.shape == (len(loader.dataset), 64)


def look_at_caching(folder: Path) -> str:
    """Compare the features with the hash in their name."""
    files = list((folder / "cache" / "features").glob("*.npy"))
    return state_of(files[0], lambda path: len(np.load(path)) == 12) if files else "missing"


def run_training(folder: Path) -> None:
    """Train three epochs with checkpoints, and write what came out."""
    tl.set_seed(0)
    photos = tl.image_folder(folder / "photos")
    model = StagedNet(2)
    train = tl.make_loader(photos.train, train_transform(ENTRY), batch_size=4, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, epochs=3, steps_per_epoch=len(train))
    val = tl.make_loader(photos.val, transform())
    tl.fit(model, train, val, optimizer, epochs=3, schedule=schedule, folder=folder / "run")
    (folder / "end.txt").write_text(content_hash(model.state_dict()))


def look_at_training(expected: str, folder: Path) -> str:
    """Load the checkpoints; the weights at the end are those of a training that was not stopped."""
    states = [state_of(folder / "run" / name, partial(_loads, StagedNet(2))) for name in ("best.pt", "last.pt")]
    if "damaged" in states:
        return "damaged"
    return state_of(folder / "end.txt", lambda path: path.read_text() == expected)


def _loads(model: torch.nn.Module, path: Path) -> bool:
    return len(tl.load_checkpoint(path, model)) > 0


def prepare_handouts(folder: Path) -> None:
    """Write handouts, and then an answer of a student into one of them."""
    (folder / "notebooks").mkdir(parents=True)
    for number in range(3):
        output = new_output("stream", text="1\n")
        cells = [new_markdown_cell(f"# {number}"), new_code_cell("print(1)", outputs=[output], execution_count=1)]
        nbformat.write(new_notebook(cells=cells), folder / "notebooks" / f"0{number}_a.ipynb")
    run_handouts(folder)
    own = folder / "handouts" / "student" / "00_a.ipynb"
    notebook = nbformat.read(own, as_version=4)
    notebook.cells.append(new_markdown_cell(OWN))
    nbformat.write(notebook, own)


def run_handouts(folder: Path) -> None:
    """Write the handouts of the notebooks."""
    stored = [(path.stem, nbformat.read(path, as_version=4)) for path in sorted((folder / "notebooks").iterdir())]
    write_handouts(folder / "notebooks", stored, folder / "handouts", None)


def look_at_handouts(folder: Path) -> str:
    """Read every page and notebook; "damaged" also if the answer of the student is in none of them."""
    pages = [*folder.glob("handouts/*/*.ipynb"), *folder.glob("handouts/*/*.html")]
    answers = [path for path in folder.glob("handouts/**/*.ipynb") if OWN in path.read_text(encoding="utf-8")]
    whole = all(state_of(path, _is_page) == "whole" for path in pages)
    return ("whole" if len(pages) >= 14 else "missing") if whole and answers else "damaged"


def _is_page(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return bool(nbformat.reads(text, as_version=4)) if path.suffix == ".ipynb" else text.rstrip().endswith("</html>")


def write_photos(folder: Path) -> None:
    """Write some small photos."""
    write_folder(folder / "photos")


def operations(host: str) -> dict[str, Operation]:
    """Return the operations by name."""
    with folder_for(prepare_conversion) as folder:
        known = content_hash(he2015.convert(folder / "mini.tgz", MEAN, STD))
    with folder_for(write_photos) as folder:
        run_training(folder)
        weights = (folder / "end.txt").read_text()
    return {
        "download": Operation(nothing, partial(run_download, host), look_at_download),
        "conversion": Operation(prepare_conversion, partial(run_conversion, known), partial(look_at_conversion, known)),
        "caching": Operation(write_photos, run_caching, look_at_caching),
        "checkpoints": Operation(write_photos, run_training, partial(look_at_training, weights)),
        "handouts": Operation(prepare_handouts, run_handouts, look_at_handouts),
    }


@contextmanager
def folder_for(prepare: Callable[[Path], object]) -> Iterator[Path]:
    """Yield a prepared temporary folder."""
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name))
        yield Path(name)


def in_a_process(operation: Operation, folder: Path, kill_after: float | None = None) -> tuple[int | None, float]:
    """Run an operation in a new process, perhaps killed some seconds after it began; return exit code and seconds."""
    receiver, sender = FORK.Pipe(duplex=False)  # a lock, such as that of an event, could die with the process
    process = FORK.Process(target=_run, args=(operation, folder, sender))
    process.start()
    receiver.recv()
    start = time.perf_counter()
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()
    process.join()
    return process.exitcode, time.perf_counter() - start


def _run(operation: Operation, folder: Path, sender: Connection) -> None:
    sender.send("begins")
    operation.run(folder)


def trial(operation: Operation, moment: float) -> dict[str, int]:
    """Kill an operation at a moment, look, run it again, and count the faults; nothing if it had ended already."""
    with folder_for(operation.prepare) as folder:
        if in_a_process(operation, folder, moment)[0] == 0:
            return {}
        damaged = operation.look(folder) == "damaged"
        failed = in_a_process(operation, folder)[0] != 0
        wrong = operation.look(folder) != "whole"
        rests = len([*folder.rglob(".new*"), *folder.rglob("*lock"), *folder.rglob("printing-*")])
    return dict(zip(COUNTS, (1, damaged, failed, wrong, rests), strict=True))


def measure(operation: Operation, kills: int, seed: int = 0) -> dict[str, int]:
    """Return the faults after so many kills, at moments spread evenly over the time that the operation takes."""
    with folder_for(operation.prepare) as folder:
        code, seconds = in_a_process(operation, folder)
        assert code == 0 and operation.look(folder) == "whole"
    draw, counts = random.Random(seed), dict.fromkeys(COUNTS, 0)
    while counts["kills in the middle"] < kills:
        for name, number in trial(operation, draw.uniform(0, seconds)).items():
            counts[name] += number
    return counts


def race(processes: int = 16) -> dict[str, int]:
    """Start processes at once on an empty cache; return how often was downloaded and how many results are right."""
    with slow_host() as (host, requests), folder_for(nothing) as folder:
        at_once = [FORK.Process(target=run_download, args=(host, folder)) for _ in range(processes)]
        for process in at_once:
            process.start()
        for process in at_once:
            process.join()
        right = sum(process.exitcode == 0 for process in at_once) if look_at_download(folder) == "whole" else 0
        return {"processes": processes, "downloads": len(requests), "right results": right}


def slow_host():
    """Return a host that sends the content in small blocks."""
    size = len(CONTENT) // BLOCKS
    blocks = [part for i in range(BLOCKS) for part in (CONTENT[i * size : (i + 1) * size], 0.005)]
    start = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CONTENT)}\r\nConnection: close\r\n\r\n".encode()
    return scripted([start, *blocks])


def main(kills: int = KILLS) -> dict:
    """Return the faults of each operation, and what the race gave."""
    torch.set_num_threads(1)  # threads of a parent are not there in a forked process
    tl.pick_dtype(torch.device("cpu"))
    with slow_host() as (host, _):
        found = {name: measure(operation, kills) for name, operation in operations(host).items()}
    return {"operations": found, "race": race()}


if __name__ == "__main__":
    result = main()
    print(json.dumps(result, indent=2))
    print(store("kills", result))
