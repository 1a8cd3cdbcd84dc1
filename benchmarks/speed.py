"""How many images a second? python -m benchmarks.speed

The article's loop, that of PyTorch's transfer learning tutorial, and this package's, with the same weights and photos,
in one process and in turns, so that what disturbs one disturbs all. The article's is pinned as it was written (float32,
the usual memory layout, photos decoded in this process, no augmentation), the tutorial's likewise (batches of four,
four workers, augmentation); both go to the GPU where there is one. A first turn warms up and does not count.
"""

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

import tlhelpers as tl
from benchmarks import store
from benchmarks.article import squash
from tlhelpers.frozen import FrozenNetwork

WEIGHTS, ROUNDS, BATCH_SIZE, PHOTOS = "he2015", 5, 32, 224
DEVICE = tl.pick_device()


def fresh(classes: int) -> tl.ResNet50:
    """Return the pretrained network with a new head, in the usual memory layout."""
    model = tl.load_resnet50(WEIGHTS)
    tl.replace_head(model, classes)
    return model.to(DEVICE)


def plain_loader(photos: tl.PhotoDataset, transform: Callable, batch_size: int, workers: int = 0) -> DataLoader:
    """Return a loader as the article and the tutorial make theirs."""
    dataset = photos.subset(range(len(photos)))
    dataset.transform = transform
    return DataLoader(dataset, batch_size=batch_size, shuffle=True, num_workers=workers)


def plain_epoch(model: nn.Module, loader: DataLoader) -> None:
    """Train as the article does, and the tutorial: float32, one step a batch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    model.train()
    for images, labels in loader:
        images, labels = images.to(DEVICE), labels.to(DEVICE)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        loss.item()


def plain_features(model: nn.Module, loader: DataLoader) -> None:
    """Run the network on every photo as the article does."""
    model.eval()
    with torch.no_grad():
        for images, _ in loader:
            model(images.to(DEVICE)).cpu()


def tutorial_transform(weights) -> v2.Compose:
    """Return the tutorial's transform for training."""
    to_tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    normalize = v2.Normalize(list(weights.mean), list(weights.std))
    return v2.Compose([v2.RandomResizedCrop(224), v2.RandomHorizontalFlip(), *to_tensor, normalize])


def our_epoch(model: nn.Module, photos: tl.PhotoDataset) -> None:
    """Train as this package does."""
    loader = tl.make_loader(photos, tl.train_transform(model.weights), batch_size=BATCH_SIZE, shuffle=True)
    tl.train_one_epoch(model, loader, torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9))


def contests(photos: tl.PhotoDataset) -> dict[str, dict[str, Callable[[], None]]]:
    """Return for each kind of work who does it, and how: calls without arguments that go through all photos once."""
    models = [fresh(len(photos.classes)) for _ in range(3)]
    weights = models[0].weights
    article = plain_loader(photos, squash(weights), BATCH_SIZE)
    tutorial = plain_loader(photos, tutorial_transform(weights), 4, workers=4)
    ours = tl.make_loader(photos, tl.eval_transform(weights), batch_size=BATCH_SIZE)
    images = torch.randn(BATCH_SIZE, 3, weights.crop, weights.crop)
    ready, frozen = [(images, None)] * (PHOTOS // BATCH_SIZE), FrozenNetwork(models[2], "fc")
    compiled = FrozenNetwork(models[2], "fc")
    compiled.compile(images)
    return {
        "fine-tuning": {
            "article": lambda: plain_epoch(models[0], article),
            "tutorial": lambda: plain_epoch(models[1], tutorial),
            "tlhelpers": lambda: our_epoch(models[2], photos),
        },
        "features": {
            "article": lambda: plain_features(models[0], article),
            "tlhelpers": lambda: tl.extract_features(models[2], ours),
        },
        "network alone": {
            "article": lambda: plain_features(models[0], ready),
            "tlhelpers": lambda: [frozen(images).cpu() for images, _ in ready],
            "tlhelpers, compiled": lambda: [compiled(images).cpu() for images, _ in ready],
        },
    }


def in_turns(contest: dict[str, Callable[[], None]]) -> dict[str, dict]:
    """Return for each contender the images a second of every round, their median, and the GPU memory it took."""
    rates, memory = {name: [] for name in contest}, {}
    for turn in range(ROUNDS + 1):
        for name, work in contest.items():
            if DEVICE.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            start = time.perf_counter()
            work()
            if DEVICE.type == "cuda":
                torch.cuda.synchronize()
                memory[name] = round(torch.cuda.max_memory_allocated() / 1e6)
            if turn:
                rates[name].append(PHOTOS / (time.perf_counter() - start))
    first = rates[next(iter(contest))]
    return {
        name: {
            "images_per_second": [round(rate, 1) for rate in found],
            "median": round(statistics.median(found), 1),
            "ratio": round(statistics.median(map(lambda ours, base: ours / base, found, first)), 2),
            "gpu_megabytes": memory.get(name),
        }
        for name, found in rates.items()
    }


def main() -> None:
    """Measure every contest and store it."""
    photos = tl.ants_and_bees("photos").train
    photos = photos.subset(torch.linspace(0, len(photos) - 1, PHOTOS).long().tolist())
    found = {name: in_turns(contest) for name, contest in contests(photos).items()}
    settings = {"weights": WEIGHTS, "photos": PHOTOS, "batch_size": BATCH_SIZE, "rounds": ROUNDS}
    settings |= {"dtype": str(tl.pick_dtype(DEVICE)), "threads": torch.get_num_threads(), "device": DEVICE.type}
    for name, contenders in found.items():
        for who, rates in contenders.items():
            print(f"{name}, {who}: {rates['median']:.0f} images/s, ratio {rates['ratio']:.2f}")
    store(f"speed_{DEVICE.type}", {"settings": settings, "contests": found})


if __name__ == "__main__":
    main()
