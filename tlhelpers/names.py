"""Class names as they are drawn: in any script, nothing in them read as a formula, and long ones shortened."""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from tlhelpers import fonts

NO_NAME = "(no name)"
BOX = "□"  # stands for a character that cannot be drawn
SIGNS = {"\n": "↵", "\r": "↵", "\t": "⇥"}
UNDRAWN = {"Cc", "Cs", "Zl", "Zp"}  # Unicode's categories of control characters, undecoded bytes, ends of lines
RIGHT_TO_LEFT = {"R", "AL", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI"}  # Unicode's directions that change the order


def tidy(name: object) -> str:
    """Return a name on one line, with signs for line breaks and tabs, and words for an empty name."""
    text = unicodedata.normalize("NFC", str(name))  # "e" and an accent are one letter, as more fonts have it
    letters = (SIGNS.get(c, BOX) if unicodedata.category(c) in UNDRAWN else c for c in text)
    return "".join(letters) if text.strip() else NO_NAME


def drawable(name: object) -> str:
    """Return a name, tidy, with a box in place of each character that no font of this machine has."""
    text = tidy(name)
    return text.translate({ord(letter): BOX for letter in fonts.unknown(text)})


def tell_unknown(names: Iterable[object]) -> None:
    """Print a line if names have characters that no font of this machine has; of each character only once."""
    found = {text: fonts.unknown(text) - _told for text in map(tidy, names)}
    letters = sorted(frozenset().union(*found.values()))
    if letters:
        _told.update(letters)
        which = ", ".join([text for text, unknown in found.items() if unknown][:5])
        print(f"No font on this machine has {' '.join(letters[:20])} of {which}; boxes are drawn; {fonts.remedy()}")


_told: set[str] = set()


def cut(text: str, limit: float, size: float = 10) -> str:
    """Return a text, shortened with an ellipsis in its middle if it is wider than the limit.

    Parameters
    ----------
    limit, size : float
        The width, and the size of the letters, both in points or both in pixels.
    """
    if fonts.width(text, size) <= limit:
        return text
    pieces = _pieces(text)

    def shortened(keep: int) -> str:
        return "".join([*pieces[: (keep + 1) // 2], "…", *pieces[len(pieces) - keep // 2 :]])

    fitting = bisect_right(range(len(pieces)), limit, key=lambda keep: fonts.width(shortened(keep), size))
    return shortened(max(fitting - 1, 1))


def _pieces(text: str) -> list[str]:
    """Divide a text into letters with their accents, and into pictures that are joined of several."""
    pieces: list[str] = []
    for letter in text:
        if pieces and (unicodedata.category(letter)[0] == "M" or "\u200d" in (letter, pieces[-1][-1])):
            pieces[-1] += letter
        else:
            pieces.append(letter)
    return pieces


def distinct(names: Sequence[object], limit: float, size: float = 10) -> list[str]:
    """Return the names as they are drawn within a width, with the number of the class where two would look alike.

    The parameters are those of ``cut``.
    """
    tell_unknown(names)
    texts = [cut(drawable(name), limit, size) for name in names]
    if len(set(texts)) == len(texts):
        return texts
    return [cut(f"{index}: {drawable(name)}", limit, size) for index, name in enumerate(names)]


def isolated(text: str) -> str:
    """Return a name that does not turn around the words after it, if it is written from right to left."""
    turns = any(unicodedata.bidirectional(letter) in RIGHT_TO_LEFT for letter in text)
    return f"\u2068{text}\u2069" if turns else text


def literal(text: str) -> str:
    """Return a text so that matplotlib draws it as it is: no formula, and in the legend also with a leading "_"."""
    return ("\u200b" if text.startswith("_") else "") + text.replace("$", r"\$")  # U+200B has no width


def labels(ax: Axes, names: Sequence[object], limit: float = 150, size: float = 10) -> list[str]:
    """Return the names as labels in a figure, and remember which were shortened; see ``in_full``."""
    texts = distinct(names, limit, size)
    remember(ax, {text: tidy(name) for text, name in zip(texts, names, strict=True)})
    return [literal(text) for text in texts]


def captions(ax: Axes, texts: Sequence[object], limit: float, size: float) -> list[str]:
    """Return words below images, which may be empty, alike, or have several lines; each line is shortened."""
    tell_unknown(line for text in texts for line in str(text).split("\n") if line.strip())
    lines = {line: cut(drawable(line), limit, size) for text in texts for line in str(text).split("\n") if line.strip()}
    remember(ax, {short: tidy(line) for line, short in lines.items()})
    return ["\n".join(literal(lines.get(line, "")) for line in str(text).split("\n")) for text in texts]


def remember(ax: Axes, whole: dict[str, str]) -> None:
    """Keep the whole names of those that were shortened, until the figure is gone."""
    shortened = {short: name for short, name in whole.items() if "…" in short and short != name}
    _whole.setdefault(ax.figure.figure, {}).update(shortened)


_whole: WeakKeyDictionary[Figure, dict[str, str]] = WeakKeyDictionary()


def in_full(figure: Figure) -> str:
    """Return a sentence with the whole names of those that were shortened in a figure, or nothing."""
    whole = "; ".join(f"{short} is {name}" for short, name in _whole.get(figure, {}).items())
    return f" Names in full: {whole}." if whole else ""


def extent(ax: Axes) -> tuple[float, float]:
    """Return the width and the height of Axes in points."""
    box = ax.get_window_extent()
    return box.width / ax.figure.dpi * 72, box.height / ax.figure.dpi * 72


def tile_width(ax: Axes, rows: int, columns: int) -> float:
    """Return the width of one of the images of ``show_images`` in points."""
    width, height = extent(ax)
    return min(width / columns / 1.06, height / rows / 1.22)


def write_at_ticks(ax: Axes, words: Sequence[str], numbers: Sequence[Text]) -> None:
    """Let the words at the ticks of a square of N columns and rows, and the numbers in it, not overlap."""
    column = min(extent(ax)) / len(words)
    size = min(10, 0.75 * column)
    widest = max(fonts.width(word, size) for word in words)
    ax.tick_params(labelsize=size)
    ax.tick_params(axis="x", rotation=90 if widest > 0.95 * column else 0)
    widest = max(fonts.width(number.get_text(), size) for number in numbers)
    for number in numbers:
        number.set_fontsize(size * min(1, 0.9 * column / widest))


def legend(ax: Axes, texts: Sequence[str]) -> None:
    """Draw a legend: on the Axes, or beside it in columns if it has many or long names."""
    if len(texts) > 10 or max(fonts.width(text, 10) for text in texts) > 110:
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1), ncols=-(-len(texts) // 16))
    else:
        ax.legend()
