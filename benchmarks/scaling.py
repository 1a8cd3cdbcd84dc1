"""Measure how time and memory grow with the number of photos: ``python -m benchmarks.scaling``.

The features of 200 to 20,000 photos are extracted, each number in a process of its own, so that its memory can be
measured. The photos are the training photos of ants and bees, repeated, and read from disk each time as others would
be.
"""

import time

import tlhelpers as tl
from benchmarks import in_own_process, over_and_over, store

WEIGHTS, COUNTS = "he2015", (200, 2000, 20000)


def measure(count: int) -> dict:
    """Extract once; return seconds and megabytes. The features alone take 0.008 MB per photo."""
    photos = over_and_over(tl.ants_and_bees().train, count)
    model = tl.load_resnet50(WEIGHTS)
    loader = tl.make_loader(photos, tl.eval_transform(model.weights))
    start = time.perf_counter()
    features, _ = tl.extract_features(model, loader)
    seconds = time.perf_counter() - start
    return {
        "photos": len(features),
        "seconds": round(seconds, 1),
        "images_per_second": round(count / seconds, 1),
        "megabytes": round(tl.peak_memory()),
        "megabytes_of_features": round(features.nbytes / 1e6),
    }


def main() -> None:
    """Measure each number of photos and store the results."""
    runs = []
    for count in COUNTS:
        runs.append(in_own_process(measure, count))
        store("scaling", {"settings": {"weights": WEIGHTS}, "runs": runs})
        print(runs[-1], flush=True)


if __name__ == "__main__":
    main()
