"""Train ResNet-50 without transfer learning: ``python -m benchmarks.scratch``.

It begins with random weights and sees the 244 training photos of ants and bees. Several peak rates are tried, and the
best epoch of the best rate counts, although both are chosen on the same photos that measure them: the comparison favors
training from scratch as much as possible. The photos are small (112 by 112 pixels, a quarter of the work), so that each
can be seen fifteen times in the minutes that a reader would wait.
"""

import time
from dataclasses import asdict, replace

import torch

import tlhelpers as tl
from benchmarks import store
from tlhelpers.network.weights import list_weights
from tlhelpers.photos.datasets import Photos

SEEDS = (0, 1)
PEAK_RATES = (0.001, 0.003, 0.01)  # with 0.03 and more the loss diverges in the first epochs
EPOCHS, BATCH_SIZE, SIDE = 15, 16, 112


def from_scratch(photos: Photos, peak_rate: float, seed: int) -> list[tl.EpochResult]:
    """Train a ResNet-50 from random weights, with augmentation, momentum and one cycle; return its epochs."""
    tl.set_seed(seed)
    entry = replace(list_weights()[0], resize=128, crop=SIDE)
    train = tl.make_loader(photos.train, tl.train_transform(entry), batch_size=BATCH_SIZE, shuffle=True)
    val = tl.make_loader(photos.val, tl.eval_transform(entry), batch_size=BATCH_SIZE)
    model = tl.ResNet50(num_classes=len(photos.classes))
    optimizer = torch.optim.SGD(model.parameters(), lr=peak_rate, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, peak_rate, epochs=EPOCHS, steps_per_epoch=len(train))
    return tl.fit(model, train, val, optimizer, epochs=EPOCHS, schedule=schedule)


def measure(photos: Photos, peak_rate: float, seed: int) -> dict:
    """Return one run: its best epoch, its minutes and its history.

    ``minutes`` is the processor time divided by the number of threads: what the run takes on a machine that does
    nothing else. ``minutes_by_the_clock`` is what it took.
    """
    clock, processor = time.perf_counter(), time.process_time()
    history = from_scratch(photos, peak_rate, seed)
    best = max(history, key=lambda result: result.val_accuracy)
    return {
        "peak_rate": peak_rate,
        "seed": seed,
        "accuracy": best.val_accuracy,
        "epoch": best.epoch,
        "minutes": round((time.process_time() - processor) / torch.get_num_threads() / 60, 2),
        "minutes_by_the_clock": round((time.perf_counter() - clock) / 60, 2),
        "history": [asdict(result) for result in history],
    }


def measure_rates(photos: Photos, seeds: tuple[int, ...] = SEEDS) -> list[dict]:
    """Return a run for each rate and seed, the best rate first by the mean accuracy over the seeds."""
    rates = [[measure(photos, rate, seed) for seed in seeds] for rate in PEAK_RATES]
    rates.sort(key=lambda runs: -sum(run["accuracy"] for run in runs))
    return [run for runs in rates for run in runs]


def main() -> None:
    """Measure all rates and seeds and store the runs."""
    photos = tl.ants_and_bees()
    settings = {"photos": len(photos.train), "epochs": EPOCHS, "batch_size": BATCH_SIZE, "pixels": SIDE}
    settings |= {"threads": torch.get_num_threads()}
    store("scratch", {"settings": settings, "runs": measure_rates(photos)})


if __name__ == "__main__":
    main()
