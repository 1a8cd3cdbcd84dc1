"""How do time and memory grow with the photos? python -m benchmarks.scaling

Features of 200 to 20,000 photos, each number in a process of its own, so that its memory can be told. The photos are
those of ants and bees to train with, over and over: read anew every time, as others would be.
"""

import json
import sys
import time

import tlhelpers as tl
from benchmarks import in_own_process, over_and_over, store

WEIGHTS, COUNTS = "he2015", (200, 2000, 20000)


def measure(count: int) -> dict:
    """Extract once; return seconds and megabytes, of which 0.008 a photo are the features themselves."""
    photos = over_and_over(tl.ants_and_bees("photos").train, count)
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
    """Measure every number and store it."""
    runs = []
    for count in COUNTS:
        runs.append(in_own_process("benchmarks.scaling", count))
        store("scaling", {"settings": {"weights": WEIGHTS}, "runs": runs})
        print(runs[-1], flush=True)


if __name__ == "__main__":
    if "--run" in sys.argv:
        print(json.dumps(measure(json.loads(sys.argv[-1]))))
    else:
        main()
