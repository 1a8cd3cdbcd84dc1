"""What every test of features starts with: an empty cache, float32 on the CPU, and some photos of noise."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from PIL import Image

import tlhelpers as tl
from tests.features.networks import TRANSFORM
from tlhelpers.photos.datasets import PhotoDataset


@pytest.fixture(autouse=True)
def own_cache_and_full_precision(tmp_path, monkeypatch):
    """Each test has an empty cache, and computes on the CPU in float32 whatever the machine has."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    for module in ("features.extraction", "training.loop"):
        monkeypatch.setattr(f"tlhelpers.{module}.pick_device", lambda: torch.device("cpu"))
        monkeypatch.setattr(f"tlhelpers.{module}.autocast", lambda device: nullcontext())
    monkeypatch.setattr("tlhelpers.network.frozen.pick_device", lambda: torch.device("cpu"))
    monkeypatch.setattr("tlhelpers.network.frozen.pick_dtype", lambda device: torch.float32)


@pytest.fixture
def dataset(tmp_path):
    """Seven photos of noise, of two classes."""
    generator, paths = np.random.default_rng(0), []
    for index in range(7):
        paths.append(tmp_path / f"{index}.png")
        Image.fromarray(generator.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(paths[-1])
    return PhotoDataset(paths, [0, 1, 1, 0, 1, 0, 0], ["ants", "bees"])


@pytest.fixture
def loader(dataset):
    return tl.make_loader(dataset, TRANSFORM, batch_size=3)
