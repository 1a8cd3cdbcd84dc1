"""Figures: images, curves, tables of numbers and bars.

Each function draws on the Axes ``ax``, or on a new figure if none is given, and returns the Axes. All need arrays only,
no models.
"""

import base64
import io
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import ImageOps

from tlhelpers import fonts, names
from tlhelpers.arguments import MAKE_IT, check_classes, check_kind, check_table, shown
from tlhelpers.byhand.arguments import require
from tlhelpers.pictures import check_images, to_pil

# Okabe and Ito's colors, as in figures.mplstyle: color-blind readers can tell them apart. Some look alike when printed
# in gray, so a line style, a marker, a hatch or words go with them.
COLORS = ("#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#000000", "#CC79A7")
MARKERS = "os^DvPX"
DPI = 80  # dots per inch
TILE = 112  # height and width of an image of show_images, in pixels


def show(alt: str, figure: Figure | None = None) -> None:
    """Display a figure with its alternative text and close it.

    Parameters
    ----------
    alt : str
        What the figure shows, in one or two sentences, for readers who cannot see it. Screen readers read it aloud.
    figure : Figure, optional
        By default the current figure of pyplot.
    """
    check_kind("alt", alt, str, "be a text", "say in one or two sentences what the figure shows")
    figure = figure or plt.gcf()
    fonts.fit(figure)
    alt += names.in_full(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight")
    plt.close(figure)
    png = base64.b64encode(buffer.getvalue()).decode()
    display({"image/png": png, "text/plain": f"Figure: {alt}"}, metadata={"image/png": {"alt": alt}}, raw=True)


def show_images(
    images: Sequence,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 6,
    size: float = 1.4,
    ax: Axes | None = None,
) -> Axes:
    """Draw a grid of images on one Axes, each with its title below.

    Parameters
    ----------
    images : sequence
        PIL images, (H, W, 3) arrays, or (3, H, W) tensors with values from 0 to 1 (or 0 to 255 for integers).
        Each is scaled to fit into a square of 112 by 112 pixels.
    titles : sequence of str, optional
        One for each image, mostly of one line. A line that is wider than its image is shortened.
    columns : int
        The number of images in a row.
    size : float
        Height and width of an image in inches, if a new figure is made.
    """
    check_images(images)
    tiles = [np.asarray(ImageOps.pad(to_pil(image), (TILE, TILE), color="white")) for image in images]
    rows = -(-len(tiles) // columns)
    columns = min(columns, len(tiles))
    fits = titles is None or len(titles) == len(tiles)
    require(fits, "titles", f"{len(titles or ())} texts", f"be one for each of {len(tiles)} images", "give as many")
    if ax is None:
        _, ax = plt.subplots(figsize=(size * columns, (size + 0.25) * rows))
    words = names.captions(ax, titles, names.tile_width(ax, rows, columns), size=8) if titles is not None else []
    for index, tile in enumerate(tiles):
        row, column = divmod(index, columns)
        left, top = column * 1.06, row * 1.22
        ax.imshow(tile, extent=(left, left + 1, top + 1, top))
        if titles is not None:
            ax.text(left + 0.5, top + 1.03, words[index], ha="center", va="top", fontsize=8)
    ax.set(xlim=(-0.02, columns * 1.06), ylim=(rows * 1.22, -0.02), aspect="equal")
    ax.axis("off")
    return fonts.fitted(ax)


def plot_history(history: Sequence, *, ax: Axes | None = None) -> Axes:
    """Draw training and validation accuracy in percent against the number of the epoch.

    Parameters
    ----------
    history : sequence of EpochResult
        The result of ``fit``.
    """
    listed = isinstance(history, Sequence) and all(hasattr(each, "val_accuracy") for each in history)
    require(listed, "history", shown(history), "be a list of the results of epochs", MAKE_IT)
    ax = ax or plt.subplots(figsize=(5, 3))[1]
    epochs = [result.epoch for result in history]
    for name, color, style in (("train_accuracy", COLORS[0], "o-"), ("val_accuracy", COLORS[1], "s--")):
        label = "training" if name.startswith("train") else "validation"
        ax.plot(epochs, [100 * getattr(r, name) for r in history], style, color=color, label=label)
    ax.set(title="Accuracy by epoch", xlabel="epoch", ylabel="accuracy (%)", xticks=epochs)
    ax.legend()
    return ax


def plot_confusion(
    labels: ArrayLike, predictions: ArrayLike, classes: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """Draw a confusion matrix: how many photos of each true class (row) got each predicted class (column).

    Parameters
    ----------
    labels, predictions : array
        (N,), the true and the predicted class numbers.
    classes : sequence of str
        The names of the C classes.
    """
    from sklearn.metrics import ConfusionMatrixDisplay

    check_classes(classes, labels=labels, predictions=predictions)
    side = min(max(3.2, 0.4 * len(classes)), 24)  # more than 60 classes have smaller letters
    ax = ax or plt.subplots(figsize=(side, side))[1]
    words, numbers = names.labels(ax, classes), range(len(classes))
    drawn = ConfusionMatrixDisplay.from_predictions(
        labels, predictions, labels=numbers, display_labels=words, cmap="Blues", colorbar=False, ax=ax
    )
    names.write_at_ticks(ax, words, drawn.text_.ravel())
    ax.set(title="Photos by true and predicted class", xlabel="predicted class", ylabel="true class")
    return fonts.fitted(ax)


def plot_features(points: ArrayLike, labels: ArrayLike, classes: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Draw points in a plane, with a color and a marker for each class.

    Parameters
    ----------
    points : array
        (N, 2), the coordinates of N features along two axes, such as the first two principal components.
    labels : array
        (N,), the class numbers.
    classes : sequence of str
        The names of the classes.
    """
    check_classes(classes, labels=labels)
    labels = np.asarray(labels)
    points = check_table("points", points, 2, len(labels))
    ax = ax or plt.subplots(figsize=(5, 4))[1]
    words = names.labels(ax, classes)
    for index, name in enumerate(words):
        chosen = points[labels == index]
        marker = MARKERS[(index + index // 7) % 7]  # another one when the colors begin again
        ax.scatter(chosen[:, 0], chosen[:, 1], s=18, color=COLORS[index % 7], marker=marker, alpha=0.7, label=name)
    ax.set(title="Features in the plane", xlabel="first axis", ylabel="second axis")
    names.legend(ax, words)
    return fonts.fitted(ax)


def plot_numbers(
    values: ArrayLike, *, title: str = "", window: tuple[int, int, int, int] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a small matrix as colored squares with the numbers in them, and a frame around a part of it.

    Parameters
    ----------
    values : array or tensor
        (H, W). Positive numbers are drawn purple, negative numbers orange, zero white.
    title : str
    window : tuple, optional
        The part to frame: (top, left, height, width), counted in squares.
    """
    values = check_table("values", values)
    height, width = values.shape
    ax = ax or plt.subplots(figsize=(0.5 * width + 0.6, 0.5 * height + 0.6))[1]
    limit = 1.7 * max(abs(values).max(), 1e-12)  # so that the colors behind the numbers stay pale
    ax.imshow(values, cmap="PuOr", vmin=-limit, vmax=limit)
    for row, column in np.ndindex(height, width):
        ax.text(column, row, f"{values[row, column] + 0.0:.3g}", ha="center", va="center")
    if window is not None:
        top, left, rows, columns = window
        corner = (left - 0.5, top - 0.5)  # the center of a square is its index
        ax.add_patch(plt.Rectangle(corner, columns, rows, fill=False, lw=3, color=COLORS[4], clip_on=False))
    ax.set(title=title, xlabel="column", ylabel="row", xticks=range(width), yticks=range(height))
    return ax


def plot_roofline(points: ArrayLike, peaks: dict[str, float], bandwidth: float, *, ax: Axes | None = None) -> Axes:
    """Draw the roofline of a machine and the rates of convolutions below it.

    The roofline is the highest possible rate. It rises where the memory is the limit, and is level where the arithmetic
    is.

    Source: Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model for Multicore
    Architectures", 2009.

    Parameters
    ----------
    points : array
        (L, 3), for each of L convolutions the operations per byte, the operations per second, and the height of its
        kernels in pixels, as ``measure_convolutions`` returns them.
    peaks : dict
        The highest operations per second, by the name of a precision.
    bandwidth : float
        Bytes per second.
    """
    ax = ax or plt.subplots(figsize=(6.5, 3.8))[1]
    points, span = check_table("points", points, 3), np.logspace(0, 3.5, 100)
    for name, peak, style in zip(names.labels(ax, list(peaks)), peaks.values(), ("--", "-", ":"), strict=False):
        ax.plot(span, np.minimum(span * bandwidth, peak) / 1e9, style, color="black", label=f"roof, {name}")
    for index, side in enumerate(np.unique(points[:, 2])):
        per_byte, per_second, _ = points[points[:, 2] == side].T
        name = f"{side:.0f} × {side:.0f} convolutions"
        ax.plot(per_byte, per_second / 1e9, MARKERS[index % 7], color=COLORS[index % 7], label=name)
    ax.set(xscale="log", yscale="log", xlabel="operations per byte moved", ylabel="billion operations a second")
    ax.set_title("Convolutions under this machine's roof")
    ax.legend(fontsize=8)
    return ax


def plot_times(times: dict[str, dict[str, float]], *, ax: Axes | None = None) -> Axes:
    """Draw a bar for each run, divided into the times of its kinds of work; the first run is on top.

    Parameters
    ----------
    times : dict
        By the name of each run, a dict with the milliseconds of each kind of work. All runs have the same kinds.
    """
    alike = isinstance(times, dict) and len({tuple(run) for run in times.values()}) == 1
    require(alike, "times", shown(times), "be the times of one or more runs with the same kinds of work", MAKE_IT)
    ax = ax or plt.subplots(figsize=(7, 1 + 0.7 * len(times)))[1]
    left, places, kinds = np.zeros(len(times)), range(len(times)), list(next(iter(times.values())))
    for index, (kind, label) in enumerate(zip(kinds, names.labels(ax, kinds), strict=True)):
        widths = [run[kind] for run in times.values()]
        color, hatch = COLORS[index % 7], "////" if index % 2 else ""
        ax.barh(places, widths, left=left, label=label, color=color, hatch=hatch, edgecolor="white")
        left += widths
    ax.set_yticks(places, labels=names.labels(ax, list(times), 200))
    ax.set(title="Where the time goes", xlabel="milliseconds")
    ax.invert_yaxis()
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    return fonts.fitted(ax)
