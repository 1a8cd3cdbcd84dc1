"""Compute what transfer, fit_probe and extract_features give for a tiny network; ``results`` holds the answers.

The stored answers are those of the version that trains in steps. Run this file to write them anew, which is
right only where a change of the numbers is what was wanted: ``python -m tests.training.stored_results``.
"""

import json
import os
import tempfile
from pathlib import Path

import torch

import tlhelpers as tl
from tests.tiny import StagedNet, transform, write_folder
from tlhelpers.precision import keep_dtype

FILE = Path(__file__).parent / "results" / "transfer.json"
STRATEGIES = (
    "linear probe",
    "WiSE-FT",
    "frozen batch norm",
    "LP-FT",
    "gradual unfreezing",
    "trained statistics",
    "one rate",
    "L2-SP",
    "batch norm only",
    "bias only",
    "full",
)
SMALL = {"steps": 6, "size": (12, 16, 16), "batch_size": 5}


def compute(folder: Path) -> dict[str, dict[str, list[float]]]:
    """Return, by subject and name, every number that must stay; photos are written into ``folder``."""
    keep_dtype(tl.pick_device(), torch.float32)
    photos = tl.image_folder(write_folder(folder / "photos", train=9))
    found = {name: state_after(name, photos.train) for name in STRATEGIES}
    found["from scratch"] = state_from_scratch(photos)
    found["probe"] = probe(photos.train)
    found["features"] = features(photos.val)
    return found


def state_after(strategy: str, train) -> dict[str, list[float]]:
    """Return all parameters and statistics of the tiny network after a strategy."""
    tl.set_seed(0)
    model = StagedNet()
    tl.transfer(model, train, strategy, **SMALL)
    return numbers(model.state_dict())


def state_from_scratch(photos) -> dict[str, list[float]]:
    """Return some of the numbers of a ResNet-50 after one step from scratch, at a rate too small for chaos."""
    tl.set_seed(0)
    model = tl.ResNet50()
    model.weights = StagedNet().weights
    tl.transfer(model, photos.train.subset([0, 1, 10, 11]), "from scratch", steps=1, peak_rate=1e-6, size=32)
    state = model.state_dict()
    return numbers(
        {name: state[name].flatten()[:20] for name in ("conv1.weight", "layer3.2.bn2.running_mean", "fc.bias")}
    )


def probe(train) -> dict[str, list[float]]:
    """Return the coefficients of the linear probe."""
    tl.set_seed(0)
    classifier = tl.fit_probe(StagedNet(), train)
    names = ("coef_", "intercept_", "C")
    return numbers({name: torch.as_tensor(getattr(classifier, name)) for name in names})


def features(dataset) -> dict[str, list[float]]:
    """Return features of two layers of the tiny network and of a ResNet-50 with random weights."""
    tl.set_seed(0)
    loader = tl.make_loader(dataset, transform(), batch_size=3)
    found = {}
    for layer in ("avgpool", "layer2"):
        found[f"tiny {layer}"] = tl.extract_features(StagedNet(), loader, layer=layer)[0]
        for _ in range(2):  # numbers that the loader and its progress bar drew when the answers were stored
            torch.empty((), dtype=torch.int64).random_()
    found["resnet avgpool"] = tl.extract_features(tl.ResNet50(), loader)[0][:, ::64]
    return numbers(found)


def numbers(tensors: dict[str, torch.Tensor]) -> dict[str, list[float]]:
    """Return tensors as lists of numbers; every float32 comes back to the bit."""
    return {name: values.cpu().double().flatten().tolist() for name, values in tensors.items()}


def main() -> None:
    """Write the stored answers anew."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TLHELPERS_CACHE"] = f"{folder}/cache"
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(json.dumps(compute(Path(folder)), indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
