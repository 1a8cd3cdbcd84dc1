"""Four ways to train a network, or a part of it, by one recipe: ``python -m benchmarks.lighter``.

From layer4 on, adapters, batch norms, everything: optimizer, schedule, steps, batches and photos are the same. Photos
are seen whole and are never changed, because maps that are kept allow no random crops. The peak rate is each way's own:
the one with the lowest validation loss among rates about three times apart, found with seed 0; if it is the largest or
the smallest that was tried, the next one is tried too. More seeds then train with this rate. The test photos choose
nothing; which of them were right is stored. Stored runs are not measured again, unless ``--again`` is given.
"""

import copy
from functools import cache, partial

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader

import tlhelpers as tl
from benchmarks import is_stored, store, stored_runs, study_parser
from benchmarks.eurosat import eurosat
from benchmarks.gains import WEIGHTS, network
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import PhotoDataset, Photos
from tlhelpers.photos.sampling import steps_loader
from tlhelpers.training.freezing import keep_statistics
from tlhelpers.training.regularization import rates_by_stage
from tlhelpers.training.transfer import share_of_peak

TARGET, SIDE, STEPS, BATCH_SIZE, RANK = "EuroSAT", 64, 100, 32, 4
WEIGHT_DECAY, MAX_GRADIENT_NORM = 0.01, 1.0
RATES = (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
BEGIN = {"adapters": slice(3, 6), "batch norms": slice(3, 6)}  # of the rates: those that are tried first
SEEDS = (0, 1, 2)
WAYS = {
    "from layer4 on": partial(tl.freeze_below, stage="layer4"),
    "adapters": partial(tl.add_adapters, rank=RANK),
    "batch norms": partial(tl.train_only, kind="batch norm"),
    "everything": tl.unfreeze,
}


@cache
def probed() -> tuple[ResNet50, Photos]:
    """Return the pretrained network with a fitted head, and the photos."""
    photos, model = eurosat(), network(SIDE)
    tl.head_from_classifier(model, tl.fit_probe(model, photos.train))
    return model, photos


def batches(model: ResNet50, way: str, train: PhotoDataset) -> tuple[nn.Module, DataLoader]:
    """Return what is trained, and the batches for it: photos, or kept maps of them."""
    transform = tl.eval_transform(model.weights)
    if way != "from layer4 on":
        return model, tl.make_loader(train, transform, batch_size=BATCH_SIZE, steps=STEPS)
    rest, kept = tl.keep_below(model, "layer4", tl.make_loader(train, transform))
    return rest, steps_loader(kept.dataset, BATCH_SIZE, STEPS)


def train(model: ResNet50, way: str, photos: PhotoDataset, rate: float) -> None:
    """Train a way with the recipe of ``tl.transfer``, but with whole photos."""
    WAYS[way](model)
    optimizer = AdamW(rates_by_stage(model, rate), rate, weight_decay=WEIGHT_DECAY)
    optimizer.register_step_pre_hook(lambda *_: _clip(model))
    schedule = LambdaLR(optimizer, partial(share_of_peak, steps=STEPS))
    part, loader = batches(model, way, photos)
    tl.train_one_epoch(part, loader, optimizer, schedule=schedule, mode=keep_statistics)


def _clip(model: nn.Module) -> None:
    nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)


def measure(run: dict) -> dict:
    """Train once; return losses and accuracies on the validation photos and on the test photos."""
    (model, photos), found = probed(), {}
    model = copy.deepcopy(model)
    if run["way"] != "probe":
        tl.set_seed(run["seed"])
        train(model, run["way"], photos.train, run["rate"])
        found = {"parameters": tl.count_parameters(model)[0]}
    for name, part in {"val_": photos.val, "": photos.test}.items():
        judged = tl.evaluate(model, tl.make_loader(part, tl.eval_transform(model.weights)))
        found |= {f"{name}loss": judged.loss, f"{name}accuracy": judged.accuracy}
    right = (judged.logits.argmax(dim=1) == judged.labels).numpy().astype(int)
    return found | {"right": "".join(map(str, right))}


def next_rates(way: str, losses: dict[float, float]) -> list[float]:
    """Return the rates to try next: those to begin with, then the neighbors of the best one that are missing."""
    if not losses:
        return list(RATES[BEGIN.get(way, slice(1, 4))])
    best = RATES.index(min(losses, key=losses.__getitem__))
    return [rate for rate in RATES[max(0, best - 1) : best + 2] if rate not in losses]


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    found = stored_runs("lighter", again=again)
    settings = {"target": TARGET, "side": SIDE, "steps": STEPS, "batch_size": BATCH_SIZE, "rank": RANK}
    settings |= {"weights": WEIGHTS, "optimizer": "AdamW", "weight_decay": WEIGHT_DECAY}
    settings |= {"dtype": str(tl.pick_dtype(tl.pick_device())), "threads": torch.get_num_threads()}

    def result(way: str, rate: float | None, seed: int) -> dict:
        run = {"way": way, "rate": rate, "seed": seed}
        if not is_stored(run, found):
            found.append(run | measure(run))
            store("lighter", {"settings": settings, "runs": found})
            print({name: value for name, value in found[-1].items() if name != "right"}, flush=True)
        return next(old for old in found if run.items() <= old.items())

    result("probe", None, 0)
    chosen = {}
    for way in WAYS:
        losses: dict[float, float] = {}
        while rates := next_rates(way, losses):
            losses |= {rate: result(way, rate, 0)["val_loss"] for rate in rates}
        chosen[way] = min(losses, key=losses.__getitem__)
    for seed in SEEDS:
        for way, rate in chosen.items():
            result(way, rate, seed)


if __name__ == "__main__":
    main(again=study_parser(__doc__).parse_args().again)
