"""One output of pooling, and the window that it is computed from."""

from collections.abc import Callable

import ipywidgets as widgets
import numpy as np
import torch
from numpy.typing import ArrayLike

from tlhelpers.byhand import max_pool2d, mean_pool2d
from tlhelpers.widgets.drawing import SIDE, Page, add_border, check_gray_image, gray_colors, panel_scale, short
from tlhelpers.widgets.explorer import Explorer, limit_position, slider

POOLINGS: dict[str, Callable[..., torch.Tensor]] = {"max": max_pool2d, "mean": mean_pool2d}


def explore_pooling(image: ArrayLike) -> None:
    """Show max and mean pooling of a gray image, and which pixels one output is computed from.

    Parameters
    ----------
    image : tensor or array
        (H, W), with 2 to 224 rows and columns. A value of 0 is drawn black and 1 white; if larger values occur, the
        largest is drawn white.

    Raises
    ------
    ValueError
        If the image has another shape, or holds NaN or infinity.
    """
    build(image).show()


def build(image: ArrayLike) -> Explorer:
    """Return the explorer of a gray image (H, W)."""
    image = check_gray_image(image, smallest=2)
    rows, columns = (size // 2 for size in image.shape)
    controls = {
        "kind": widgets.ToggleButtons(options=list(POOLINGS), description="pooling"),
        "kernel": slider(1, 16, 2, "window"),
        "stride": slider(1, 16, 2, "stride"),
        "padding": slider(0, 8, 0, "padding"),
        "row": slider(0, rows - 1, (rows - 1) // 2, "row"),
        "column": slider(0, columns - 1, (columns - 1) // 2, "column"),
    }

    def on_change(name: str) -> None:
        if name == "kernel":  # windows side by side are usual
            controls["stride"].value = controls["kernel"].value
        limit_position(controls, image.shape, *(controls[option].value for option in ("kernel", "stride", "padding")))

    parts = list(controls.values())
    panel = widgets.HBox([widgets.VBox(parts[:4]), widgets.VBox(parts[4:])], layout={"flex_flow": "row wrap"})
    alt = (
        f"A gray image of {image.shape[0]} by {image.shape[1]} pixels with a framed window of 2 by 2, its four "
        "numbers, and the image after max pooling, half as high and wide, in which the largest of them is framed."
    )
    return Explorer(lambda **state: draw(image, **state), controls, panel, alt=alt, on_change=on_change)


def draw(
    image: np.ndarray, kind: str, kernel: int, stride: int, padding: int, row: int, column: int
) -> tuple[Page, str]:
    """Draw image, window and output; return the page and a sentence with the numbers that give one output.

    Parameters
    ----------
    image : array
        (H, W).
    kind : str
        "max" or "mean".
    kernel, stride, padding : int
    row, column : int
        The position of the output.

    Raises
    ------
    ValueError
        If the window does not fit into the image, or the padding is wider than half the window.
    """
    pixels = torch.from_numpy(image)[None, None]
    output = POOLINGS[kind](pixels, kernel, stride=stride, padding=padding)[0, 0].numpy()
    row, column = min(row, len(output) - 1), min(column, output.shape[1] - 1)
    top, left = row * stride, column * stride
    padded = np.pad(image, padding, constant_values=-np.inf if kind == "max" else 0.0)
    here = np.s_[top : top + kernel, left : left + kernel]
    low, high = min(0, image.min()), max(1, image.max())
    colors = add_border(gray_colors(image, low, high), padding)

    page, scale = Page(800, 318), panel_scale(padded.shape)
    words = f"{image.shape[0]} × {image.shape[1]} pixels" + (f", padding {padding}" if padding else "")
    page.mark(page.panel(8, "image", colors, scale, padded, words), scale, (top, left, kernel, kernel))
    _draw_window(page, kind, padded[here], colors[here], output[row, column])
    title, shades = f"output {output.shape[0]} × {output.shape[1]}", gray_colors(output, low, high)
    page.mark(page.panel(552, title, shades, scale, output, "on the same scale"), scale, (row, column, 1, 1))
    return page, _sentence(padded[here], kind, output[row, column], (row, column), (top - padding, left - padding))


def _draw_window(page: Page, kind: str, window: np.ndarray, colors: np.ndarray, value: float) -> None:
    """Draw the numbers of a window (K, K), frame the largest if it is the output, and write the output below."""
    kernel = len(window)
    scale = SIDE // kernel
    position = 400 - kernel * scale // 2, 36
    page.text((400, 8), f"the window, {kernel} × {kernel}", anchor="ma", bold=True)
    page.squares(position, colors, scale, window)
    summary = f"sum {window.sum():.3f} / {kernel * kernel} = {value:.3f}"
    if kind == "max":
        row, column = divmod(int(window.argmax()), kernel)
        page.mark(position, scale, (row, column, 1, 1))
        summary = f"largest {value:.3f}"
    page.text((400, 286), summary, anchor="ma", bold=True)


def _sentence(window: np.ndarray, kind: str, value: float, position: tuple[int, int], corner: tuple[int, int]) -> str:
    numbers = f"{window.size} numbers" if window.size > 36 else ", ".join(short(number) for number in window.flat)
    return (
        f"Output at row {position[0]}, column {position[1]}; its window begins at row {corner[0]}, column {corner[1]} "
        f"of the image: the {'largest' if kind == 'max' else 'mean'} of {numbers} is {value:.3f}."
    )
