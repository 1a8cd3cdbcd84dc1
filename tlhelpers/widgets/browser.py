"""Images sorted by how wrong the prediction is."""

from collections.abc import Sequence
from functools import cache

import ipywidgets as widgets
import numpy as np
from PIL import Image, ImageOps

from tlhelpers.widgets.drawing import GREEN, RED, Page, fitted
from tlhelpers.widgets.explorer import Explorer, slider

ROWS, COLUMNS, SIDE = 2, 6, 112  # of a page, and the pixels of a thumbnail


def browse_predictions(dataset: Sequence, probabilities, labels, classes: Sequence[str]) -> None:
    """Show images with true and predicted class, those first whose true class got the smallest probability.

    Parameters
    ----------
    dataset : sequence
        N images, or pairs of an image and its label: PIL images, (H, W, 3) arrays, or (3, H, W) tensors with values
        from 0 to 1 (or 0 to 255 for integers).
    probabilities : (N, C) tensor or array
    labels : (N,) tensor or sequence of int
        The true class numbers.
    classes : sequence of str
        C names.

    Raises
    ------
    ValueError
        If their lengths differ, a label is no class number, or a probability is not from 0 to 1.
    """
    build(dataset, probabilities, labels, classes).show()


def build(dataset: Sequence, probabilities, labels, classes: Sequence[str]) -> Explorer:
    """Return the explorer of some predictions."""
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    _check(len(dataset), probabilities, labels, len(classes))
    thumbnails = cache(lambda index: thumbnail(dataset[index]))
    order = by_error(probabilities, labels)
    only_wrong = widgets.Checkbox(False, description="only wrong", indent=False)
    page = slider(1, _pages(len(order)), 1, "page")
    back, forward = (widgets.Button(description=name, layout={"width": "90px"}) for name in ("back", "forward"))

    def chosen(wrong: bool) -> list[int]:
        return [index for index in order if not wrong or probabilities[index].argmax() != labels[index]]

    def settle(changed: str) -> None:
        if changed == "only_wrong":
            page.value, page.max = 1, _pages(len(chosen(only_wrong.value)))

    def drawn(*, only_wrong: bool, page: int) -> tuple[Page, str]:
        return draw(thumbnails, chosen(only_wrong), page, probabilities, labels, classes)

    def turn(by: int) -> None:
        page.value = min(max(page.value + by, 1), page.max)

    back.on_click(lambda _: turn(-1))
    forward.on_click(lambda _: turn(1))
    panel = widgets.HBox([back, page, forward, only_wrong], layout={"flex_flow": "row wrap"})
    alt = (
        f"The first {min(len(order), ROWS * COLUMNS)} of {len(order)} images, the most wrong first, each with its true "
        "class, and the predicted class with its probability."
    )
    return Explorer(drawn, {"only_wrong": only_wrong, "page": page}, panel, alt=alt, settle=settle)


def by_error(probabilities: np.ndarray, labels: np.ndarray) -> list[int]:
    """Return the positions of the images, those first whose true class has the smallest probability."""
    return np.argsort(probabilities[np.arange(len(labels)), labels], kind="stable").tolist()


def thumbnail(item) -> Image.Image:
    """Return an image, or that of a pair with its label, within 112 by 112 pixels on white."""
    image = item[0] if isinstance(item, tuple | list) else item
    if not isinstance(image, Image.Image):
        values = np.asarray(image)
        values = values.transpose(1, 2, 0) if values.ndim == 3 and values.shape[0] == 3 else values
        values = values if values.dtype == np.uint8 else (values.clip(0, 1) * 255).round().astype(np.uint8)
        image = Image.fromarray(values)
    image = image.convert("RGB")
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2)  # quick, and smooth enough
    return ImageOps.pad(image, (SIDE, SIDE), color="white")


def draw(
    thumbnails, chosen: list[int], number: int, probabilities: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> tuple[Page, str]:
    """Draw a page of images, and say what each is and what it was taken for."""
    first = (number - 1) * ROWS * COLUMNS
    page, said = Page(20 + 128 * COLUMNS, 34 + 166 * ROWS), []
    here = chosen[first : first + ROWS * COLUMNS]
    wrong = int((probabilities.argmax(axis=1) != labels).sum())
    head = f"Images {first + 1} to {first + len(here)} of {len(chosen)}" if here else "No image"
    page.text((10, 8), f"{head}, most wrong first; {wrong} of {len(labels)} are wrong", bold=True)
    for place, index in enumerate(here):
        row, column = divmod(place, COLUMNS)
        x, y = 18 + 128 * column, 34 + 166 * row
        guess = int(probabilities[index].argmax())
        right, true = guess == labels[index], classes[labels[index]]
        page.image.paste(thumbnails(index), (x, y))
        page.box((x - 2, y - 2), (SIDE + 4, SIDE + 4), outline=GREEN if right else RED, width=2)
        page.text((x + SIDE // 2, y + 116), fitted(f"true: {true}", 124), anchor="ma")
        words = f"{'✓' if right else '✗'} {fitted(classes[guess], 70)} {probabilities[index, guess]:.2f}"
        page.text((x + SIDE // 2, y + 133), words, anchor="ma", bold=not right)
        how = "rightly" if right else "wrongly"
        said.append(f"{index} is {true}, {how} said to be {classes[guess]} with {probabilities[index, guess]:.2f}")
    return page, f"{head}, most wrong first; {wrong} of {len(labels)} are wrong. {'; '.join(said)}."


def _pages(images: int) -> int:
    return max(1, -(-images // (ROWS * COLUMNS)))


def _check(images: int, probabilities: np.ndarray, labels: np.ndarray, classes: int) -> None:
    if probabilities.ndim != 2 or probabilities.shape[1] != classes:
        raise ValueError(f"probabilities must have shape (N, {classes}), got {probabilities.shape}: one column a class")
    if not images == len(probabilities) == len(labels) or labels.ndim != 1:
        raise ValueError(
            f"there are {images} images, {len(probabilities)} rows of probabilities, and labels of shape "
            f"{labels.shape}: give one of each for every image"
        )
    if not images:
        raise ValueError("there is no image: give one or more")
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all():  # NaN is neither
        raise ValueError("probabilities must be numbers from 0 to 1: take the softmax of scores")
    if labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(f"labels must be class numbers from 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
