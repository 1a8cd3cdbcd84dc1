"""One output of a convolution as the sum of nine products."""

from typing import Any

import ipywidgets as widgets
import numpy as np
import torch
from numpy.typing import ArrayLike

from tlhelpers.byhand import conv2d
from tlhelpers.widgets.drawing import (
    GRAY,
    Page,
    add_border,
    check_gray_image,
    gray_colors,
    panel_scale,
    purple_orange_colors,
    short,
)
from tlhelpers.widgets.explorer import Explorer, limit_position, slider

KERNELS: dict[str, list[float]] = {
    "vertical edges": [-1, 0, 1, -1, 0, 1, -1, 0, 1],
    "horizontal edges": [-1, -1, -1, 0, 0, 0, 1, 1, 1],
    "outlines": [-1, -1, -1, -1, 8, -1, -1, -1, -1],
    "identity": [0, 0, 0, 0, 1, 0, 0, 0, 0],
    "shift to the left": [0, 0, 0, 0, 0, 1, 0, 0, 0],
    "blur": [0.0625, 0.125, 0.0625, 0.125, 0.25, 0.125, 0.0625, 0.125, 0.0625],
    "sharpen": [0, -1, 0, -1, 5, -1, 0, -1, 0],
    "emboss": [-2, -1, 0, -1, 1, 1, 0, 1, 2],
}
OWN = "your own"
OPTIONS = ("stride", "padding", "dilation")


def explore_convolution(image: ArrayLike) -> None:
    """Show a 3x3 convolution of a gray image: choose a kernel or write your own, and move over the outputs.

    Parameters
    ----------
    image : tensor or array
        (H, W), with 3 to 224 rows and columns. A value of 0 is drawn black and 1 white; if larger values occur, the
        largest is drawn white.

    Raises
    ------
    ValueError
        If the image has another shape, or holds NaN or infinity.
    """
    build(image).show()


def build(image: ArrayLike) -> Explorer:
    """Return the explorer of a gray image (H, W)."""
    image = check_gray_image(image, smallest=3)
    choices, weights = _choices(image.shape), _weights(next(iter(KERNELS)))

    def on_change(name: str) -> None:
        if name == "kernel" and choices["kernel"].value != OWN:
            for control, value in zip(weights.values(), KERNELS[choices["kernel"].value], strict=True):
                control.value = value
        if name in weights:
            values = [control.value for control in weights.values()]
            choices["kernel"].value = next((name for name, kernel in KERNELS.items() if kernel == values), OWN)
        if name in OPTIONS:
            limit_position(choices, image.shape, 3, *(choices[option].value for option in OPTIONS))

    def draw_kernel(*, kernel: str, **values: Any) -> tuple[Page, str]:
        numbers = [values.pop(name) for name in weights]
        return draw(image, np.reshape(numbers, (3, 3)), **values)

    table = widgets.VBox([widgets.HBox(list(weights.values())[3 * k : 3 * k + 3]) for k in range(3)])
    kernel, *sliders = choices.values()
    panel = widgets.HBox([widgets.VBox([kernel, table]), widgets.VBox(sliders)], layout={"flex_flow": "row wrap"})
    alt = (
        f"A gray image of {image.shape[0]} by {image.shape[1]} pixels with a framed window of 3 by 3, the nine "
        "products of its pixels with a kernel for vertical edges, and the output image, in which their sum is framed."
    )
    return Explorer(draw_kernel, choices | weights, panel, alt=alt, on_change=on_change)


