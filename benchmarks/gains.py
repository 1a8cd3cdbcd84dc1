"""What fine-tuning gains, on a near target and on two far ones: ``python -m benchmarks.gains``.

Every run trains with the training photos. The validation photos are judged too, because they choose the strategy, the
rate and the length; the test photos choose nothing. Which test photos were right is stored, so that runs can be
compared photo by photo. Baselines on the same photos: always the larger class, raw pixels, and the features of a
network with random weights. Stored runs are not measured again, unless ``--again`` is given.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier
from torchvision.transforms import v2

import tlhelpers as tl
from benchmarks import measure_missing, study_parser
from benchmarks.eurosat import eurosat
from benchmarks.targets import fewer
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import PhotoDataset, Photos
from tlhelpers.photos.transforms import MIRROR
from tlhelpers.training.probe import fit_classifier
from tlhelpers.training.strategies import STRATEGIES
from tlhelpers.training.transfer import STEPS

WEIGHTS = "he2015"
SEEDS = (0, 1, 2, 3, 4)
DEFAULT = "averaged weights"  # of tl.transfer
BOTH = v2.Compose([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()])
PIXELS = 32  # side of the images for the baselines on raw pixels


@dataclass(frozen=True)
class Target:
    """Photos, the side at which a network sees them, and what is changed at random in training."""

    photos: Callable[[], Photos]
    side: int
    augment: Callable


TARGETS = {
    "EuroSAT": Target(eurosat, 64, BOTH),
    "solar cells": Target(tl.solar_cells, 128, BOTH),
    "ants and bees": Target(tl.ants_and_bees, 128, MIRROR),
}


def pixels(photos: PhotoDataset) -> np.ndarray:
    """Return the (N, 3072) values of small versions of the photos."""
    return np.stack([np.asarray(image.resize((PIXELS, PIXELS))).ravel() / 255 for image, _ in photos])


def nearest(train: PhotoDataset, test: PhotoDataset, side: int) -> np.ndarray:
    """Return the class of the training photo with the most similar pixels."""
    return KNeighborsClassifier(1).fit(pixels(train), train.labels).predict(pixels(test))


def linear(train: PhotoDataset, test: PhotoDataset, side: int) -> np.ndarray:
    """Return the answers of a logistic regression on pixels, with regularization chosen as for the probe."""
    return fit_classifier(torch.from_numpy(pixels(train)), train.labels).predict(pixels(test))


def larger(train: PhotoDataset, test: PhotoDataset, side: int) -> np.ndarray:
    """Return the larger class for every photo."""
    return np.full(len(test), int(train.labels.bincount().argmax()))


def random_features(train: PhotoDataset, test: PhotoDataset, side: int) -> np.ndarray:
    """Return the answers of a probe of a network with random weights, whose batch norms know the training photos."""
    transform = tl.eval_transform(network(side).weights)
    model = ResNet50()
    tl.refresh_batch_norm(model, tl.make_loader(train, transform, steps=10))
    (rows, labels), (others, _) = (tl.extract_features(model, tl.make_loader(p, transform)) for p in (train, test))
    return fit_classifier(rows, labels).predict(others)


BASELINES = {
    "larger class": larger,
    "raw pixels, nearest": nearest,
    "raw pixels, linear": linear,
    "random network": random_features,
}


def network(side: int) -> ResNet50:
    """Return the pretrained network, whose photos are to be seen whole with sides of ``side`` pixels."""
    model = tl.load_resnet50(WEIGHTS)
    model.weights = replace(model.weights, resize=side, crop=side)
    return model


def changed(train: PhotoDataset, change: str, seed: int) -> PhotoDataset:
    """Return the training photos with a share of wrong labels, or with a class of which few photos are left."""
    if change == "all":
        return train
    rng, labels = np.random.default_rng(seed), train.labels.numpy().copy()
    if change.endswith("wrong"):
        wrong = rng.permutation(len(labels))[: round(len(labels) * int(change.split()[0]) / 100)]
        labels[wrong] = (labels[wrong] + rng.integers(1, len(train.classes), len(wrong))) % len(train.classes)
        return PhotoDataset(train.paths, labels.tolist(), train.classes)
    if change == "a tenth of half":
        few = labels < len(train.classes) / 2
        return train.subset(np.flatnonzero(~few | (rng.random(len(labels)) < 0.1)).tolist())
    return train.subset(fewer(train.labels, int(change.split()[0]), seed))


def measure(run: dict) -> dict:
    """Train once; return the figures on the validation photos and on the test photos, and the seconds."""
    photos = TARGETS[run["target"]].photos()
    train = changed(photos.train, run["photos"], run["seed"])
    tl.set_seed(run["seed"])
    start = time.perf_counter()
    if baseline := BASELINES.get(run["strategy"]):
        answers = [baseline(train, part, run["side"]) for part in (photos.val, photos.test)]
        found = {}
    else:
        answers, found = fine_tuned(train, photos, run)
    rights = [np.asarray(a) == p.labels.numpy() for a, p in zip(answers, (photos.val, photos.test), strict=True)]
    right = "".join(map(str, rights[1].astype(int)))
    seconds = round(time.perf_counter() - start, 1)
    return found | {"val_accuracy": rights[0].mean(), "accuracy": rights[1].mean(), "right": right, "seconds": seconds}


def fine_tuned(train: PhotoDataset, photos: Photos, run: dict) -> tuple[list, dict]:
    """Return the answers of a network after a transfer, for validation and test, and its losses."""
    model = network(run["side"])
    options = {"steps": run["steps"], "peak_rate": run["rate"], "augment": TARGETS[run["target"]].augment}
    tl.transfer(model, train, run["strategy"], **options)
    transform = tl.eval_transform(model.weights)
    judged = [tl.evaluate(model, tl.make_loader(part, transform)) for part in (photos.val, photos.test)]
    counts = {"val_loss": judged[0].loss, "loss": judged[1].loss, "parameters": tl.count_parameters(model)[0]}
    return [found.logits.argmax(dim=1).numpy() for found in judged], counts


def runs() -> list[dict]:
    """Return the settings of all runs, the most important first."""
    cheap = ("linear probe", *BASELINES)
    trained = [name for name, row in STRATEGIES.items() if row.trains]
    counts = [f"{count} a class" for count in (10, 25, 50)]
    changes = ("10 % wrong", "20 % wrong", "a tenth of half")
    wanted = [(target, name, "all", 0) for target, name in product(TARGETS, cheap)]
    wanted += [(target, DEFAULT, "all", seed) for seed, target in product(SEEDS, ("solar cells", "EuroSAT"))]
    wanted += [("EuroSAT", name, "all", 0) for name in trained]
    wanted += [("ants and bees", DEFAULT, "all", 0)]
    wanted += [("EuroSAT", name, n, 0) for n, name in product(counts, ("linear probe", DEFAULT, "from scratch"))]
    wanted += [("EuroSAT", name, change, 0) for change, name in product(changes, ("linear probe", DEFAULT))]
    first = _all(wanted)
    rest = [("ants and bees", DEFAULT, "all", seed) for seed in SEEDS[:3]]
    rest += [("EuroSAT", name, n, seed) for seed, n, name in product(SEEDS, counts, ("linear probe", DEFAULT))]
    rest += [("EuroSAT", name, c, seed) for seed, c, name in product(SEEDS, changes, ("linear probe", DEFAULT))]
    rest += [(target, name, "all", 0) for target, name in product(("solar cells", "ants and bees"), trained)]
    rest += [(target, name, "all", seed) for target, seed, name in product(TARGETS, SEEDS, trained)]
    return first + choices() + scratch_runs() + [run for run in _all(rest) if run not in first]


def _all(wanted: list[tuple]) -> list[dict]:
    return [_run(target, name, photos=photos, seed=seed) for target, name, photos, seed in dict.fromkeys(wanted)]


def _run(target: str, strategy: str, steps: int = STEPS, rate: float | None = None, **changes: object) -> dict:
    settings = {"target": target, "strategy": strategy, "photos": "all", "side": TARGETS[target].side, "steps": steps}
    return settings | {"rate": rate, "seed": 0} | changes


def choices() -> list[dict]:
    """Return what chose the peak rate and the number of steps, by the validation photos: one seed each."""
    rates = [_run("EuroSAT", DEFAULT, rate=rate) for rate in (3e-5, 1e-4, 1e-3, 3e-3)]
    return [_run("EuroSAT", DEFAULT, steps) for steps in (50, 100, 400)] + rates


def larger_sides() -> list[dict]:
    """Return the probe and the default on larger photos, where features of ImageNet fit better; stored apart."""
    sides = (("EuroSAT", 128), ("solar cells", 224))
    return [_run(target, name, side=side) for (target, side), name in product(sides, ("linear probe", DEFAULT))]


def scratch_runs() -> list[dict]:
    """Return trainings from scratch: three rates, and then twice as long until longer is no better."""
    rates = [_run("EuroSAT", "from scratch", 400, rate) for rate in (3e-4, 1e-3, 3e-3)]
    return rates + [_run("EuroSAT", "from scratch", steps) for steps in (400, 800, 1600, 3200)]


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    settings = {"weights": WEIGHTS, "peak_rates": {name: row.rate for name, row in STRATEGIES.items()}}
    settings |= {"dtype": str(tl.pick_dtype(tl.pick_device())), "threads": torch.get_num_threads()}
    for name, wanted in {"larger": larger_sides(), "gains": runs()}.items():
        measure_missing(name, wanted, measure, settings, again=again)


if __name__ == "__main__":
    main(again=study_parser(__doc__).parse_args().again)
