"""Do the defaults hold for folders of any size? python -m benchmarks.folders

Letters, which no part of this project was tuned on, from two classes of 20 to twenty of 200, one folder unbalanced: the
linear probe beside the default of ``tl.transfer``, both as they are. What is stored is not measured again.
"""

import json
import tempfile
from functools import partial
from itertools import product
from pathlib import Path

import tlhelpers as tl
from benchmarks import each_result, is_stored, store, stored_runs
from benchmarks.targets import figures, letters

WEIGHTS = "he2015"
FOLDERS = {
    "2 classes of 20": [20] * 2,
    "12 and 108": [12, 108],
    "5 classes of 50": [50] * 5,
    "10 classes of 100": [100] * 10,
    "20 classes of 200": [200] * 20,
}
STRATEGIES = ("linear probe", "WiSE-FT")
SEEDS = (0, 1, 2)  # the largest folder has the first alone


def measure(photos: tl.Photos, run: dict) -> dict:
    """Return what a strategy reaches."""
    model = tl.load_resnet50(WEIGHTS)
    tl.set_seed(run["seed"])
    tl.transfer(model, photos.train, run["strategy"])
    found = tl.evaluate(model, tl.make_loader(photos.val, tl.eval_transform(model.weights)))
    return figures(found) | {"photos": len(found.labels)}


def main() -> None:
    """Measure what is missing and store it, run by run."""
    found = stored_runs("folders")
    for name, counts in FOLDERS.items():
        seeds = SEEDS[:1] if len(counts) == 20 else SEEDS
        runs = [{"folder": name, "strategy": s, "seed": seed} for seed, s in product(seeds, STRATEGIES)]
        missing = [run for run in runs if not is_stored(run, found)]
        if not missing:
            continue
        with tempfile.TemporaryDirectory() as folder:
            photos = letters(Path(folder), counts)
            for result in each_result(partial(measure, photos), missing):
                found.append(result)
                store("folders", {"settings": {"weights": WEIGHTS, "seeds": SEEDS}, "runs": found})
                print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
