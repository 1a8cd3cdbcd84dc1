"""Small networks and small photos for tests: the same parts as the real ones, in milliseconds."""

from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import v2

from tlhelpers.network.weights import WeightsEntry
from tlhelpers.photos.transforms import eval_transform

ENTRY = WeightsEntry(name="tiny", title="of a test", filename="none", resize=20, crop=16)


class TinyNet(nn.Module):
    """A convolution, batch norm, ReLU, global mean and head, under the names that they have in ResNet-50."""

    def __init__(self, num_classes: int = 2) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, kernel_size=3, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.fc(self.avgpool(self.relu(self.bn1(self.conv1(images)))).flatten(1))


class StagedNet(nn.Module):
    """A network with the stages of ResNet-50, each a convolution and a batch norm, for images of 16 pixels."""

    def __init__(self, num_classes: int = 3) -> None:
        super().__init__()
        self.weights = ENTRY
        self.conv1, self.bn1 = nn.Conv2d(3, 6, 3, bias=False), nn.BatchNorm2d(6)
        for number in (1, 2, 3, 4):
            self.add_module(f"layer{number}", nn.Sequential(nn.Conv2d(6, 6, 1, bias=False), nn.BatchNorm2d(6)))
        self.avgpool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(6, num_classes)

    def stages(self) -> dict[str, list[nn.Module]]:
        """Return the stages, as ``ResNet50.stages`` does."""
        layers = {f"layer{number}": [getattr(self, f"layer{number}")] for number in (1, 2, 3, 4)}
        return {"stem": [self.conv1, self.bn1], **layers, "head": [self.fc]}

    def forward(self, images: Tensor) -> Tensor:
        x = self.bn1(self.conv1(images)).relu()
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x).relu()
        return self.fc(self.avgpool(x).flatten(1))


def transform() -> v2.Compose:
    """Return the transform for validation at 16 pixels."""
    return eval_transform(ENTRY)


def write_photo(path: Path, seed: int, size: tuple[int, int] = (30, 24)) -> None:
    """Write a photo of noise: bright if the seed is odd, else dark, so that classes differ."""
    rng = np.random.default_rng(seed)
    levels = rng.integers(0, 60, (size[1], size[0], 3)) + 150 * (seed % 2)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels.astype(np.uint8)).save(path)


def write_folder(root: Path, *, train: int = 6, val: int = 4, classes: tuple[str, ...] = ("dark", "light")) -> Path:
    """Write train/ and val/ with some photos in each class, and return the folder."""
    for part, count in (("train", train), ("val", val)):
        for label, name in enumerate(classes):
            for i in range(count):
                write_photo(root / part / name / f"{i}.png", seed=100 * (part == "val") + 2 * i + label)
    return root
