"""How much a random split flatters the linear probe on solar cells: ``python -m benchmarks.solar_split``.

Ten times, two thirds of the modules train and the others test; ten times, as many photos are drawn at random, so that
cells of one module are on both sides.
"""

import numpy as np
import torch
from torch import Tensor

import tlhelpers as tl
from benchmarks import store, study_parser
from tlhelpers.training.probe import fit_classifier

WEIGHTS = "he2015"
SEEDS = range(10)
SHARE = 1 / 3  # of the modules of each kind, that test


def by_module(modules: np.ndarray, kinds: np.ndarray, seed: int) -> np.ndarray:
    """Return which photos test: all of some modules, a third of those of each kind."""
    generator, chosen = np.random.default_rng(seed), []
    for kind in np.unique(kinds):
        numbers = generator.permutation(np.unique(modules[kinds == kind]))
        chosen += numbers[: round(SHARE * len(numbers))].tolist()
    return np.isin(modules, chosen)


def at_random(count: int, photos: int, seed: int) -> np.ndarray:
    """Return which photos test: so many of them, whatever their modules."""
    return np.isin(np.arange(photos), np.random.default_rng(seed).permutation(photos)[:count])


def accuracy(features: Tensor, labels: Tensor, test: np.ndarray) -> float:
    """Return the share of the test photos that a probe of the others gets right."""
    train, test = torch.from_numpy(~test), torch.from_numpy(test)
    probe = fit_classifier(features[train], labels[train])
    return float((probe.predict(features[test].numpy()) == labels[test].numpy()).mean())


def main() -> None:
    """Measure, store and print the means."""
    model, photos = tl.load_resnet50(WEIGHTS), tl.solar_cells()
    parts = (photos.train, photos.val, photos.test)
    transform = tl.eval_transform(model.weights)
    found = [tl.extract_features(model, tl.make_loader(part, transform), cache=True) for part in parts]
    features, labels = (torch.cat(values) for values in zip(*found, strict=True))
    modules, kinds = (np.concatenate([part.about[name] for part in parts]) for name in ("module", "kind"))
    runs = []
    for seed in SEEDS:
        whole = by_module(modules, kinds, seed)
        mixed = at_random(int(whole.sum()), len(labels), seed)
        runs.append({"seed": seed, "test photos": int(whole.sum())})
        runs[-1] |= {"by module": accuracy(features, labels, whole), "at random": accuracy(features, labels, mixed)}
        print(runs[-1], flush=True)
    store("solar_split", {"settings": {"weights": WEIGHTS, "share of the modules": SHARE}, "runs": runs})
    for name in ("by module", "at random"):
        print(name, round(float(np.mean([run[name] for run in runs])), 4))


if __name__ == "__main__":
    study_parser(__doc__).parse_args()
    main()
