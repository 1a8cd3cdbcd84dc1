"""Which transfer, when, at what cost? python -m benchmarks.strategies

Three studies of ``tl.transfer`` with He's ResNet-50, each run in a process of its own, so that its memory can be told:
every strategy on the ants and bees; accuracy against photos per class; some strategies on drawn insects, and on a
target far from photographs, handwritten digits. What is stored is not measured again: a study that was stopped goes
on, and --again starts it anew.
"""

import json
import resource
import sys
import tempfile
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch

import tlhelpers as tl
from benchmarks import in_own_process, is_stored, store, stored_runs
from benchmarks.targets import PEAK_RATES, fewer, figures, photos_of

WEIGHTS = "he2015"
SEEDS, MORE_SEEDS = (0, 1, 2), (3, 4)  # more for the probe, and for the best that trains the body
PER_CLASS = (5, 10, 20, 40, 80)
SCRATCH = {"epochs": 15, "batch_size": 16}  # as benchmarks.scratch, whose best rate is the recipe's
SMALL = {"resize": 128, "crop": 112}  # photos from scratch are small, so that each can be seen often, and judged so


def measure(run: dict) -> dict:
    """Train once and judge; return what came out, and what it cost."""
    options = SCRATCH if run["strategy"] == "from scratch" else {}
    with tempfile.TemporaryDirectory() as folder:
        photos = photos_of(run["target"], Path(folder))
        model = tl.load_resnet50(WEIGHTS)
        train = photos.train.subset(fewer(photos.train.labels, run["per_class"], run["seed"]))
        tl.fit_probe(model, train)  # the features are kept, and read again by every strategy that begins with them
        if run["strategy"] == "from scratch":
            model.weights = replace(model.weights, **SMALL)
        tl.set_seed(run["seed"])
        start = time.perf_counter()
        tl.transfer(model, train, run["strategy"], **options)
        seconds = time.perf_counter() - start
        trained = tl.count_parameters(model)[0]
        found = tl.evaluate(model, tl.make_loader(photos.val, tl.eval_transform(model.weights)))
    return figures(found) | {
        "right": "".join(str(int(right)) for right in found.logits.argmax(dim=1) == found.labels),
        "seconds": round(seconds, 1),
        "parameters": trained,
        "megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }


def runs() -> list[dict]:
    """Return what is to be measured, the most wanted first."""
    keys = ("study", "target", "strategy", "per_class", "seed")
    wanted = [("strategies", "ants and bees", s, None, seed) for seed, s in product(SEEDS, PEAK_RATES)]
    compared = ("linear probe", "WiSE-FT", "from scratch")
    wanted += [("strategies", "ants and bees", s, None, seed) for seed, s in product(MORE_SEEDS, compared[:2])]
    wanted += [("photos", "ants and bees", s, n, seed) for seed, n, s in product(SEEDS, PER_CLASS, compared)]
    further = (*compared, "LP-FT", "full")
    wanted += [("strategies", "digits", s, None, seed) for seed, s in product(SEEDS, further)]
    wanted += [("strategies", "drawn insects", s, None, seed) for seed, s in product(SEEDS, compared[:2])]
    return [dict(zip(keys, values, strict=True)) for values in wanted]


def main() -> None:
    """Measure what is missing and store it, run by run."""
    found = stored_runs("strategies")
    settings = {"weights": WEIGHTS, "from_scratch": SCRATCH | SMALL, "peak_rates": PEAK_RATES}
    settings |= {"dtype": str(tl.pick_dtype(tl.pick_device())), "threads": torch.get_num_threads()}
    for run in runs():
        if is_stored(run, found):
            continue
        result = in_own_process("benchmarks.strategies", run)
        found.append(run | result)
        store("strategies", {"settings": settings, "runs": found})
        print(run, {name: value for name, value in result.items() if name != "right"}, flush=True)


if __name__ == "__main__":
    if "--run" in sys.argv:
        print(json.dumps(measure(json.loads(sys.argv[-1]))))
    else:
        main()
