"""A white page to draw on with PIL: text, frames, bars, and tables of numbers as colored squares."""

import io
import unicodedata
from collections.abc import Sequence
from functools import cache

import matplotlib
import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

from tlhelpers import fonts
from tlhelpers.arguments import MAKE_IT, shown
from tlhelpers.byhand.arguments import require
from tlhelpers.plots import COLORS

BLUE, ORANGE, GREEN, LIGHT_BLUE, RED, BLACK = COLORS[:6]
TEXT, BOLD = 13, 14  # the sizes of plain and bold letters in pixels
GRAY, PALE = "#767676", "#D9D9D9"
BORDER = (214, 234, 248)  # the color of the pixels that padding adds to an image
SIDE = 240  # height and width of a panel in pixels; an image of 224 by 224 pixels with padding fits in
PURPLE_ORANGE = (255 * matplotlib.colormaps["PuOr"](np.linspace(0, 1, 256))[:, :3]).round().astype(np.uint8)

Position = tuple[float, float]


class Page:
    """A white picture to draw on. Positions are (x, y) in pixels from the upper left corner."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), "white")
        self.pen = ImageDraw.Draw(self.image)

    def text(
        self, position: Position, words: str, *, anchor: str = "la", color: str = "black", bold: bool = False
    ) -> None:
        """Write one line of text.

        The anchor is PIL's: the first letter is l, m or r (left, middle, right), the second a, m or s (top, middle,
        baseline).
        """
        size = BOLD if bold else TEXT
        if _is_usual(words):
            self.pen.text(position, words, fill=color, anchor=anchor, font=_font(size, bold))
        else:
            self._any_script(position, words, anchor=anchor, color=color, size=size, bold=bold)

    def _any_script(self, position: Position, words: str, *, anchor: str, color: str, size: int, bold: bool) -> None:
        """Write one line of text with letters that the usual font lacks, or from right to left."""
        mask, below = fonts.mask(words, size, bold)
        height, width = mask.shape
        ascent, descent = _font(size, bold).getmetrics()
        left = position[0] - {"l": 0, "m": width / 2, "r": width}[anchor[0]]
        baseline = position[1] + {"a": ascent, "m": (ascent - descent) / 2, "s": 0}[anchor[1]]
        self.pen.bitmap((round(left), round(baseline + below - height)), Image.fromarray(mask), fill=color)

    def box(
        self,
        position: Position,
        size: tuple[float, float],
        *,
        fill: str | tuple | None = None,
        outline: str | None = None,
        width: int = 1,
    ) -> None:
        """Draw a rectangle; its size is (width, height), and ``width`` is that of its outline, all in pixels."""
        (x, y), (w, h) = position, size
        self.pen.rectangle((x, y, x + w - 1, y + h - 1), fill=fill, outline=outline, width=width)

    def squares(
        self, position: tuple[int, int], colors: np.ndarray, scale: int, numbers: np.ndarray | None = None
    ) -> None:
        """Draw colors (H, W, 3) as squares of ``scale`` pixels, with numbers (H, W) in them if there is room."""
        height, width = colors.shape[:2]
        enlarged = Image.fromarray(colors).resize((width * scale, height * scale), Image.Resampling.NEAREST)
        self.image.paste(enlarged, position)
        self.box((position[0] - 1, position[1] - 1), (width * scale + 2, height * scale + 2), outline=GRAY)
        if numbers is None or scale < 40:
            return
        for row, column in np.ndindex(height, width):
            center = (position[0] + (column + 0.5) * scale, position[1] + (row + 0.5) * scale)
            ink = "white" if colors[row, column].mean() < 110 else "black"
            self.text(center, short(numbers[row, column].item()), anchor="mm", color=ink)

    def panel(
        self, left: int, title: str, colors: np.ndarray, scale: int, numbers: np.ndarray, words: str
    ) -> tuple[int, int]:
        """Draw ``squares`` in the middle of a panel, a title above and words below; return the squares' position."""
        position = left + (SIDE - colors.shape[1] * scale) // 2, 36
        self.text((left + SIDE // 2, 8), title, anchor="ma", bold=True)
        self.squares(position, colors, scale, numbers)
        self.text((left + SIDE // 2, 286), words, anchor="ma")
        return position

    def mark(self, position: tuple[int, int], scale: int, window: tuple[int, int, int, int]) -> None:
        """Draw a red frame around a window (top, left, height, width) of the ``squares`` at this position."""
        top, left, height, width = window
        x, y, w, h = position[0] + left * scale, position[1] + top * scale, width * scale, height * scale
        x, y, w, h = x - 3, y - 3, w + 6, h + 6
        self.box((x - 1, y - 1), (w + 2, h + 2), outline="white", width=5)
        self.box((x, y), (w, h), outline=RED, width=3)

    def png(self, compress_level: int = 1) -> bytes:
        """Return the picture as a PNG file: 1 is fast to compute, 9 makes a small file."""
        buffer = io.BytesIO()
        self.image.save(buffer, format="png", compress_level=compress_level)
        return buffer.getvalue()


@cache
def _font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(fonts.usual(bold), size)


def _is_usual(words: str) -> bool:
    """Say whether the usual font has all letters, and PIL can draw them on every system: from left to right."""
    if words.isascii():
        return True
    turned = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in words)
    return not turned and not fonts.lacking(words, fonts.get_font(fonts.usual()))


def short(number: float) -> str:
    """Write a number with about three digits: 0.5, -1.25, 12.3, and 0 for what is rounded to -0."""
    if np.isinf(number):
        return "-∞" if number < 0 else "∞"
    words = f"{number:.2f}" if abs(number) < 10 else f"{number:.3g}"
    if "." in words and "e" not in words:
        words = words.rstrip("0").rstrip(".")
    return "0" if words == "-0" else words


def gray_colors(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return colors (H, W, 3) of values (H, W): black at ``low``, white at ``high``, shades of gray between."""
    levels = np.clip((values - low) / max(high - low, 1e-12), 0, 1)
    return np.repeat((255 * levels).round().astype(np.uint8)[..., None], 3, axis=2)


def purple_orange_colors(values: np.ndarray, limit: float) -> np.ndarray:
    """Return colors (H, W, 3) of values (H, W): purple above zero, orange below, darkest at the limit, white at 0."""
    levels = np.clip(values / max(limit, 1e-12), -1, 1)
    return PURPLE_ORANGE[(127.5 + 127.5 * levels).round().astype(np.uint8)]


def add_border(colors: np.ndarray, border: int) -> np.ndarray:
    """Return colors (H, W, 3) with a pale border of so many pixels, as padding adds it to an image."""
    height, width = colors.shape[:2]
    whole = np.full((height + 2 * border, width + 2 * border, 3), BORDER, np.uint8)
    whole[border : border + height, border : border + width] = colors
    return whole


def check_gray_image(image: ArrayLike, smallest: int) -> np.ndarray:
    """Return a gray image as an array of float64, (H, W).

    Raises
    ------
    ValueError
        If it is not a table of finite numbers with ``smallest`` to 224 rows and columns.
    """
    fits = hasattr(image, "shape") or isinstance(image, list | tuple)
    remedy = MAKE_IT if image is None else "give one channel of a photo"
    require(fits, "image", shown(image), "be a gray image, an array or a tensor (H, W)", remedy)
    values = np.asarray(image, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"image has shape {values.shape}; it must be gray, (H, W); take one channel, or their mean")
    if not smallest <= min(values.shape) <= max(values.shape) <= 224:
        raise ValueError(
            f"image has shape {values.shape}; it must have {smallest} to 224 rows and columns; cut out a part, or "
            "give a larger image"
        )
    if not np.isfinite(values).all():
        raise ValueError("image holds NaN or infinity; it must hold finite numbers; check how it was computed")
    return values


def panel_scale(shape: Sequence[int]) -> int:
    """Return how many pixels wide a square may be so that an image of this shape fits into a panel."""
    return max(1, SIDE // max(shape))
