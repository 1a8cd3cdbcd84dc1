"""Images sorted by how wrong their predictions are."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import ipywidgets as widgets
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageOps

from tlhelpers import fonts, names
from tlhelpers.arguments import check_table
from tlhelpers.pictures import check_images, to_pil
from tlhelpers.widgets.drawing import BOLD, GREEN, RED, TEXT, Page
from tlhelpers.widgets.explorer import Explorer, slider

ROWS, COLUMNS = 2, 6  # of images on a page
SIDE = 112  # height and width of a thumbnail in pixels


class ClassName(NamedTuple):
    """The name of a class: whole, and as it is drawn where there is more and less room."""

    whole: str
    long: str
    short: str


def browse_predictions(dataset: Sequence, probabilities: ArrayLike, labels: ArrayLike, classes: Sequence[str]) -> None:
    """Show images with their true and predicted classes, the most wrong first.

    The most wrong image is the one whose true class got the smallest probability.

    Parameters
    ----------
    dataset : sequence
        N images, or pairs of an image and its label. An image is a PIL image, an (H, W, 3) array, or a (3, H, W) tensor
        with values from 0 to 1 (or 0 to 255 for integers).
    probabilities : tensor or array
        (N, C), from 0 to 1.
    labels : tensor or sequence of int
        (N,), the true class numbers.
    classes : sequence of str
        The names of the C classes.

    Raises
    ------
    ValueError
        If the lengths differ, a label is not a class number, or a probability is not from 0 to 1.
    """
    build(dataset, probabilities, labels, classes).show()


def build(dataset: Sequence, probabilities: ArrayLike, labels: ArrayLike, classes: Sequence[str]) -> Explorer:
    """Return the explorer of some predictions."""
    check_images(dataset)
    probabilities, labels = check_table("probabilities", probabilities), np.asarray(labels)
    _check(len(dataset), probabilities, labels, len(classes))
    named = class_names(classes)
    thumbnails = cache(lambda index: thumbnail(dataset[index]))
    order = by_error(probabilities, labels)
    wrong = [index for index in order if probabilities[index].argmax() != labels[index]]
    only_wrong = widgets.Checkbox(False, description="only wrong", indent=False)
    page = slider(1, _pages(len(order)), 1, "page")

    def on_change(name: str) -> None:
        if name == "only_wrong":
            page.value, page.max = 1, _pages(len(wrong if only_wrong.value else order))

    def draw_page(*, only_wrong: bool, page: int) -> tuple[Page, str]:
        return draw(thumbnails, wrong if only_wrong else order, page, probabilities, labels, named)

    panel = widgets.HBox(
        [_button("back", page, -1), page, _button("forward", page, 1), only_wrong], layout={"flex_flow": "row wrap"}
    )
    alt = (
        f"The first {min(len(order), ROWS * COLUMNS)} of {len(order)} images, the most wrong first, each with its true "
        "class, and the predicted class with its probability."
    )
    return Explorer(draw_page, {"only_wrong": only_wrong, "page": page}, panel, alt=alt, on_change=on_change)


def class_names(classes: Sequence[str]) -> list[ClassName]:
    """Return the names of the classes for the sentence and for the two lines below an image."""
    whole = [names.tidy(name) for name in classes]
    forms = whole, names.distinct(classes, 88, TEXT), names.distinct(classes, 70, TEXT)
    return [ClassName(*map(names.isolated, form)) for form in zip(*forms, strict=True)]


def _button(name: str, page: widgets.IntSlider, step: int) -> widgets.Button:
    """Return a button that turns the page, as far as there are pages."""
    button = widgets.Button(description=name, layout={"width": "90px"})

    def turn(_: widgets.Button) -> None:
        page.value = min(max(page.value + step, 1), page.max)

    button.on_click(turn)
    return button


def by_error(probabilities: np.ndarray, labels: np.ndarray) -> list[int]:
    """Return the positions of the images, sorted by the probability of the true class, the smallest first."""
    return np.argsort(probabilities[np.arange(len(labels)), labels], kind="stable").tolist()


def thumbnail(item: Any) -> Image.Image:
    """Return an image, or the image of a pair with its label, within 112 by 112 pixels on white."""
    image = to_pil(item[0] if isinstance(item, tuple | list) else item)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2)  # fast, and smooth enough
    return ImageOps.pad(image, (SIDE, SIDE), color="white")


def draw(
    thumbnails: Callable[[int], Image.Image],
    chosen: list[int],
    number: int,
    probabilities: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[ClassName],
) -> tuple[Page, str]:
    """Draw one page of the chosen images; return it and a sentence with the true and predicted class of each.

    Parameters
    ----------
    thumbnails : callable
        Returns the thumbnail of the image at a position of the dataset.
    chosen : list of int
        Positions of images, the most wrong first.
    number : int
        The page, counted from 1.
    probabilities, labels
        As for ``browse_predictions``.
    classes : sequence of ClassName
    """
    first = (number - 1) * ROWS * COLUMNS
    here = chosen[first : first + ROWS * COLUMNS]
    wrong = int((probabilities.argmax(axis=1) != labels).sum())
    head = f"Images {first + 1} to {first + len(here)} of {len(chosen)}" if here else "No image"
    head = f"{head}, most wrong first; {wrong} of {len(labels)} are wrong"
    page, descriptions = Page(20 + 128 * COLUMNS, 34 + 166 * ROWS), []
    page.text((10, 8), head, bold=True)
    for place, index in enumerate(here):
        row, column = divmod(place, COLUMNS)
        guess = int(probabilities[index].argmax())
        p, right = probabilities[index, guess], guess == labels[index]
        true, predicted = classes[labels[index]], classes[guess]
        drawn = true.long, predicted.short
        _draw_image(page, (18 + 128 * column, 34 + 166 * row), thumbnails(index), drawn, p, right)
        how = "rightly" if right else "wrongly"
        descriptions.append(f"{index} is {true.whole}, {how} predicted as {predicted.whole} with {p:.2f}")
    return page, f"{head}. {'; '.join(descriptions)}."


def _draw_image(
    page: Page, position: tuple[int, int], image: Image.Image, drawn: tuple[str, str], probability: float, right: bool
) -> None:
    """Draw a thumbnail in a green or red frame, with the names of the true and the predicted class below."""
    x, y = position
    true, predicted = drawn
    page.image.paste(image, (x, y))
    page.box((x - 2, y - 2), (SIDE + 4, SIDE + 4), outline=GREEN if right else RED, width=2)
    page.text((x + SIDE // 2, y + 116), f"true: {true}", anchor="ma")
    words = f"{'✓' if right else '✗'} {predicted} {probability:.2f}"
    fits = fonts.width(words, BOLD, bold=True) <= 124  # between those of the neighbors
    page.text((x + SIDE // 2, y + 133), words, anchor="ma", bold=fits and not right)


def _pages(images: int) -> int:
    return max(1, -(-images // (ROWS * COLUMNS)))


def _check(images: int, probabilities: np.ndarray, labels: np.ndarray, classes: int) -> None:
    if probabilities.shape[1] != classes:
        raise ValueError(
            f"probabilities has shape {probabilities.shape}; it must be (N, {classes}), a column per class"
        )
    if not images == len(probabilities) == len(labels) or labels.ndim != 1:
        raise ValueError(
            f"dataset has {images} images, probabilities {len(probabilities)} rows, and labels shape {labels.shape}; "
            "there must be one of each for every image"
        )
    if not images:
        raise ValueError("dataset is empty; it must hold an image or more")
    if not ((probabilities >= 0) & (probabilities <= 1 + 1e-6)).all():  # NaN is neither
        raise ValueError("probabilities holds other numbers than those from 0 to 1; take the softmax of the logits")
    if labels.dtype.kind not in "iu" or not 0 <= labels.min() <= labels.max() < classes:
        raise ValueError(
            f"labels goes from {labels.min()} to {labels.max()}; it must hold integers from 0 to {classes - 1}"
        )
