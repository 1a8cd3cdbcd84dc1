"""Other training loops: the article's, that of PyTorch's tutorial, Lightning's and skorch's.

Each takes a network in the usual memory layout and trains it for one epoch. The article's loop is as it was written
(float32, photos decoded in this process, no augmentation), and so is the tutorial's (batches of four, four workers,
augmentation); both use a GPU if there is one. Lightning and skorch each come twice: with the defaults of their
documentation, and tuned by hand as far as is usual: with bfloat16, channels_last and, on a GPU, as many processes that
read photos as our loader has.
"""

import logging
import warnings
from collections.abc import Callable

import lightning
import skorch
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

import tlhelpers as tl
from benchmarks.article import squash, train_one_epoch
from tlhelpers.network.weights import WeightsEntry
from tlhelpers.photos.datasets import PhotoDataset
from tlhelpers.photos.loading import pick_workers
from tlhelpers.photos.reading import open_photo

BATCH_SIZE, RATE, MOMENTUM = 32, 1e-3, 0.9
DEVICE = tl.pick_device()
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")


class OneByOne(Dataset):
    """Photos as torchvision's ImageFolder reads them: one at a time, with its label."""

    def __init__(self, photos: PhotoDataset, transform: Callable) -> None:
        self.paths, self.labels, self.transform = photos.paths, photos.labels.tolist(), transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(open_photo(self.paths[index])), self.labels[index]


def tutorial_transform(weights: WeightsEntry) -> v2.Compose:
    """Return the tutorial's transform for training."""
    to_tensor = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
    normalize = v2.Normalize(list(weights.mean), list(weights.std))
    return v2.Compose([v2.RandomResizedCrop(224), v2.RandomHorizontalFlip(), *to_tensor, normalize])


def sgd(model: nn.Module) -> torch.optim.SGD:
    """Return the optimizer of all loops."""
    return torch.optim.SGD(model.parameters(), lr=RATE, momentum=MOMENTUM)


def article(model: nn.Module, photos: PhotoDataset) -> None:
    """Train with the loop in section 4 of the article."""
    photos = OneByOne(photos, squash(model.weights))
    train_one_epoch(model, DataLoader(photos, batch_size=BATCH_SIZE, shuffle=True), sgd(model))


def tutorial(model: nn.Module, photos: PhotoDataset) -> None:
    """Train with the loop of PyTorch's "Transfer Learning for Computer Vision Tutorial"."""
    photos = OneByOne(photos, tutorial_transform(model.weights))
    train_one_epoch(model, DataLoader(photos, batch_size=4, shuffle=True, num_workers=4), sgd(model))


def ours(model: nn.Module, photos: PhotoDataset, *, size: int | None = None) -> None:
    """Train with the loop of this package, optionally on smaller images."""
    transform = tl.train_transform(model.weights, size=size)
    tl.train_one_epoch(model, tl.make_loader(photos, transform, batch_size=BATCH_SIZE, shuffle=True), sgd(model))


class Lightning(lightning.LightningModule):
    """The module of Lightning's first example, with our network."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def training_step(self, batch: tuple[Tensor, Tensor], number: int) -> Tensor:
        return F.cross_entropy(self.model(batch[0]), batch[1])

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return sgd(self)


def trainer(precision: str) -> lightning.Trainer:
    """Return a trainer of one epoch that writes nothing."""
    silent = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    return lightning.Trainer(max_epochs=1, precision=precision, **silent)


def by_lightning(model: nn.Module, photos: PhotoDataset, *, tuned: bool = False) -> None:
    """Train with Lightning's Trainer."""
    if tuned:
        model = model.to(memory_format=torch.channels_last)
    photos, workers = OneByOne(photos, tutorial_transform(model.weights)), pick_workers(len(photos)) if tuned else 0
    loader = DataLoader(photos, batch_size=BATCH_SIZE, shuffle=True, num_workers=workers)
    trainer("bf16-mixed" if tuned else "32-true").fit(Lightning(model), loader)


class Tuned(skorch.NeuralNetClassifier):
    """skorch with bfloat16, by the method that its documentation overrides for mixed precision."""

    def train_step_single(self, batch: tuple, **fit_params) -> dict:
        with torch.autocast(DEVICE.type, torch.bfloat16):
            return super().train_step_single(batch, **fit_params)


def by_skorch(model: nn.Module, photos: PhotoDataset, *, tuned: bool = False) -> None:
    """Train with skorch's NeuralNetClassifier."""
    if tuned:
        model = model.to(memory_format=torch.channels_last)
    options = {"criterion": nn.CrossEntropyLoss, "optimizer": torch.optim.SGD, "optimizer__momentum": MOMENTUM}
    options |= {"lr": RATE, "batch_size": BATCH_SIZE, "max_epochs": 1, "train_split": None, "verbose": 0}
    options |= {"iterator_train__shuffle": True, "device": DEVICE.type}
    options |= {"iterator_train__num_workers": pick_workers(len(photos)) if tuned else 0}
    kind = Tuned if tuned else skorch.NeuralNetClassifier
    kind(model, **options).fit(OneByOne(photos, tutorial_transform(model.weights)), None)
