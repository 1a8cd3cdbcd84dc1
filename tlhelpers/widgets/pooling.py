"""One output of a pooling, and the window that it stands for."""

import ipywidgets as widgets
import numpy as np
import torch

from tlhelpers.byhand import max_pool2d, mean_pool2d
from tlhelpers.widgets.drawing import SIDE, Page, checked_image, framed, gray, scale_of, short
from tlhelpers.widgets.explorer import Explorer, lead, slider

POOLINGS = {"max": max_pool2d, "mean": mean_pool2d}


def explore_pooling(image) -> None:
    """Show what max and mean pooling make of a gray image, and which pixels one output stands for.

    Parameters
    ----------
    image : (H, W) tensor or array
        2 to 224 rows and columns, with values from 0, black, to 1, white, or to its largest if that is above 1.

    Raises
    ------
    ValueError
        If the image has another shape, or holds what is no number.
    """
    build(image).show()


def build(image) -> Explorer:
    """Return the explorer of a gray image."""
    image = checked_image(image, 2)
    rows, columns = (size // 2 for size in image.shape)
    controls = {
        "kind": widgets.ToggleButtons(options=list(POOLINGS), description="pooling"),
        "kernel": slider(1, 16, 2, "window"),
        "stride": slider(1, 16, 2, "stride"),
        "padding": slider(0, 8, 0, "padding"),
        "row": slider(0, rows - 1, (rows - 1) // 2, "row"),
        "column": slider(0, columns - 1, (columns - 1) // 2, "column"),
    }

    def settle(changed: str) -> None:
        if changed == "kernel":  # windows side by side, as is usual
            controls["stride"].value = controls["kernel"].value
        lead(controls, image.shape, *(controls[name].value for name in ("kernel", "stride", "padding")))

    parts = list(controls.values())
    panel = widgets.HBox([widgets.VBox(parts[:4]), widgets.VBox(parts[4:])], layout={"flex_flow": "row wrap"})
    alt = (
        f"A grey image of {image.shape[0]} by {image.shape[1]} pixels with a framed window of 2 by 2, its four "
        "numbers, and the image after max pooling, half as high and wide, in which the largest of them is framed."
    )
    return Explorer(lambda **state: draw(image, **state), controls, panel, alt=alt, settle=settle)


def draw(
    image: np.ndarray, kind: str, kernel: int, stride: int, padding: int, row: int, column: int
) -> tuple[Page, str]:
    """Draw image, window and output, and say which numbers the output at (row, column) stands for.

    Raises
    ------
    ValueError
        If the window does not fit, or the padding is too wide for it.
    """
    pixels = torch.from_numpy(image)[None, None]
    output = POOLINGS[kind](pixels, kernel, stride=stride, padding=padding)[0, 0].numpy()
    row, column = min(row, len(output) - 1), min(column, output.shape[1] - 1)
    top, left = row * stride, column * stride
    whole = np.pad(image, padding, constant_values=-np.inf if kind == "max" else 0.0)
    colors = framed(gray(image, min(0, image.min()), max(1, image.max())), padding)
    here = np.s_[top : top + kernel, left : left + kernel]
    window, value = whole[here], output[row, column]

    page, scale = Page(800, 318), scale_of(whole.shape)
    words = f"{image.shape[0]} × {image.shape[1]} pixels" + (f", padding {padding}" if padding else "")
    place = page.panel(8, "image", colors, scale, whole, words)
    page.mark(place, scale, (top, left, kernel, kernel))

    large = SIDE // kernel
    page.text((400, 8), f"the window, {kernel} × {kernel}", anchor="ma", bold=True)
    page.pixels((400 - kernel * large // 2, 36), colors[here], large, window)
    if kind == "max":
        page.mark((400 - kernel * large // 2, 36), large, (*np.unravel_index(window.argmax(), window.shape), 1, 1))
    summary = f"largest {value:.3f}" if kind == "max" else f"sum {window.sum():.3f} / {kernel * kernel} = {value:.3f}"
    page.text((400, 286), summary, anchor="ma", bold=True)

    shades = gray(output, min(0, image.min()), max(1, image.max()))
    place = page.panel(552, f"output {output.shape[0]} × {output.shape[1]}", shades, scale, output, "on the same scale")
    page.mark(place, scale, (row, column, 1, 1))
    return page, _sentence(window, kind, value, (row, column), (top - padding, left - padding))


def _sentence(window: np.ndarray, kind: str, value: float, place, corner) -> str:
    where = f"Output at row {place[0]}, column {place[1]}; its window begins at row {corner[0]}, column {corner[1]}"
    numbers = ", ".join(short(number) for number in window.flat)
    seen = f"{window.size} numbers" if window.size > 36 else numbers
    return f"{where} of the image: the {'largest' if kind == 'max' else 'mean'} of {seen} is {value:.3f}."
