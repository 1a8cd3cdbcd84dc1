"""Compare the speed of training loops in images per second: ``python -m benchmarks.speed``.

The loops of ``benchmarks.loops`` and this package's have the same weights and photos, and take turns in one process, so
that disturbances affect all alike. Measured are training for an epoch, features from the files on disk, a second pass
over the same photos, many photos, and the network alone. Ratios are to the article's loop. A first turn warms up and
does not count, except for the many photos, which come once. At the end stands the time from the photos to an evaluated
probe, compared with the article's ten epochs.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.utils.data import DataLoader

import tlhelpers as tl
from benchmarks import loops, over_and_over, spread, store
from benchmarks.article import squash
from benchmarks.loops import BATCH_SIZE, DEVICE
from tlhelpers.network.frozen import FrozenNetwork
from tlhelpers.photos.datasets import PhotoDataset, Photos
from tlhelpers.training.probe import fit_classifier

WEIGHTS, PICTURE = "he2015", Path(__file__).parents[1] / "docs" / "speed.png"
ROUNDS, PHOTOS = 3, 1000 if DEVICE.type == "cuda" else 96  # for training, and for the network alone
MANY = 4000  # photos; the same ones are repeated
TRAINED = {
    "article": loops.article,
    "tutorial": loops.tutorial,
    "Lightning": loops.by_lightning,
    "Lightning, tuned": partial(loops.by_lightning, tuned=True),
    "skorch": loops.by_skorch,
    "skorch, tuned": partial(loops.by_skorch, tuned=True),
    "tlhelpers": loops.ours,
    "tlhelpers, 160 pixels": partial(loops.ours, size=160),
}


def fresh(classes: int) -> tl.ResNet50:
    """Return the pretrained network with a new head, in the usual memory layout."""
    model = tl.load_resnet50(WEIGHTS)
    tl.replace_head(model, classes)
    return model.to(DEVICE)


def plain_features(model: nn.Module, loader: DataLoader) -> None:
    """Run the network on every photo as the article does."""
    model.eval()
    with torch.no_grad():
        for images, _ in loader:
            model(images.to(DEVICE)).cpu()


def train_contest(photos: PhotoDataset) -> dict[str, Callable[[], None]]:
    """Return the contenders that train for an epoch, as functions without arguments."""
    return {name: partial(loop, fresh(len(photos.classes)), photos) for name, loop in TRAINED.items()}


def features_contest(photos: PhotoDataset) -> dict[str, Callable[[], None]]:
    """Return the contenders that compute features of all photos with a frozen network."""
    theirs, model = (
        fresh(len(photos.classes)),
        fresh(len(photos.classes)),
    )  # two, because ours changes the memory layout
    plain = DataLoader(loops.OneByOne(photos, squash(model.weights)), batch_size=BATCH_SIZE)
    ours = tl.make_loader(photos, tl.eval_transform(model.weights), batch_size=BATCH_SIZE)
    return {
        "article": lambda: plain_features(theirs, plain),
        "tlhelpers": lambda: tl.extract_features(model, ours),
        "tlhelpers, second pass": lambda: tl.extract_features(model, ours, cache=True),
    }


def network_contest() -> dict[str, Callable[[], None]]:
    """Return the contenders that run a frozen network on images in memory."""
    model = fresh(2)
    images = torch.randn(BATCH_SIZE, 3, model.weights.crop, model.weights.crop)
    ready, frozen = [(images, None)] * (PHOTOS // BATCH_SIZE), FrozenNetwork(model, "fc")
    return {
        "article": lambda: plain_features(model, ready),
        "tlhelpers": lambda: [frozen(images).cpu() for images, _ in ready],
    }


def in_turns(contest: dict[str, Callable[[], None]], photos: int, rounds: int, warm_ups: int = 1) -> dict[str, dict]:
    """Return for each contender images per second in every round, their median and ratio, and GPU memory in MB."""
    rates, memory = {name: [] for name in contest}, {}
    for turn in range(-warm_ups, rounds):
        for name, work in contest.items():
            if DEVICE.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            start = time.perf_counter()
            work()
            if DEVICE.type == "cuda":
                torch.cuda.synchronize()
                memory[name] = round(torch.cuda.max_memory_allocated() / 1e6)
            if turn >= 0:
                rates[name].append(photos / (time.perf_counter() - start))
    first = rates[next(iter(contest))]
    return {
        name: {
            "images_per_second": [round(rate, 1) for rate in found],
            "median": round(statistics.median(found), 1),
            "ratio": round(statistics.median(ours / base for ours, base in zip(found, first, strict=True)), 2),
            "gpu_megabytes": memory.get(name),
        }
        for name, found in rates.items()
    }


def measure(whole: Photos) -> dict[str, dict[str, dict]]:
    """Run all contests and return their results."""
    every = PhotoDataset(
        whole.train.paths + whole.val.paths, torch.cat([whole.train.labels, whole.val.labels]), whole.classes
    )
    few = spread(whole.train, PHOTOS)
    many = features_contest(over_and_over(every, MANY))
    del many["tlhelpers, second pass"]
    return {
        "fine-tuning": in_turns(train_contest(few), PHOTOS, ROUNDS),
        f"features of {len(every)}": in_turns(features_contest(every), len(every), ROUNDS),
        f"features of {MANY:,}": in_turns(many, MANY, 1, warm_ups=0),
        "network alone": in_turns(network_contest(), PHOTOS, ROUNDS),
    }


def evaluated_probe(photos: Photos) -> dict:
    """Return the seconds from the photos to the predictions of a probe on frozen features, and its accuracy."""
    start = time.perf_counter()
    model = tl.load_resnet50(WEIGHTS)
    loaders = [tl.make_loader(part, tl.eval_transform(model.weights)) for part in (photos.train, photos.val)]
    (train, labels), (val, val_labels) = (tl.extract_features(model, loader) for loader in loaders)
    accuracy = fit_classifier(train, labels).score(val, val_labels)
    return {"seconds": round(time.perf_counter() - start, 1), "accuracy": accuracy}


def draw(found: dict[str, dict]) -> None:
    """Draw the medians of all contests as docs/speed.png, for the README."""
    plt.style.use("tlhelpers.figures")
    figure, axes = plt.subplots(1, len(found), figsize=(11, 3), layout="constrained", width_ratios=(2, 1, 1, 1))
    for ax, (work, contenders) in zip(axes, found.items(), strict=True):
        medians = [rates["median"] for rates in contenders.values()]
        colors = ["C0" if who.startswith("tlhelpers") else "lightgray" for who in contenders]
        bars = ax.barh(list(contenders), medians, color=colors, edgecolor="black")
        ax.bar_label(bars, [f"{rate:.0f}" for rate in medians], padding=3)
        ax.set(title=work, xlabel="images per second", xlim=(0, 1.4 * max(medians)))
        ax.invert_yaxis()
    figure.savefig(PICTURE, dpi=80)


def main() -> None:
    """Run all contests, store the results, and draw them if there is no GPU."""
    whole = tl.ants_and_bees()
    found = measure(whole)
    settings = {"weights": WEIGHTS, "photos": PHOTOS, "batch_size": BATCH_SIZE, "rounds": ROUNDS}
    settings |= {"dtype": str(tl.pick_dtype(DEVICE)), "threads": torch.get_num_threads(), "device": DEVICE.type}
    for name, contenders in found.items():
        for who, rates in contenders.items():
            print(f"{name}, {who}: {rates['median']:.1f} images/s, ratio {rates['ratio']:.2f}")
    probe = evaluated_probe(whole)
    ten_epochs = 10 * len(whole.train) / found["fine-tuning"]["article"]["median"]
    probe |= {"article_ten_epochs": round(ten_epochs, 1), "ratio": round(ten_epochs / probe["seconds"], 1)}
    print("from the photos to an evaluated probe:", probe)
    store(f"speed_{DEVICE.type}", {"settings": settings, "contests": found, "probe": probe})
    if DEVICE.type == "cpu":
        draw({work: {who: way for who, way in ways.items() if "second" not in who} for work, ways in found.items()})


if __name__ == "__main__":
    main()
