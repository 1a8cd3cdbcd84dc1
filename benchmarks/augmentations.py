"""What changes of the training photos are worth, on validation photos: ``python -m benchmarks.augmentations``.

Fine-tuning from a fitted head with averaged weights, as ``tl.transfer`` does, with the EuroSAT tiles of
``benchmarks.gains``. Besides flips there are two common ways that the package does not have: RandAugment, which applies
two of fourteen operations to each photo (Cubuk et al. 2020), and mixup, which adds up two photos with random shares
(Zhang et al. 2018). Mixup is stated with two labels for each sum; here one of the two is drawn by the shares, so that
the mean of the gradient is the same. Stored runs are not measured again, unless ``--again`` is given.
"""

from itertools import product

import torch
from torchvision.transforms import v2

import tlhelpers as tl
from benchmarks import measure_missing, study_parser
from benchmarks.gains import BOTH, DEFAULT, TARGETS, WEIGHTS, network
from tlhelpers.photos.transforms import MIRROR
from tlhelpers.training.strategies import STRATEGIES
from tlhelpers.training.transfer import STEPS, train_with

TARGET, SEEDS = "EuroSAT", (0, 1)
MIXUP = 0.2  # of the beta distribution of the shares
WAYS = {
    "nothing": v2.Identity(),
    "mirrored": MIRROR,
    "mirrored and upside down": BOTH,
    "RandAugment": v2.Compose([BOTH, v2.RandAugment()]),
    "mixup": BOTH,
}


def mixed(batch: list) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each image of a batch with another one of it."""
    images, labels = batch
    shares = torch.distributions.Beta(MIXUP, MIXUP).sample((len(images),))
    others, column = torch.randperm(len(images)), shares[:, None, None, None]
    drawn = torch.where(torch.rand(len(images)) < shares, labels, labels[others])
    return column * images + (1 - column) * images[others], drawn


def measure(run: dict) -> dict:
    """Train once; return loss and accuracy on the validation photos."""
    photos, model = TARGETS[TARGET].photos(), network(TARGETS[TARGET].side)
    tl.head_from_classifier(model, tl.fit_probe(model, photos.train))
    tl.set_seed(run["seed"])
    transform = tl.train_transform(model.weights, augment=WAYS[run["way"]])
    loader = tl.make_loader(photos.train, transform, batch_size=32, steps=STEPS)
    if run["way"] == "mixup":
        loader.collate_fn = mixed
    train_with(model, STRATEGIES[DEFAULT], [loader])
    judged = tl.evaluate(model, tl.make_loader(photos.val, tl.eval_transform(model.weights)))
    return {"val_loss": judged.loss, "val_accuracy": judged.accuracy}


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    settings = {"target": TARGET, "weights": WEIGHTS, "pixels": TARGETS[TARGET].side, "steps": STEPS, "mixup": MIXUP}
    runs = [{"way": way, "seed": seed} for seed, way in product(SEEDS, WAYS)]
    measure_missing("augmentations", runs, measure, settings, again=again)


if __name__ == "__main__":
    main(again=study_parser(__doc__).parse_args().again)
