"""What fine-tuning gains, on a near target and on two far ones: ``python -m benchmarks.gains``.

Every run trains with the training photos and is judged once on the test photos; which of them were right is stored, so
that runs can be compared photo by photo. The rate, the number of steps and the mode of the batch norms were chosen on
the validation photos of the solar cells and of EuroSAT. Baselines on the same photos: always the larger class, raw
pixels, and the features of a network with random weights. Stored runs are not measured again, unless ``--again`` is
given.
"""

import time
from itertools import product

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torchvision.transforms import v2

import tlhelpers as tl
from benchmarks import in_own_process, is_stored, store, stored_runs, study_parser
from benchmarks.eurosat import eurosat
from benchmarks.targets import fewer
from tlhelpers.photos.datasets import PhotoDataset
from tlhelpers.photos.transforms import MIRROR
from tlhelpers.training.probe import fit_classifier
from tlhelpers.training.strategies import STRATEGIES
from tlhelpers.training.transfer import STEPS

WEIGHTS = "he2015"
SEEDS = (0, 1, 2, 3, 4)
BOTH = v2.Compose([v2.RandomHorizontalFlip(), v2.RandomVerticalFlip()])
TARGETS = {  # how to get the photos, and what is changed at random in training
    "ants and bees": (lambda: tl.ants_and_bees("photos"), MIRROR),
    "solar cells": (tl.solar_cells, BOTH),
    "EuroSAT": (eurosat, BOTH),
}
SIDE = 32  # pixels of the images for the baselines on raw pixels


def pixels(photos: PhotoDataset) -> np.ndarray:
    """Return the (N, 3072) values of small versions of the photos."""
    return np.stack([np.asarray(image.resize((SIDE, SIDE))).ravel() / 255 for image, _ in photos])


def nearest(train: PhotoDataset, test: PhotoDataset, seed: int) -> np.ndarray:
    """Return the class of the training photo with the most similar pixels."""
    return KNeighborsClassifier(1).fit(pixels(train), train.labels).predict(pixels(test))


def linear(train: PhotoDataset, test: PhotoDataset, seed: int) -> np.ndarray:
    """Return the answers of a logistic regression on pixels, with regularization chosen as for the probe."""
    classifier = fit_classifier(torch.from_numpy(pixels(train)), train.labels)
    return classifier.predict(pixels(test))


def larger(train: PhotoDataset, test: PhotoDataset, seed: int) -> np.ndarray:
    """Return the larger class for every photo."""
    return np.full(len(test), int(train.labels.bincount().argmax()))


def random_features(train: PhotoDataset, test: PhotoDataset, seed: int) -> np.ndarray:
    """Return the answers of a probe of a network with random weights, whose batch norms know the training photos."""
    weights = tl.load_resnet50(WEIGHTS).weights
    tl.set_seed(seed)
    model, transform = tl.ResNet50(), tl.eval_transform(weights)
    tl.refresh_batch_norm(model, tl.make_loader(train, transform, steps=10))
    (rows, labels), (others, _) = (tl.extract_features(model, tl.make_loader(p, transform)) for p in (train, test))
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)).fit(rows, labels)
    return probe.predict(others)


BASELINES = {
    "the larger class": larger,
    "raw pixels, nearest": nearest,
    "raw pixels, linear": linear,
    "random network": random_features,
}


def measure(run: dict) -> dict:
    """Train once; return which test photos were right, and the seconds."""
    get, augment = TARGETS[run["target"]]
    photos = get()
    train = photos.train.subset(fewer(photos.train.labels, run["per_class"], run["seed"]))
    start = time.perf_counter()
    if run["strategy"] in BASELINES:
        answers = BASELINES[run["strategy"]](train, photos.test, run["seed"])
    else:
        answers = fine_tuned(train, photos.test, run, augment)
    right = np.asarray(answers) == photos.test.labels.numpy()
    seconds = round(time.perf_counter() - start, 1)
    return {"accuracy": right.mean(), "right": "".join(map(str, right.astype(int))), "seconds": seconds}


def fine_tuned(train: PhotoDataset, test: PhotoDataset, run: dict, augment: v2.Transform) -> np.ndarray:
    """Return the answers of a network after a transfer."""
    model = tl.load_resnet50(WEIGHTS)
    tl.set_seed(run["seed"])
    tl.transfer(model, train, run["strategy"], steps=run["steps"], augment=augment)
    return tl.evaluate(model, tl.make_loader(test, tl.eval_transform(model.weights))).logits.argmax(dim=1).numpy()


def runs() -> list[dict]:
    """Return the settings of all runs, the most important first."""
    keys = ("target", "strategy", "per_class", "steps", "seed")
    wanted = [(target, name, None, STEPS, 0) for target, name in product(TARGETS, ("linear probe", *BASELINES))]
    wanted += [("solar cells", "LP-FT", None, STEPS, seed) for seed in SEEDS]
    wanted += [("EuroSAT", "LP-FT", None, STEPS, seed) for seed in SEEDS]
    wanted += [("ants and bees", "LP-FT", None, STEPS, seed) for seed in SEEDS]
    return [dict(zip(keys, values, strict=True)) for values in wanted]


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    found = stored_runs("gains", again=again)
    settings = {"weights": WEIGHTS, "peak_rates": {name: row.rate for name, row in STRATEGIES.items()}}
    settings |= {"dtype": str(tl.pick_dtype(tl.pick_device())), "threads": torch.get_num_threads()}
    for run in runs():
        if not is_stored(run, found):
            found.append(run | in_own_process(measure, run))
            store("gains", {"settings": settings, "runs": found})
            print({name: value for name, value in found[-1].items() if name != "right"}, flush=True)


if __name__ == "__main__":
    main(again=study_parser(__doc__).parse_args().again)
