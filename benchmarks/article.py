"""Measure the faults of the article's training loop, one at a time: ``python -m benchmarks.article``.

The loop of section 4 runs as it is written for its ten epochs, and then again for two epochs with one fault corrected
at a time, all with three seeds. After some epochs the validation photos are evaluated twice: as the article does it,
without ``model.eval()`` (in a copy, because that changes the network), and with it. Everything is in float32, as in the
article.
"""

import copy
import time

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

import tlhelpers as tl
from benchmarks import store
from tlhelpers.network.weights import WeightsEntry
from tlhelpers.photos.datasets import Photos

RATE, MOMENTUM, BATCH_SIZE = 1e-3, 0.9, 32  # the article's
WEIGHTS = "he2015"
EPOCHS, EPOCHS_CORRECTED, SEEDS = 10, 2, (0, 1, 2)
EVALUATED = (2, 5, 10)  # epochs after which the validation photos are evaluated
NAMES = ("as_written", "head_of_two", "keeps_aspect", "augmented", "two_rates")


def squash(weights: WeightsEntry) -> v2.Compose:
    """Return the article's transform, which squeezes every photo into a square."""
    to_tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    return v2.Compose([v2.Resize((224, 224)), *to_tensor, v2.Normalize(list(weights.mean), list(weights.std))])


def squash_and_augment(weights: WeightsEntry) -> v2.Compose:
    """Return the article's transform after a random crop and a random horizontal flip."""
    return v2.Compose([v2.RandomResizedCrop(224, scale=(0.35, 1.0)), v2.RandomHorizontalFlip(), squash(weights)])


def optimizer_for(model: nn.Module, name: str) -> torch.optim.SGD:
    """Return the article's optimizer, or one with ten times the learning rate for the new head."""
    body = [parameter for part, parameter in model.named_parameters() if not part.startswith("fc.")]
    head_rate = 10 * RATE if name == "two_rates" else RATE
    groups = [{"params": body}, {"params": list(model.fc.parameters()), "lr": head_rate}]
    return torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM)


def evaluate(model: nn.Module, loader: DataLoader, *, training_mode: bool) -> dict:
    """Return accuracy, loss, and the share of photos whose predicted class does not exist in this task."""
    model = copy.deepcopy(model).train(training_mode)
    with torch.no_grad():
        logits = torch.cat([model(images) for images, _ in loader])
    labels, predicted = loader.dataset.labels, logits.argmax(dim=1)
    return {
        "accuracy": (predicted == labels).double().mean().item(),
        "loss": nn.functional.cross_entropy(logits, labels).item(),
        "wrong_classes": (predicted >= len(loader.dataset.classes)).double().mean().item(),
    }


def train_one_epoch(model: nn.Module, loader: DataLoader, optimizer: torch.optim.SGD) -> float:
    """Train for an epoch as the article does, and return the mean loss."""
    total, device = 0.0, next(model.parameters()).device
    model.train()
    for inputs, labels in loader:
        inputs, labels = inputs.to(device), labels.to(device)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    return total / len(loader.dataset)


def run(photos: Photos, name: str, epochs: int, seed: int) -> list[dict]:
    """Return the evaluated epochs of one run of the article's loop, with the fault ``name`` corrected (or none)."""
    tl.set_seed(seed)
    model = tl.load_resnet50(WEIGHTS).to(memory_format=torch.channels_last)
    if name in ("head_of_two", "two_rates"):
        tl.replace_head(model, len(photos.classes))
    val_transform = tl.eval_transform(model.weights) if name == "keeps_aspect" else squash(model.weights)
    train_transform = squash_and_augment(model.weights) if name == "augmented" else val_transform
    train = tl.make_loader(photos.train, train_transform, batch_size=BATCH_SIZE, shuffle=True)
    val = tl.make_loader(photos.val, val_transform, batch_size=BATCH_SIZE)
    optimizer, history = optimizer_for(model, name), []
    for epoch in range(1, epochs + 1):
        result = timed_epoch(model, train, optimizer)
        if epoch in EVALUATED:
            history.append({"epoch": epoch} | result | evaluated_twice(model, val))
            print(name, seed, history[-1], flush=True)
    return history


def timed_epoch(model: nn.Module, loader: DataLoader, optimizer: torch.optim.SGD) -> dict:
    """Train for an epoch; return its mean loss and its seconds.

    ``seconds`` is the processor time divided by the number of threads: what the epoch takes on a machine that does
    nothing else.
    """
    clock, processor = time.perf_counter(), time.process_time()
    loss = train_one_epoch(model, loader, optimizer)
    return {
        "train_loss": loss,
        "seconds_by_the_clock": round(time.perf_counter() - clock, 1),
        "seconds": round((time.process_time() - processor) / torch.get_num_threads(), 1),
    }


def evaluated_twice(model: nn.Module, loader: DataLoader) -> dict:
    """Return the figures on the validation photos in training mode, as in the article, and in eval mode."""
    as_article, in_eval = (evaluate(model, loader, training_mode=mode) for mode in (True, False))
    return {
        "train_mode_accuracy": as_article["accuracy"],
        "eval_mode_accuracy": in_eval["accuracy"],
        "val_loss": in_eval["loss"],
        "wrong_classes": as_article["wrong_classes"],
    }


def main() -> None:
    """Measure every run and store each when it is done."""
    photos, runs = tl.ants_and_bees(), {}
    settings = {"weights": WEIGHTS, "pixels": 224, "seeds": SEEDS}
    settings |= {"rate": RATE, "momentum": MOMENTUM, "batch_size": BATCH_SIZE}
    settings |= {"train_photos": len(photos.train), "val_photos": len(photos.val), "threads": torch.get_num_threads()}
    for name in NAMES:
        epochs = EPOCHS if name == "as_written" else EPOCHS_CORRECTED
        runs[name] = [run(photos, name, epochs, seed) for seed in SEEDS]
        store("article", {"settings": settings, "runs": runs})


if __name__ == "__main__":
    main()
