"""Every test starts from the same random numbers, and the precision that it chooses ends with it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib.font_manager import fontManager

from tlhelpers import pick_device, pick_dtype, set_seed
from tlhelpers.precision import keep_dtype


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Set the seed."""
    set_seed(0)


@pytest.fixture(autouse=True)
def own_precision() -> Iterator[None]:
    """Restore the precision of the device, which a test or a checkpoint may change with ``keep_dtype``."""
    before = {device: pick_dtype(device) for device in {torch.device("cpu"), pick_device()}}
    yield
    for device, dtype in before.items():
        keep_dtype(device, dtype)


@pytest.fixture
def make_font(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Return a function that makes a font with a black square for each character, and forget the fonts afterwards."""
    known = list(fontManager.ttflist)

    def make(letters: str, family: str, *, folder: Path = tmp_path, empty: bool = False) -> Path:
        pen = TTGlyphPen(None)
        for point in () if empty else ((0, 0), (0, 800), (800, 800), (800, 0)):
            (pen.lineTo if point != (0, 0) else pen.moveTo)(point)
        if not empty:
            pen.closePath()
        builder = FontBuilder(1000, isTTF=True)
        builder.setupGlyphOrder([".notdef", "square"])
        builder.setupCharacterMap({ord(letter): "square" for letter in letters})
        builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "square": pen.glyph()})
        builder.setupHorizontalMetrics({".notdef": (500, 0), "square": (1000, 0)})
        builder.setupHorizontalHeader(ascent=800, descent=-200)
        builder.setupNameTable({"familyName": family, "styleName": "Regular"})
        builder.setupOS2(usWeightClass=400)
        builder.setupPost()
        builder.save(folder / f"{family}.ttf")
        return folder / f"{family}.ttf"

    yield make
    fontManager.ttflist[:] = known
