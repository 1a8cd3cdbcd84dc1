"""Train and judge 300 times in one process, and look whether anything grows: ``python -m benchmarks.cycles``.

In each cycle a network is built, trained with checkpoints, adapted, judged, and asked for features. What Python and the
system hold for the process is counted after each; nothing of it may be more at the end than after the first cycles,
in which libraries load what they need.
"""

import contextlib
import gc
import io
import json
import resource
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import mean

import torch
from torch import nn
from torch.nn.modules import module as torch_modules

import tlhelpers as tl
from benchmarks import store
from tests.tiny import ENTRY, write_folder
from tlhelpers.photos.datasets import Photos, image_folder
from tlhelpers.photos.transforms import eval_transform, train_transform

CYCLES = 300
WEIGHTS = replace(ENTRY, resize=40, crop=32)
GLOBAL_HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks")
OWN_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_state_dict_hooks")


def cycle(folder: Path, photos: Photos) -> nn.Module:
    """Build, train and judge a network, with checkpoints in a folder that goes again; return the network."""
    train = tl.make_loader(photos.train, train_transform(WEIGHTS), batch_size=4, shuffle=True)
    val = tl.make_loader(photos.val, eval_transform(WEIGHTS))
    model = tl.ResNet50(len(photos.classes))
    model.weights = WEIGHTS
    optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    with tempfile.TemporaryDirectory(dir=folder) as run, contextlib.redirect_stdout(io.StringIO()):
        tl.fit(model, train, val, optimizer, epochs=1, folder=run)
        tl.transfer(model, photos.train, "full", steps=2, batch_size=4)
    tl.evaluate(model, val)
    tl.extract_features(model, val)
    return model


def held(model: nn.Module) -> dict[str, int]:
    """Return what the process holds, and the hooks that the network and torch are left with."""
    gc.collect()
    on_model = sum(len(getattr(part, name)) for part in model.modules() for name in OWN_HOOKS)
    return {
        "megabytes": int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 10**6,
        "open files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": len(list(Path("/proc/self/task").iterdir())),
        "objects": len(gc.get_objects()),
        "hooks": on_model + sum(len(getattr(torch_modules, name)) for name in GLOBAL_HOOKS),
    }


def main(cycles: int = CYCLES) -> dict:
    """Return what is held after the first third of the cycles, and after the last (means of a tenth of them)."""
    torch.set_num_threads(1)
    tl.set_seed(0)
    with tempfile.TemporaryDirectory() as name:
        photos = image_folder(write_folder(Path(name) / "photos"))
        counts = [held(cycle(Path(name), photos)) for _ in range(cycles)]
    tenth, third = max(1, cycles // 10), max(1, cycles // 3)
    parts = {"after the first third": counts[third : third + tenth], "at the end": counts[-tenth:]}
    return {"cycles": cycles} | {
        name: {what: round(mean(count[what] for count in part)) for what in part[0]} for name, part in parts.items()
    }


if __name__ == "__main__":
    result = main()
    print(json.dumps(result, indent=2))
    print(store("cycles", result))
