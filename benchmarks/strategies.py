"""Compare all strategies of transfer: ``python -m benchmarks.strategies``.

Three studies of ``tl.transfer`` with the ResNet-50 of He et al. (2015): every strategy on the ants and bees; accuracy
against the number of photos per class; some strategies on drawn insects and on a target far from photographs,
handwritten digits. Each run has a process of its own, so that its memory can be measured. Stored runs are not measured
again, unless ``--again`` is given.
"""

import resource
import tempfile
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import torch

import tlhelpers as tl
from benchmarks import in_own_process, is_stored, store, stored_runs, study_parser
from benchmarks.targets import PEAK_RATES, fewer, figures, photos_of

WEIGHTS = "he2015"
SEEDS, MORE_SEEDS = (0, 1, 2), (3, 4)  # more for the probe and for the best strategy that trains the body
PER_CLASS = (5, 10, 20, 40, 80)
SCRATCH = {"epochs": 15, "batch_size": 16}  # as in benchmarks.scratch, whose best rate the strategy has
SMALL = {"resize": 128, "crop": 112}  # from scratch, photos are small, so that each can be seen often


def measure(run: dict) -> dict:
    """Train once; return the figures on the validation photos, and the costs."""
    options = SCRATCH if run["strategy"] == "from scratch" else {}
    with tempfile.TemporaryDirectory() as folder:
        photos = photos_of(run["target"], Path(folder))
        model = tl.load_resnet50(WEIGHTS)
        train = photos.train.subset(fewer(photos.train.labels, run["per_class"], run["seed"]))
        tl.fit_probe(model, train)  # its features are cached; strategies that begin with it read them
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
    """Return the settings of all runs, the most important first."""
    keys = ("study", "target", "strategy", "per_class", "seed")
    wanted = [("strategies", "ants and bees", s, None, seed) for seed, s in product(SEEDS, PEAK_RATES)]
    compared = ("linear probe", "WiSE-FT", "from scratch")
    wanted += [("strategies", "ants and bees", s, None, seed) for seed, s in product(MORE_SEEDS, compared[:2])]
    wanted += [("photos", "ants and bees", s, n, seed) for seed, n, s in product(SEEDS, PER_CLASS, compared)]
    further = (*compared, "LP-FT", "full")
    wanted += [("strategies", "digits", s, None, seed) for seed, s in product(SEEDS, further)]
    wanted += [("strategies", "drawn insects", s, None, seed) for seed, s in product(SEEDS, compared[:2])]
    return [dict(zip(keys, values, strict=True)) for values in wanted]


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    found = stored_runs("strategies", again=again)
    settings = {"weights": WEIGHTS, "from_scratch": SCRATCH | SMALL, "peak_rates": PEAK_RATES}
    settings |= {"dtype": str(tl.pick_dtype(tl.pick_device())), "threads": torch.get_num_threads()}
    for run in runs():
        if is_stored(run, found):
            continue
        result = in_own_process(measure, run)
        found.append(run | result)
        store("strategies", {"settings": settings, "runs": found})
        print(run, {name: value for name, value in result.items() if name != "right"}, flush=True)


if __name__ == "__main__":
    main(again=study_parser(__doc__).parse_args().again)
