"""EuroSAT: satellite photos of ten kinds of land, in three parts.

``TLHELPERS_EUROSAT`` names a folder with ``train``, ``val`` and ``test``; without it, torchvision downloads the 27,000
photos, and 100, 50 and 150 of each class are taken.

Source: P. Helber et al., "EuroSAT: A Novel Dataset and Deep Learning Benchmark for Land Use and Land Cover
Classification", 2019. The license is MIT; the photos contain modified Copernicus Sentinel data of 2016.
"""

import os
from pathlib import Path

import numpy as np
import torchvision

import tlhelpers as tl
from tlhelpers.photos.datasets import PhotoDataset, Photos

COUNTS = {"train": 100, "val": 50, "test": 150}  # of each class


def eurosat() -> Photos:
    """Return the photos."""
    if named := os.environ.get("TLHELPERS_EUROSAT"):
        return tl.image_folder(named)
    whole = torchvision.datasets.EuroSAT(str(tl.cache_dir() / "photos"), download=True)
    paths, labels = [Path(path) for path, _ in whole.samples], np.array(whole.targets)
    generator, chosen = np.random.default_rng(0), {part: [] for part in COUNTS}
    for label in range(len(whole.classes)):
        order, start = generator.permutation(np.flatnonzero(labels == label)), 0
        for part, count in COUNTS.items():
            chosen[part] += order[start : start + count].tolist()
            start += count
    parts = {part: _part(paths, labels, whole.classes, indices) for part, indices in chosen.items()}
    return Photos(**parts)


def _part(paths: list[Path], labels: np.ndarray, classes: list[str], indices: list[int]) -> PhotoDataset:
    return PhotoDataset([paths[index] for index in indices], labels[indices].tolist(), classes)
