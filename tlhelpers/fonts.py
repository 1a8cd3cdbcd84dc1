"""Fonts for any script: which characters the usual font lacks, and which other fonts have them.

The usual font is DejaVu Sans, which comes with matplotlib. It has Latin, Greek, Cyrillic, Arabic and Hebrew letters,
but no Chinese, Japanese, Korean, Hindi or Thai.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, FontProperties, findfont, findSystemFonts, fontManager, get_font
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

PACKAGES = ("manimgx_fonts", "noto_cjk_sans_otc")  # these hold font files; the extra "fonts" installs them
# Chinese, Japanese and Korean share characters but write some in their own way, so there are fonts for each.
REGIONS = {"HIRAGANA": " JP", "KATAKANA": " JP", "HANGUL": " KR"}


def usual(bold: bool = False) -> Path:
    """Return the file of the usual font."""
    return Path(matplotlib.get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' if bold else ''}.ttf")


def lacking(letters: Iterable[str], font: FT2Font) -> frozenset[str]:
    """Return those of the characters that a font cannot draw."""
    return frozenset(letter for letter in letters if not letter.isascii() and not _has(font, letter))


def _has(font: FT2Font, letter: str) -> bool:
    """Say whether a font has a character; the glyphs of a font of colored pictures can be empty."""
    if font.get_char_index(ord(letter)):
        return unicodedata.category(letter) != "So" or font.load_char(ord(letter)).width > 0
    return unicodedata.category(letter) == "Cf" or "VARIATION SELECTOR" in unicodedata.name(letter, "")  # invisible


def unknown(text: str) -> frozenset[str]:
    """Return the characters of a text that no font of this machine has."""
    return _search(lacking(text, get_font(usual())))[1]


def families(letters: frozenset[str]) -> tuple[str, ...]:
    """Return the names of font families that have these characters, as few as possible."""
    return _search(letters)[0]


@cache
def _search(letters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the names of font families that have these characters, and the characters that no font has."""
    left, chosen, region = letters, [], _region(letters)
    for entries in _sources():
        if not left:
            break
        ranked = sorted(entries, key=lambda entry: _rank(entry, region))
        covered = {entry: left - lacking(left, FT2Font(entry.fname)) for entry in ranked}
        while any(left & has for has in covered.values()):
            best = max(covered, key=lambda entry: len(left & covered[entry]))  # the first of several
            chosen.append(best)
            left -= covered[best]
    _chosen.update(dict.fromkeys(chosen))
    return tuple(entry.name for entry in chosen), left


_chosen: dict[FontEntry, None] = {}  # the fonts that were of use before, in their order


def _sources() -> Iterator[list[FontEntry]]:
    """Yield the fonts that were of use before, those that matplotlib knows, new ones, and those in the packages."""
    yield [entry for entry in _chosen if entry in fontManager.ttflist]
    # A font of last resort has every character, but draws boxes.
    yield [entry for entry in fontManager.ttflist if "lastresort" not in entry.name.lower().replace(" ", "")]
    known = {entry.fname for entry in fontManager.ttflist}
    yield _add(path for path in findSystemFonts() if path not in known)
    yield _add(str(path) for folder in _package_folders() for path in sorted(folder.glob("*.[ot]t[fc]")))


def _package_folders() -> list[Path]:
    specs = [find_spec(package) for package in PACKAGES]
    return [Path(folder) for spec in specs if spec for folder in spec.submodule_search_locations or ()]


def remedy() -> str:
    """Return what to do if no font has a character."""
    if all(map(find_spec, PACKAGES)):
        return "install a font that has them, and restart the kernel"
    return 'run pip install "tlhelpers[fonts]" and restart the kernel'


def _add(paths: Iterable[str]) -> list[FontEntry]:
    """Add font files to matplotlib's list until the process ends, and return their entries."""
    before = len(fontManager.ttflist)
    for path in paths:
        with suppress(Exception):  # as matplotlib does: some files are damaged, and some hold no outlines
            fontManager.addfont(path)
    return fontManager.ttflist[before:]


def _region(letters: frozenset[str]) -> str:
    """Return the end of the names of fonts for the language of these characters; " SC" is simplified Chinese."""
    scripts = {unicodedata.name(letter, "NONE").split()[0] for letter in letters}
    return next((REGIONS[script] for script in REGIONS if script in scripts), " SC")


def _rank(entry: FontEntry, region: str) -> tuple:
    """Return what to sort fonts by: the first is plain, upright and for the language."""
    weight = abs(entry.weight - 400) if isinstance(entry.weight, int) else 0
    fancy = any(word in entry.name for word in ("Mono", "Serif", "Light", "Condensed"))
    return weight, entry.style != "normal", fancy, not entry.name.endswith(region), entry.name


def _font(text: str, bold: bool = False) -> FT2Font:
    """Return the usual font, which takes the characters of this text that it lacks from other fonts."""
    file = str(usual(bold))
    more = families(lacking(text, get_font(file)))
    return get_font([file, *(findfont(FontProperties(family=[name])) for name in more)])


def _laid_out(text: str, size: float, bold: bool) -> FT2Font:
    """Return a font in which a line of text is laid out."""
    if matplotlib.__version_info__ < (3, 11):  # older ones neither order nor join letters, and draw boxes for signs
        text = text.replace("\u2068", "").replace("\u2069", "")  # that only say in which order the letters come
    font = _font(text, bold)
    font.set_size(size, 72)
    font.set_text(text)
    return font


def width(text: str, size: float, bold: bool = False) -> float:
    """Return the width of a line of text in the units of the size of its letters: points or pixels."""
    font = _laid_out(text, size, bold)
    return font.get_width_height()[0] / 64


def mask(text: str, size: float, bold: bool) -> tuple[np.ndarray, float]:
    """Draw one line of text.

    Parameters
    ----------
    size : float
        Of the letters, in pixels.

    Returns
    -------
    array
        (H, W), how dark the text is, from 0 to 255.
    float
        How many pixels the array reaches below the line on which the letters stand.
    """
    font = _laid_out(text, size, bold)
    font.draw_glyphs_to_bitmap()
    return np.array(font.get_image()), font.get_descent() / 64 + 1  # it has a margin of one pixel


def fit(figure: Figure) -> None:
    """Let every text of a figure take the characters that its font lacks from other fonts."""
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            axis.get_ticklabels()  # writes the words at the ticks, which else are written when the figure is drawn
    for text in figure.findobj(Text):
        if not text.get_text().isascii():
            letters = lacking(text.get_text(), get_font(findfont(text.get_fontproperties())))
            text.set_fontfamily(list(dict.fromkeys([*text.get_fontfamily(), *families(letters)])))


def fitted(ax: Axes) -> Axes:
    """Return the Axes after ``fit`` for their figure."""
    fit(ax.figure.figure)
    return ax
