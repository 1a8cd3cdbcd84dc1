"""Check the defaults on folders of several sizes: ``python -m benchmarks.folders``.

The photos are drawn letters, which no part of this project was tuned on: from two classes of 20 to twenty classes of
200, and one folder with unequal classes. The linear probe is compared with the default of ``tl.transfer``. Stored runs
are not measured again, unless ``--again`` is given.
"""

import json
import tempfile
from functools import partial
from itertools import product
from pathlib import Path

import tlhelpers as tl
from benchmarks import each_result, is_stored, store, stored_runs, study_parser
from benchmarks.targets import figures, letters
from tlhelpers.photos.datasets import Photos

WEIGHTS = "he2015"
FOLDERS = {
    "2 classes of 20": [20] * 2,
    "12 and 108": [12, 108],
    "5 classes of 50": [50] * 5,
    "10 classes of 100": [100] * 10,
    "20 classes of 200": [200] * 20,
}
STRATEGIES = ("linear probe", "WiSE-FT")
SEEDS = (0, 1, 2)  # only the first for the largest folder


def measure(photos: Photos, run: dict) -> dict:
    """Train with a strategy and return its figures on the validation photos."""
    model = tl.load_resnet50(WEIGHTS)
    tl.set_seed(run["seed"])
    tl.transfer(model, photos.train, run["strategy"])
    found = tl.evaluate(model, tl.make_loader(photos.val, tl.eval_transform(model.weights)))
    return figures(found) | {"photos": len(found.labels)}


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    found = stored_runs("folders", again=again)
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
    main(again=study_parser(__doc__).parse_args().again)