def _choices(shape: tuple[int, ...]) -> dict[str, widgets.Widget]:
    rows, columns = (size - 2 for size in shape)
    return {
        "kernel": widgets.Dropdown(options=[*KERNELS, OWN], description="kernel"),
        "stride": slider(1, 4, 1, "stride"),
        "padding": slider(0, 3, 0, "padding"),
        "dilation": slider(1, 4, 1, "dilation"),
        "row": slider(0, rows - 1, (rows - 1) // 2, "row"),
        "column": slider(0, columns - 1, (columns - 1) // 2, "column"),
    }


def _weights(name: str) -> dict[str, widgets.FloatText]:
    """Return nine fields with the weights of a kernel."""
    options = {"step": 0.1, "style": {"description_width": "46px"}, "layout": {"width": "118px"}}
    return {
        f"w{k}{l}": widgets.FloatText(KERNELS[name][3 * k + l], description=f"w[{k}, {l}]", **options)
        for k, l in np.ndindex(3, 3)
    }


def draw(
    image: np.ndarray, kernel: np.ndarray, stride: int, padding: int, dilation: int, row: int, column: int
) -> tuple[Page, str]:
    """Draw image, products and output; return the page and a sentence with the products of one output.

    Parameters
    ----------
    image : array
        (H, W).
    kernel : array
        (3, 3).
    stride, padding, dilation : int
    row, column : int
        The position of the output.

    Raises
    ------
    ValueError
        If the kernel does not fit into the image, or holds NaN or infinity.
    """
    if not np.isfinite(kernel).all():
        raise ValueError("kernel holds NaN or infinity; it must hold nine numbers; write others")
    pixels, weight = torch.from_numpy(image)[None, None], torch.from_numpy(kernel).double()[None, None]
    output = conv2d(pixels, weight, stride=stride, padding=padding, dilation=dilation)[0, 0].numpy()
    row, column = min(row, len(output) - 1), min(column, output.shape[1] - 1)
    top, left, size = row * stride, column * stride, 2 * dilation + 1
    padded = np.pad(image, padding)
    window = padded[top : top + size : dilation, left : left + size : dilation]

    page, scale = Page(800, 318), panel_scale(padded.shape)
    _draw_image(page, image, scale, padding, dilation, top, left)
    _draw_products(page, window, kernel)
    _draw_output(page, image, output, kernel, scale, row, column)

    terms = " + ".join(f"{short(x)} × {_signed(w)}" for x, w in zip(window.flat, kernel.flat, strict=True))
    corner = f"row {top - padding}, column {left - padding}"
    where = f"Output at row {row}, column {column}; its window begins at {corner} of the image"
    return page, f"{where}: {terms} = {output[row, column] + 0.0:.3f}."


def _draw_image(page: Page, image: np.ndarray, scale: int, padding: int, dilation: int, top: int, left: int) -> None:
    """Draw the image with its padding, and frame the window, or its nine pixels if they are not neighbors."""
    colors = add_border(gray_colors(image, min(0, image.min()), max(1, image.max())), padding)
    words = f"{image.shape[0]} × {image.shape[1]} pixels" + (f", padding {padding}" if padding else "")
    position = page.panel(8, "image", colors, scale, np.pad(image, padding), words)
    windows = [(top, left, 3, 3)]
    if dilation > 1:
        windows = [(top + k * dilation, left + l * dilation, 1, 1) for k, l in np.ndindex(3, 3)]
    for window in windows:
        page.mark(position, scale, window)


def _draw_products(page: Page, window: np.ndarray, kernel: np.ndarray) -> None:
    products = window * kernel
    colors = purple_orange_colors(products, 1.7 * abs(products).max())
    page.text((400, 8), "pixel × weight", anchor="ma", bold=True)
    for k, l in np.ndindex(3, 3):
        x, y = 268 + 88 * l, 36 + 78 * k
        page.box((x, y), (88, 78), fill=tuple(colors[k, l].tolist()), outline=GRAY)
        page.text((x + 44, y + 18), short(window[k, l].item()), anchor="mm")
        page.text((x + 44, y + 38), f"× {_signed(kernel[k, l].item())}", anchor="mm")
        page.text((x + 44, y + 60), f"= {short(products[k, l].item())}", anchor="mm", bold=True)
    page.text((400, 286), f"sum {products.sum() + 0.0:.3f}", anchor="ma", bold=True)


def _draw_output(
    page: Page, image: np.ndarray, output: np.ndarray, kernel: np.ndarray, scale: int, row: int, column: int
) -> None:
    """Draw the output in shades of gray, and frame one pixel of it."""
    brightness = kernel.sum()
    if brightness > 1e-9:  # a region of one gray becomes this gray times the sum of the kernel
        low, high = min(0, image.min()) * brightness, max(1, image.max()) * brightness
        colors, words = gray_colors(output, low, high), "shades as in the image"
    else:
        limit = np.quantile(abs(output), 0.99)
        colors, words = gray_colors(output, -limit, limit), "gray is 0, white above, black below"
    position = page.panel(552, f"output {output.shape[0]} × {output.shape[1]}", colors, scale, output, words)
    page.mark(position, scale, (row, column, 1, 1))


def _signed(number: float) -> str:
    return f"({short(number)})" if number < 0 else short(number)
