"""A white page to draw on with PIL: text, frames, bars, and tables of numbers as colored squares."""

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tlhelpers.plots import COLORS

BLUE, ORANGE, GREEN, LIGHT_BLUE, RED, BLACK = COLORS[:6]
GRAY, PALE = "#767676", "#D9D9D9"
BORDER = (214, 234, 248)  # of what padding adds to an image
SIDE = 240  # pixels of a panel; a picture of 224 with a border fits in
_PURPLE_ORANGE = (255 * matplotlib.colormaps["PuOr"](np.linspace(0, 1, 256))[:, :3]).round().astype(np.uint8)


class Page:
    """A white picture, and what is drawn on it; all places are (x, y) in pixels from the upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), "white")
        self.pen = ImageDraw.Draw(self.image)

    def text(self, place, words: str, *, anchor: str = "la", color: str = "black", bold: bool = False) -> None:
        """Write one line; the anchor is PIL's: l, m, r (left, middle, right), then a, m, s (top, middle, baseline)."""
        self.pen.text(place, words, fill=color, anchor=anchor, font=_font(14 if bold else 13, bold))

    def box(self, place, size, *, fill=None, outline=None, width: int = 1) -> None:
        """Draw a rectangle of some width and height."""
        (x, y), (w, h) = place, size
        self.pen.rectangle((x, y, x + w - 1, y + h - 1), fill=fill, outline=outline, width=width)

    def pixels(self, place, colors: np.ndarray, scale: int, numbers: np.ndarray | None = None) -> None:
        """Draw colors (H, W, 3) as squares of ``scale`` pixels, with numbers (H, W) in them where they are legible."""
        height, width = colors.shape[:2]
        squares = Image.fromarray(colors).resize((width * scale, height * scale), Image.Resampling.NEAREST)
        self.image.paste(squares, place)
        self.box((place[0] - 1, place[1] - 1), (width * scale + 2, height * scale + 2), outline=GRAY)
        if numbers is None or scale < 40:
            return
        for row, column in np.ndindex(height, width):
            center = (place[0] + (column + 0.5) * scale, place[1] + (row + 0.5) * scale)
            ink = "white" if colors[row, column].mean() < 110 else "black"
            self.text(center, short(numbers[row, column]), anchor="mm", color=ink)

    def panel(self, left: int, title: str, colors: np.ndarray, scale: int, numbers: np.ndarray, words: str):
        """Draw ``pixels`` in the middle of a panel, a title above and words below; return the place of the pixels."""
        place = left + (SIDE - colors.shape[1] * scale) // 2, 36
        self.text((left + SIDE // 2, 8), title, anchor="ma", bold=True)
        self.pixels(place, colors, scale, numbers)
        self.text((left + SIDE // 2, 286), words, anchor="ma")
        return place

    def mark(self, place, scale: int, window: tuple[int, int, int, int], *, color: str = RED) -> None:
        """Frame the window (top, left, height, width) of what ``pixels`` drew; small ones get a frame around them."""
        top, left, height, width = window
        x, y, w, h = place[0] + left * scale, place[1] + top * scale, width * scale, height * scale
        x, y, w, h = x - 3, y - 3, w + 6, h + 6
        self.box((x - 1, y - 1), (w + 2, h + 2), outline="white", width=5)
        self.box((x, y), (w, h), outline=color, width=3)

    def png(self, compress_level: int = 1) -> bytes:
        """Return the picture as a file, packed quickly (1) or tightly (9)."""
        buffer = io.BytesIO()
        self.image.save(buffer, format="png", compress_level=compress_level)
        return buffer.getvalue()


@cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", name), size)


def width_of(words: str) -> float:
    """Return the pixels that a line of text takes."""
    return _font(13, False).getlength(words)


def fitted(words: str, pixels: int) -> str:
    """Return a line of text, cut where it would be wider than so many pixels."""
    if width_of(words) <= pixels:
        return words
    while words and width_of(words + "…") > pixels:
        words = words[:-1]
    return words + "…"


def short(number: float) -> str:
    """Write a number with at most three digits: 0.5, -1.25, 12.3, and 0 for what rounds to minus 0."""
    if np.isinf(number):
        return "-∞" if number < 0 else "∞"
    words = f"{number:.2f}" if abs(number) < 10 else f"{number:.3g}"
    if "." in words and "e" not in words:
        words = words.rstrip("0").rstrip(".")
    return "0" if words == "-0" else words


def gray(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return colors (H, W, 3) of values (H, W), black at ``low`` and white at ``high``."""
    levels = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return np.repeat((255 * levels).round().astype(np.uint8)[..., None], 3, axis=2)


def purple_orange(values: np.ndarray, limit: float) -> np.ndarray:
    """Return colors (H, W, 3) of values (H, W): purple above zero, orange below, full at ``limit``, white at zero."""
    levels = np.clip(values / max(limit, 1e-12), -1, 1)
    return _PURPLE_ORANGE[(127.5 + 127.5 * levels).round().astype(np.uint8)]


def framed(colors: np.ndarray, border: int) -> np.ndarray:
    """Put a pale border around colors, as padding does around an image."""
    height, width = colors.shape[:2]
    whole = np.full((height + 2 * border, width + 2 * border, 3), BORDER, np.uint8)
    whole[border : border + height, border : border + width] = colors
    return whole


def checked_image(image, least: int) -> np.ndarray:
    """Return a gray image as an array of float64.

    Raises
    ------
    ValueError
        If it is not a table of numbers of ``least`` to 224 rows and columns.
    """
    values = np.asarray(image, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"image must be gray, of shape (H, W), got {values.shape}: take one channel, or their mean")
    if not least <= min(values.shape) <= max(values.shape) <= 224:
        raise ValueError(f"image must have {least} to 224 rows and columns, got {values.shape}: cut it, or take more")
    if not np.isfinite(values).all():
        raise ValueError("image must hold numbers, but some are NaN or infinite: look at where they come from")
    return values


def scale_of(shape: Sequence[int]) -> int:
    """Return by how much squares of an image are enlarged to fill a panel."""
    return max(1, SIDE // max(shape))
