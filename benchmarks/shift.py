"""Other photos than in training: ``python -m benchmarks.shift``.

The solar cells are of two kinds. Here a network is trained on cells of one crystal (mono) and judged on cells of many
(poly), and the other way round, for a path of networks from the fitted head on pretrained features (share 0) to the
fine-tuned network (share 1). Fine-tuning may gain on photos like those of training and lose on others; weights in
between may keep the gain and lose less (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022). The share can
be chosen with validation photos of the kind that was trained on. Stored runs are not measured again, unless ``--again``
is given.
"""

import copy
from itertools import product

import tlhelpers as tl
from benchmarks import measure_missing, study_parser
from benchmarks.gains import TARGETS, WEIGHTS, network
from tlhelpers.training.strategies import Strategy
from tlhelpers.training.transfer import STEPS

SEEDS, KINDS = (0, 1, 2), ("mono", "poly")
SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SIDE = 128


def measure(run: dict) -> dict:
    """Train on one kind; return by share the accuracy on validation photos of it, and on test photos of both."""
    photos, model, ends = tl.solar_cells(), network(SIDE), {}
    tl.set_seed(run["seed"])
    both = Strategy(finish=lambda after, before: ends.update(before=before))
    tl.transfer(model, photos.train.where(kind=run["kind"]), both, augment=TARGETS["solar cells"].augment)
    judged = {"validation, same kind": photos.val.where(kind=run["kind"])}
    for kind in KINDS:
        judged["test, same kind" if kind == run["kind"] else "test, other kind"] = photos.test.where(kind=kind)
    loaders = {name: tl.make_loader(part, tl.eval_transform(model.weights)) for name, part in judged.items()}
    found: dict[str, list] = {name: [] for name in loaders}
    for share in SHARES:
        mixed = copy.deepcopy(model)
        tl.average_weights(mixed, ends["before"], share=1 - share)
        for name, loader in loaders.items():
            found[name].append(tl.evaluate(mixed, loader).accuracy)
    return {"accuracy": found, "photos": {name: len(part) for name, part in judged.items()}}


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    settings = {"weights": WEIGHTS, "pixels": SIDE, "steps": STEPS, "shares": SHARES}
    runs = [{"kind": kind, "seed": seed} for kind, seed in product(KINDS, SEEDS)]
    measure_missing("shift", runs, measure, settings, again=again)


if __name__ == "__main__":
    main(again=study_parser(__doc__).parse_args().again)
