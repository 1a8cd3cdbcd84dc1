"""Train ResNet-50 without transfer learning: ``python -m benchmarks.scratch``.

It begins with random weights and learns from the 196 training photos of ants and bees, until the 48 validation photos
have not become better for 100 steps of the optimizer. The weights from its best moment are judged with the 153 test
photos, once. The validation photos choose the learning rate, too: rates are tried with one seed, and a larger or a
smaller one is added for as long as the best rate is the largest or the smallest. The best rate gets two more seeds.

The photos are small (64 by 64 pixels, less than a tenth of the work of 224), so that it can be done on a processor.
Stored runs are not measured again, unless ``--again`` is given.
"""

import copy
import time
from dataclasses import replace

import torch
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

import tlhelpers as tl
from benchmarks import in_own_process, is_stored, store, stored_runs, study_parser
from tlhelpers.network.weights import list_weights
from tlhelpers.photos.datasets import PhotoDataset, Photos

SEEDS = (0, 1, 2)
LADDER = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
FIRST_RATES = LADDER[3:6]
BATCH_SIZE, SIDE = 16, 64
ROUND, WARM_UP, PATIENCE = 25, 50, 100  # steps
SMALL = replace(list_weights()[0], resize=SIDE, crop=SIDE)  # the whole photo, small


def loader(photos: PhotoDataset) -> DataLoader:
    """Return the photos as they are judged."""
    return tl.make_loader(photos, tl.eval_transform(SMALL), workers=0)


def from_scratch(photos: Photos, rate: float, seed: int) -> tuple[dict, tl.ResNet50]:
    """Train from random weights until it no longer helps; return all rounds, and the network of the best one."""
    tl.set_seed(seed)
    train = tl.make_loader(photos.train, tl.train_transform(SMALL), batch_size=BATCH_SIZE, steps=ROUND, workers=0)
    model = tl.ResNet50(num_classes=len(photos.classes))
    optimizer = AdamW(model.parameters(), rate, weight_decay=0.01)
    schedule = LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / WARM_UP))
    rounds: list[dict] = []
    while not rounds or rounds[-1]["steps"] - max(rounds, key=merit)["steps"] < PATIENCE:
        loss, accuracy = tl.train_one_epoch(model, train, optimizer, schedule=schedule)
        judged = tl.evaluate(model, loader(photos.val))
        found = {"train_loss": loss, "train_accuracy": accuracy}
        found |= {"val_loss": judged.loss, "val_accuracy": judged.accuracy}
        rounds.append({"steps": ROUND * (len(rounds) + 1)} | found)
        if max(rounds, key=merit) is rounds[-1]:
            best = copy.deepcopy(model)
        print(rounds[-1], flush=True)
    return rounds, best


def merit(judged: dict) -> tuple[float, float]:
    """Return what a round, or a run, is chosen by: more validation photos right, or else a smaller loss on them."""
    return judged["val_accuracy"], -judged["val_loss"]


def measure(run: dict) -> dict:
    """Return the figures of one run: on the validation photos at its best moment, then on the test photos.

    ``minutes`` is the processor time divided by the number of threads: what the run takes on a machine that does
    nothing else. ``minutes_by_the_clock`` is what it took.
    """
    photos = tl.ants_and_bees()
    clock, processor = time.perf_counter(), time.process_time()
    rounds, model = from_scratch(photos, run["rate"], run["seed"])
    minutes = (time.process_time() - processor) / torch.get_num_threads() / 60
    judged = tl.evaluate(model, loader(photos.test))
    right = judged.logits.argmax(dim=1) == judged.labels
    found = {key: max(rounds, key=merit)[key] for key in ("steps", "val_accuracy", "val_loss")}
    found |= {"accuracy": judged.accuracy, "loss": judged.loss, "right": "".join(map(str, right.int().tolist()))}
    found |= {"minutes": round(minutes, 2), "minutes_by_the_clock": round((time.perf_counter() - clock) / 60, 2)}
    return found | {"rounds": rounds}


def next_run(runs: list[dict]) -> dict | None:
    """Return the rate and the seed that are to be measured next, or None if nothing is left."""
    first = [run for run in runs if run["seed"] == SEEDS[0]]
    wanted = [(rate, SEEDS[0]) for rate in FIRST_RATES]
    if len(first) >= len(FIRST_RATES):
        tried = sorted(LADDER.index(run["rate"]) for run in first)
        best = LADDER.index(max(first, key=merit)["rate"])
        beyond = {tried[0]: tried[0] - 1, tried[-1]: tried[-1] + 1}
        wanted += [(LADDER[beyond[best]], SEEDS[0])] if best in beyond else [(LADDER[best], seed) for seed in SEEDS]
    missing = [{"rate": rate, "seed": seed} for rate, seed in wanted]
    return next((run for run in missing if not is_stored(run, runs)), None)


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    found = stored_runs("scratch", again=again)
    settings = {"photos of": ["ants", "bees"], "photos": {"train": 196, "val": 48, "test": 153}}
    settings |= {"pixels": SIDE, "batch_size": BATCH_SIZE}
    settings |= {"optimizer": "AdamW", "warm_up": WARM_UP, "round": ROUND, "patience": PATIENCE}
    settings |= {"dtype": str(tl.pick_dtype(tl.pick_device())), "threads": torch.get_num_threads()}
    while run := next_run(found):
        found.append(run | in_own_process(measure, run))
        store("scratch", {"settings": settings, "runs": found})


if __name__ == "__main__":
    main(again=study_parser(__doc__).parse_args().again)
