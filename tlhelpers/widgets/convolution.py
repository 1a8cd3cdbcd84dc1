"""One output of a convolution, and the nine products that it is the sum of."""

import ipywidgets as widgets
import numpy as np
import torch

from tlhelpers.byhand import conv2d
from tlhelpers.widgets.drawing import Page, checked_image, framed, gray, purple_orange, scale_of, short
from tlhelpers.widgets.explorer import Explorer, lead, slider

KERNELS = {
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


def explore_convolution(image) -> None:
    """Show a 3x3 convolution of a gray image: choose a kernel or write one, and walk over its outputs.

    Parameters
    ----------
    image : (H, W) tensor or array
        3 to 224 rows and columns, with values from 0, black, to 1, white, or to its largest if that is above 1.

    Raises
    ------
    ValueError
        If the image has another shape, or holds what is no number.
    """
    build(image).show()


def build(image) -> Explorer:
    """Return the explorer of a gray image."""
    image = checked_image(image, 3)
    first = next(iter(KERNELS))
    weights = {f"w{k}{l}": _weight(k, l, KERNELS[first][3 * k + l]) for k in range(3) for l in range(3)}
    choices = {
        "kernel": widgets.Dropdown(options=[*KERNELS, OWN], value=first, description="kernel"),
        "stride": slider(1, 4, 1, "stride"),
        "padding": slider(0, 3, 0, "padding"),
        "dilation": slider(1, 4, 1, "dilation"),
        "row": slider(0, image.shape[0] - 3, (image.shape[0] - 3) // 2, "row"),
        "column": slider(0, image.shape[1] - 3, (image.shape[1] - 3) // 2, "column"),
    }

    def settle(changed: str) -> None:
        if changed == "kernel" and choices["kernel"].value != OWN:
            for control, value in zip(weights.values(), KERNELS[choices["kernel"].value], strict=True):
                control.value = value
        if changed in weights:
            kernel = [control.value for control in weights.values()]
            choices["kernel"].value = next((name for name, values in KERNELS.items() if values == kernel), OWN)
        if changed in ("stride", "padding", "dilation"):
            lead(choices, image.shape, 3, *(choices[name].value for name in ("stride", "padding", "dilation")))

    def drawn(*, kernel, stride, padding, dilation, row, column, **numbers):
        return draw(image, np.reshape(list(numbers.values()), (3, 3)), stride, padding, dilation, row, column)

    table = widgets.VBox([widgets.HBox(list(weights.values())[3 * k : 3 * k + 3]) for k in range(3)])
    names = list(choices.values())
    panel = widgets.HBox([widgets.VBox([names[0], table]), widgets.VBox(names[1:])], layout={"flex_flow": "row wrap"})
    alt = (
        f"A grey image of {image.shape[0]} by {image.shape[1]} pixels with a framed window of 3 by 3, the nine "
        "products of its pixels with a kernel for vertical edges, and the output image, in which their sum is framed."
    )
    return Explorer(drawn, choices | weights, panel, alt=alt, settle=settle)


def _weight(k: int, l: int, value: float) -> widgets.FloatText:
    style = {"description_width": "46px"}
    return widgets.FloatText(value, description=f"w[{k}, {l}]", step=0.1, style=style, layout={"width": "118px"})


def draw(
    image: np.ndarray, kernel: np.ndarray, stride: int, padding: int, dilation: int, row: int, column: int
) -> tuple[Page, str]:
    """Draw image, products and output, and say which numbers make the output at (row, column).

    Raises
    ------
    ValueError
        If the kernel does not fit, or holds what is no number.
    """
    if not np.isfinite(kernel).all():
        raise ValueError("the kernel must hold nine numbers, but some are NaN or infinite: write others")
    pixels, weight = torch.from_numpy(image)[None, None], torch.from_numpy(kernel).double()[None, None]
    output = conv2d(pixels, weight, stride=stride, padding=padding, dilation=dilation)[0, 0].numpy()
    row, column = min(row, len(output) - 1), min(column, output.shape[1] - 1)
    top, left, span = row * stride, column * stride, 2 * dilation + 1
    whole = np.pad(image, padding)
    window = whole[top : top + span : dilation, left : left + span : dilation]
    low, high = min(0, image.min()), max(1, image.max())

    page, scale = Page(800, 318), scale_of(whole.shape)
    words = f"{image.shape[0]} × {image.shape[1]} pixels" + (f", padding {padding}" if padding else "")
    place = page.panel(8, "image", framed(gray(image, low, high), padding), scale, whole, words)
    for k, l in np.ndindex(3, 3):
        if dilation > 1:  # only these are met
            page.mark(place, scale, (top + k * dilation, left + l * dilation, 1, 1))
    if dilation == 1:
        page.mark(place, scale, (top, left, 3, 3))
    _draw_products(page, window, kernel)

    total, bright = output[row, column], kernel.sum()
    if bright > 1e-9:  # an even gray becomes the gray times the sum of the kernel
        colors, words = gray(output, low * bright, high * bright), "shades as in the image"
    else:
        limit = np.quantile(abs(output), 0.99)
        colors, words = gray(output, -limit, limit), "grey is 0, white above, black below"
    place = page.panel(552, f"output {output.shape[0]} × {output.shape[1]}", colors, scale, output, words)
    page.mark(place, scale, (row, column, 1, 1))

    terms = " + ".join(f"{short(x)} × {_signed(w)}" for x, w in zip(window.flat, kernel.flat, strict=True))
    corner = f"row {top - padding}, column {left - padding}"
    where = f"Output at row {row}, column {column}; its window begins at {corner} of the image"
    return page, f"{where}: {terms} = {total + 0.0:.3f}."


def _draw_products(page: Page, window: np.ndarray, kernel: np.ndarray) -> None:
    products = window * kernel
    colors = purple_orange(products, 1.7 * abs(products).max())
    page.text((400, 8), "pixel × weight", anchor="ma", bold=True)
    for k, l in np.ndindex(3, 3):
        x, y = 268 + 88 * l, 36 + 78 * k
        page.box((x, y), (88, 78), fill=tuple(colors[k, l].tolist()), outline="#767676")
        page.text((x + 44, y + 18), short(window[k, l]), anchor="mm")
        page.text((x + 44, y + 38), f"× {_signed(kernel[k, l])}", anchor="mm")
        page.text((x + 44, y + 60), f"= {short(products[k, l])}", anchor="mm", bold=True)
    page.text((400, 286), f"sum {products.sum() + 0.0:.3f}", anchor="ma", bold=True)


def _signed(number: float) -> str:
    return f"({short(number)})" if number < 0 else short(number)
