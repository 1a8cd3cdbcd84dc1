"""Check that the drawn photos teach the same as real ones: ``python -m benchmarks.drawn``.

As with real photos, frozen features of a ResNet-50 must do well and a ResNet-50 from scratch must not. Colors alone, or
the background alone, must tell nothing.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tlhelpers as tl
from benchmarks import store
from benchmarks.scratch import measure_rates
from tlhelpers.photos.datasets import Photos
from tlhelpers.photos.drawn import COUNTS, draw_scene, drawn_folder, photo_rng

SEEDS = (0, 1)


def probe(photos: Photos) -> float:
    """Return the accuracy of logistic regression on features of a frozen ResNet-50."""
    model = tl.load_resnet50("he2015")
    transform = tl.eval_transform(model.weights)
    train, train_labels = tl.extract_features(model, tl.make_loader(photos.train, transform))  # (244, 2048)
    val, val_labels = tl.extract_features(model, tl.make_loader(photos.val, transform))  # (153, 2048)
    return LogisticRegression(C=0.1, max_iter=5000).fit(train, train_labels).score(val, val_labels)


def histograms(photos: Photos) -> dict[str, float]:
    """Return the accuracies of two classifiers that get the histogram of 8x8x8 colors only."""
    parts = [np.stack([_histogram(image) for image, _ in part]) for part in (photos.train, photos.val)]  # (N, 512)
    classifiers = {
        "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=5000)),
        "random forest of 500 trees": RandomForestClassifier(500, random_state=0),
    }
    return {
        name: classifier.fit(parts[0], photos.train.labels).score(parts[1], photos.val.labels)
        for name, classifier in classifiers.items()
    }


def _histogram(image: Image.Image) -> np.ndarray:
    colors = np.asarray(image, dtype=np.int64) // 32 @ (64, 8, 1)  # (H, W): the number of each pixel's color
    return np.bincount(colors.ravel(), minlength=512) / colors.size  # (512,)


def grounds(folder: Path, seed: int) -> Photos:
    """Write the same photos without the insects and return them."""
    for part, kind, number in _photos():
        path = folder / part / kind / f"{number:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        draw_scene(photo_rng(seed, part, kind, number)).save(path, quality=85)
    return tl.image_folder(folder)


def _photos() -> Iterator[tuple[str, str, int]]:
    for part, counts in COUNTS.items():
        for kind, count in counts.items():
            yield from ((part, kind, number) for number in range(count))


def measure(photos: Photos, ground: Photos) -> dict:
    """Return all accuracies except that of the network from scratch, which takes minutes."""
    return {
        "probe": probe(photos),
        "color_histogram": histograms(photos),
        "ground_only": {"probe": probe(ground), **histograms(ground)},
    }


def main() -> None:
    """Measure two seeds of the drawing (from scratch only the first) and store the result."""
    result = {"validation_photos": 153, "probe": "he2015, avgpool, 224 pixels; LogisticRegression(C=0.1)"}
    with tempfile.TemporaryDirectory() as temporary:
        for seed in SEEDS:
            folder = Path(temporary) / str(seed)
            start = time.process_time()
            photos = tl.image_folder(drawn_folder(folder / "drawn", seed=seed))
            seconds = time.process_time() - start
            result[f"seed {seed}"] = measure(photos, grounds(folder / "ground", seed)) | {
                "drawing_seconds_of_processor": round(seconds, 1),
                "megabytes": sum(path.stat().st_size for path in photos.train.paths + photos.val.paths) / 1e6,
            }
            print(json.dumps(result, indent=2))
        photos = tl.image_folder(Path(temporary) / str(SEEDS[0]) / "drawn")
        result["from_scratch"] = {"drawing_seed": SEEDS[0], "runs": measure_rates(photos, seeds=SEEDS[:1])}
    store("drawn", result)


if __name__ == "__main__":
    main()
