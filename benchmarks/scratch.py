"""How far does a ResNet-50 come without transfer learning? python -m benchmarks.scratch

Random weights, the 244 training photos of ants and bees, and nothing else. The best epoch counts,
although it is chosen on the very photos that measure it. The photos are small (112 pixels, a quarter of the work),
so that every photo can be seen fifteen times in the minutes that a reader would wait. One peak rate was tried; with
it the loss shoots up in the first epochs, so a better setting may well reach more.
"""

import time
from dataclasses import asdict, replace

import torch

import tlhelpers as tl
from benchmarks import store

SEEDS = (0, 1)
EPOCHS, BATCH_SIZE, PEAK_RATE, SIDE = 15, 16, 0.03, 112


def from_scratch(photos: tl.Photos, seed: int) -> list[tl.EpochResult]:
    """Return the epochs of a ResNet-50 trained from random weights: augmentation, momentum, one cycle."""
    tl.set_seed(seed)
    entry = replace(tl.list_weights()[0], resize=128, crop=SIDE)
    train = tl.make_loader(photos.train, tl.train_transform(entry), batch_size=BATCH_SIZE, shuffle=True)
    val = tl.make_loader(photos.val, tl.eval_transform(entry), batch_size=BATCH_SIZE)
    model = tl.ResNet50(num_classes=len(photos.classes))
    optimizer = torch.optim.SGD(model.parameters(), lr=PEAK_RATE, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, epochs=EPOCHS, steps_per_epoch=len(train))
    return tl.fit(model, train, val, optimizer, epochs=EPOCHS, schedule=schedule)


def measure(photos: tl.Photos, seed: int) -> dict:
    """Return one run: its best epoch, its minutes, its curve.

    ``minutes`` is the processor time divided by the number of threads: what the run takes on a machine that
    does nothing else, also if this one had other work to do meanwhile. ``minutes_by_the_clock`` says what it took.
    """
    clock, processor = time.perf_counter(), time.process_time()
    history = from_scratch(photos, seed)
    best = max(history, key=lambda result: result.val_accuracy)
    return {
        "seed": seed,
        "accuracy": best.val_accuracy,
        "epoch": best.epoch,
        "minutes": round((time.process_time() - processor) / torch.get_num_threads() / 60, 2),
        "minutes_by_the_clock": round((time.perf_counter() - clock) / 60, 2),
        "history": [asdict(result) for result in history],
    }


def main() -> None:
    """Measure every seed and store the runs."""
    photos = tl.ants_and_bees("photos")
    settings = {"photos": len(photos.train), "epochs": EPOCHS, "batch_size": BATCH_SIZE, "pixels": SIDE}
    settings |= {"peak_rate": PEAK_RATE, "threads": torch.get_num_threads()}
    store("scratch", {"settings": settings, "runs": [measure(photos, seed) for seed in SEEDS]})


if __name__ == "__main__":
    main()
