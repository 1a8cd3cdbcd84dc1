"""Cross-validate the strategies on the training photos alone: ``python -m benchmarks.choice``.

Which strategy would one choose without a look at the validation photos? Every strategy that begins with the fitted head
is cross-validated on the 244 training photos of ants and bees, in five folds. The division into folds is random too, so
it is repeated five times. The number of a repetition is the seed of both, division and training. Stored runs are not
measured again, unless ``--again`` is given.
"""

import json

import tlhelpers as tl
from benchmarks import each_result, is_stored, store, stored_runs, study_parser
from benchmarks.targets import PEAK_RATES, figures
from tlhelpers.training.probe import fit_head
from tlhelpers.training.strategies import STRATEGIES

WEIGHTS = "he2015"
CANDIDATES = [name for name, row in STRATEGIES.items() if row.start is fit_head]
FOLDS, REPETITIONS = 5, 5


def measure(run: dict) -> dict:
    """Train on all folds but one, and evaluate on that one."""
    model = tl.load_resnet50(WEIGHTS)
    train = tl.ants_and_bees().train
    part, left_out = tl.stratified_folds(train, FOLDS, seed=run["repetition"])[run["fold"]]
    tl.set_seed(run["repetition"])
    tl.transfer(model, part, run["strategy"])
    return figures(tl.evaluate(model, tl.make_loader(left_out, tl.eval_transform(model.weights))))


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    found = stored_runs("choice", again=again)
    settings = {"weights": WEIGHTS, "folds": FOLDS, "repetitions": REPETITIONS, "peak_rates": PEAK_RATES}
    settings |= {"dtype": str(tl.pick_dtype(tl.pick_device()))}
    runs = [
        {"strategy": strategy, "repetition": repetition, "fold": fold}
        for repetition in range(REPETITIONS)
        for strategy in CANDIDATES
        for fold in range(FOLDS)
    ]
    for result in each_result(measure, [run for run in runs if not is_stored(run, found)]):
        found.append(result)
        store("choice", {"settings": settings, "runs": found})
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(again=study_parser(__doc__).parse_args().again)
