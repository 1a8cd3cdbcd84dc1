"""What changes of the training photos are worth, on validation photos: ``python -m benchmarks.augmentations``.

Fine-tuning from a fitted head with averaged weights, as ``tl.transfer`` does, with the EuroSAT tiles of
``benchmarks.gains``. Besides flips there are two common ways that the package does not have: RandAugment, which applies
two of fourteen operations to each photo (Cubuk et al. 2020), and mixup, which adds up two photos with random shares
(Zhang et al. 2018). Mixup is stated with two labels for each sum; here one of the two is drawn by the shares, so that
the mean of the gradient is the same. Stored runs are not measured again, unless ``--again`` is given.
"""

from functools import partial
from itertools import product

import torch
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader
from torchvision.transforms import v2

import tlhelpers as tl
from benchmarks import in_own_process, is_stored, store, stored_runs, study_parser
from benchmarks.gains import BOTH, DEFAULT, TARGETS, WEIGHTS, network
from tlhelpers.photos.transforms import MIRROR
from tlhelpers.training.freezing import keep_statistics
from tlhelpers.training.regularization import rates_by_stage
from tlhelpers.training.strategies import STRATEGIES
from tlhelpers.training.transfer import MAX_GRADIENT_NORM, STEPS, share_of_peak

TARGET, SEEDS = "EuroSAT", (0, 1)
PEAK_RATE = STRATEGIES[DEFAULT].rate
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


def train(model: tl.ResNet50, loader: DataLoader) -> nn.Module:
    """Train with the recipe of ``tl.transfer``; return the network with averaged weights."""
    optimizer = AdamW(rates_by_stage(model, PEAK_RATE), PEAK_RATE, weight_decay=0.01)
    optimizer.register_step_pre_hook(lambda *_: _clip(model))
    average = AveragedModel(model)
    optimizer.register_step_post_hook(lambda *_: average.update_parameters(model))
    schedule = LambdaLR(optimizer, partial(share_of_peak, steps=STEPS))
    tl.train_one_epoch(model, loader, optimizer, schedule=schedule, mode=keep_statistics)
    return average.module


def _clip(model: nn.Module) -> None:
    nn.utils.clip_grad_norm_(model.parameters(), MAX_GRADIENT_NORM)


def measure(run: dict) -> dict:
    """Train once; return loss and accuracy on the validation photos."""
    photos, model = TARGETS[TARGET].photos(), network(TARGETS[TARGET].side)
    tl.head_from_classifier(model, tl.fit_probe(model, photos.train))
    tl.set_seed(run["seed"])
    transform = tl.train_transform(model.weights, augment=WAYS[run["way"]])
    loader = tl.make_loader(photos.train, transform, batch_size=32, steps=STEPS)
    if run["way"] == "mixup":
        loader.collate_fn = mixed
    judged = tl.evaluate(train(model, loader), tl.make_loader(photos.val, tl.eval_transform(model.weights)))
    return {"val_loss": judged.loss, "val_accuracy": judged.accuracy}


def main(*, again: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    found = stored_runs("augmentations", again=again)
    settings = {"target": TARGET, "weights": WEIGHTS, "pixels": TARGETS[TARGET].side, "steps": STEPS, "mixup": MIXUP}
    for seed, way in product(SEEDS, WAYS):
        run = {"way": way, "seed": seed}
        if not is_stored(run, found):
            found.append(run | in_own_process(measure, run))
            store("augmentations", {"settings": settings, "runs": found})
            print(found[-1], flush=True)


if __name__ == "__main__":
    main(again=study_parser(__doc__).parse_args().again)
