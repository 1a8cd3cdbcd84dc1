"""Measure the time from a changed control to the new picture: ``python -m benchmarks.widgets``.

A control of each explorer is moved ten times, on an image of 224 by 224 pixels where there is one; the median counts. A
picture is finished when its PNG is made; the way to the browser is not included. The browser of predictions gets new
photos on every page. The processor time is stored as well; both are alike on a machine that does nothing else.
"""

import statistics
import time
from collections.abc import Sequence

import numpy as np
import torch
from skimage.data import chelsea

import tlhelpers as tl
from benchmarks import store
from tlhelpers.widgets import browser, convolution, descent, freezing, pooling, softmax
from tlhelpers.widgets.explorer import Explorer

UPDATES = 10


def update(explorer: Explorer, name: str, values: Sequence) -> dict[str, float]:
    """Return the median times of an update: a control gets its next value, and the picture is drawn."""
    found = []
    for value in values:
        before, start = explorer.picture.value, (time.perf_counter(), time.process_time())
        explorer.controls[name].value = value
        found.append((time.perf_counter() - start[0], time.process_time() - start[1]))
        assert explorer.picture.value != before, f"{name} = {value} changed nothing"
    clock, processor = (round(1000 * statistics.median(times), 1) for times in zip(*found, strict=True))
    return {"milliseconds": clock, "processor_milliseconds": processor}


def pages() -> Explorer:
    """Return a browser with enough photos for all updates, each of 224 by 224 pixels."""
    photo, count = chelsea()[30:254, 100:324], (UPDATES + 1) * browser.ROWS * browser.COLUMNS
    photos = [np.roll(photo, 5 * shift, axis=1) for shift in range(count)]
    return browser.build(photos, torch.rand(count, 2).softmax(dim=1), torch.randint(2, (count,)), ["ants", "bees"])


def main() -> None:
    """Measure everything, store it and print it."""
    tl.set_seed(0)
    gray = torch.tensor(chelsea()[30:254, 100:324].mean(axis=2) / 255)
    start = time.perf_counter()
    frozen = freezing.build(tl.ResNet50())
    seconds = round(time.perf_counter() - start, 1)
    turns = range(1, UPDATES + 1)
    found = {
        "explore_convolution, row": update(convolution.build(gray), "row", turns),
        "explore_convolution, weight": update(convolution.build(gray), "w11", [n / 10 for n in turns]),
        "explore_pooling, row": update(pooling.build(gray), "row", turns),
        "explore_softmax, temperature": update(
            softmax.build([2.0, 1.0, 0.0], ["ants", "bees", "wasps"]), "temperature", [1 + n / 10 for n in turns]
        ),
        "explore_descent, steps": update(descent.build(), "steps", [90 + n for n in turns]),
        "explore_freezing, a stage": update(frozen, "layer3", [n % 2 == 1 for n in turns]),
        "browse_predictions, page": update(pages(), "page", [1 + n for n in turns]),
    }
    settings = {"updates": UPDATES, "pixels": len(gray), "threads": torch.get_num_threads()}
    store("widgets", {"settings": settings, "updates": found, "seconds_to_measure_a_model": seconds})
    for name, times in found.items():
        print(f"{name}: {times['milliseconds']} ms an update, {times['processor_milliseconds']} of the processor's")
    print(f"explore_freezing measured its model in {seconds} s")


if __name__ == "__main__":
    main()
