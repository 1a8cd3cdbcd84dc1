"""Class names are drawn as they are: visible, not taken for formulas, told apart, and within their room."""

import warnings
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

from tlhelpers import fonts, names, plots

pytestmark = pytest.mark.filterwarnings(
    "error::UserWarning"
)  # matplotlib warns of missing characters and left out labels

HARD = ["$5_bill_$x^", "_background", "", r"\frac{a}{b}%", "a$b", "two\nlines\tx", "\\$", "{", "\udc80bytes", "e\u0301"]
LONG = [f"{word}_{40 * 'n'}"[:40] for word in ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen", "ibis", "jay"]]
THIRTY = [f"class {number}" for number in range(30)]


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")


def confusion(classes, ax=None):
    numbers = np.arange(40 * len(classes)) % len(classes)
    return plots.plot_confusion(numbers, np.repeat(range(len(classes)), 40), classes, ax=ax)


def features(classes):
    return plots.plot_features(np.random.rand(len(classes), 2), range(len(classes)), classes)


def written(ax):
    """Draw a figure and return the texts in it that a reader sees."""
    ax.figure.canvas.draw()
    return [text for text in ax.findobj(Text) if text.get_text().strip() and text.get_visible()]


def overlaps(texts):
    """Return pairs of texts that share more than a pixel of the picture."""
    boxes = [(text.get_text(), text.get_window_extent().padded(-0.5)) for text in texts]
    return [(a, b) for (a, one), (b, other) in combinations(boxes, 2) if one.overlaps(other)]


def beside(ax, texts):
    """Return the texts that are not in the squares of a matrix."""
    return [text for text in texts if text not in ax.texts]


def test_every_name_is_visible_on_one_line():
    """Line breaks, tabs and bytes that are no letters have signs, and an empty name has words."""
    assert names.tidy("two\nlines\tx") == "two↵lines⇥x" and names.tidy("\udc80b\x07") == "□b□"
    assert names.tidy("") == names.tidy("  ") == "(no name)" and names.tidy("e\u0301") == "é"
    assert names.tidy(7) == "7"


@pytest.mark.parametrize("draw", [confusion, features])
def test_names_are_drawn_as_they_are(draw):
    """A name with signs of formulas is as wide as its letters are, and none is missing from the ticks or the legend."""
    ax = draw(HARD)
    ax.figure.canvas.draw()
    texts = ax.get_legend().get_texts() if ax.get_legend() else ax.get_yticklabels()
    assert len(texts) == len(HARD)
    for text, name in zip(texts, HARD, strict=True):
        plain = ax.figure.text(0, 0, names.tidy(name), parse_math=False, fontsize=text.get_fontsize())
        assert text.get_window_extent().width == pytest.approx(plain.get_window_extent().width, abs=0.1), name


def test_a_legend_that_is_drawn_again_keeps_all_names():
    """Notebooks add points and draw the legend anew; names with "_" and "$" are in it as they are."""
    ax = features(["_a", "$b$"])
    ax.legend()
    ax.figure.canvas.draw()
    assert len(ax.get_legend().get_texts()) == 2


def test_captions_and_runs_are_drawn_as_they_are():
    """Images and bars have their names below and beside them, also those that begin with "_" or hold "$"."""
    written(plots.show_images([np.zeros((3, 3, 3))] * len(HARD), HARD))
    ax = plots.plot_times({name: {"_load": 1.0, "$x$": 2.0} for name in HARD})
    written(ax)
    assert len(ax.get_legend().get_texts()) == 2 and len(set(map(Text.get_text, ax.get_yticklabels()))) == len(HARD)


@pytest.mark.parametrize("classes", [LONG, THIRTY, [LONG[0], LONG[1]], ["caterpillar", "butterfly", "dragonfly"]])
def test_nothing_overlaps_in_a_confusion_matrix(classes):
    """Ten long names, thirty classes, or three names of common length: all texts have their own place."""
    ax = confusion(classes)
    texts = written(ax)
    assert len(texts) == len(classes) ** 2 + 2 * len(classes) + 3  # the last are the title and the names of the axes
    assert overlaps(beside(ax, texts)) == [] and overlaps(ax.texts[: 2 * len(classes)]) == []
    assert min(text.get_fontsize() for text in texts) >= 7


def test_nothing_overlaps_on_given_axes():
    """On Axes that cannot grow the letters are smaller."""
    ax = confusion(THIRTY, plt.subplots(figsize=(5, 5))[1])
    assert overlaps(beside(ax, written(ax))) == [] and overlaps(ax.texts[:60]) == []


def test_large_numbers_do_not_overlap():
    """Counts of five digits are drawn smaller where their squares are small."""
    ax = plots.plot_confusion(np.zeros(20000, int), np.arange(20000) % 2, THIRTY[:12])
    ax.figure.canvas.draw()
    assert overlaps(ax.texts[:24]) == []


@pytest.mark.parametrize("classes", [LONG, THIRTY])
def test_a_large_legend_stands_beside_the_points(classes):
    """Its names do not overlap, it does not cover the points, and no two classes have the same color and marker."""
    ax = features(classes)
    written(ax)
    assert overlaps(ax.get_legend().get_texts()) == []
    assert ax.get_legend().get_window_extent().x0 >= ax.get_window_extent().x1
    assert ax.get_legend().get_window_extent().height < 1.3 * ax.get_window_extent().height
    looks = [(str(each.get_facecolor()), str(each.get_paths()[0].vertices)) for each in ax.collections]
    assert len(set(looks)) == len(classes)


def test_captions_do_not_overlap():
    """Long captions are shortened to the width of their images."""
    assert overlaps(written(plots.show_images([np.zeros((3, 3, 3))] * 10, LONG))) == []


def test_the_alternative_text_has_the_whole_names(monkeypatch):
    """A name that was shortened in the figure is written out for those who cannot see it, and only such a one."""
    shown = []
    monkeypatch.setattr(plots, "display", lambda data, metadata, raw: shown.append(metadata["image/png"]["alt"]))
    for classes in (["ants", LONG[1]], ["ants", "bees"]):
        plots.show("Two classes.", confusion(classes).figure)
    assert LONG[1] in shown[0] and shown[0].startswith("Two classes. Names in full: bee") and "ants" not in shown[0]
    assert shown[1] == "Two classes."


def test_a_figure_of_a_learner_gets_its_fonts_when_it_is_shown(monkeypatch, make_font):
    """Bars that a notebook draws itself have names in any script, without a warning of matplotlib."""
    fontManager.addfont(make_font("\U0010b010", "Shown"))
    monkeypatch.setattr(plots, "display", lambda *_, **__: None)
    plt.bar(["\U0010b010", "bees"], [1, 2])
    plots.show("Two bars.")


def test_names_that_would_look_alike_are_numbered():
    """Two names that differ only in what was cut out are told apart, and so are two without drawable letters."""
    alike = [f"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{letter}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" for letter in "bc"]
    texts = names.distinct(alike, 100)
    assert texts[0].startswith("0: a") and texts[1].startswith("1: a") and max(map(names_width, texts)) <= 100
    assert names.distinct(["\U0010a001", "\U0010a002"], 100) == ["0: □", "1: □"]
    assert names.distinct(["a", "b"], 100) == ["a", "b"]


def names_width(text):
    return fonts.width(text, 10)


def test_a_name_is_cut_in_the_middle_between_letters():
    """Both ends stay, as long as there is room, and no accent is left without its letter."""
    assert names.cut("ant", 100) == "ant"
    short = names.cut("n01440764_tench_Tinca_tinca", 100)
    assert short.startswith("n0144") and short.endswith("_tinca") and "…" in short and fonts.width(short, 10) <= 100
    for room in range(30, 60, 5):
        accents = names.cut(20 * "x\u0323", room)
        assert accents.count("x") == accents.count("\u0323") and "…" in accents


def test_one_line_says_which_characters_no_font_has(capsys, make_font):
    """It names the characters, the classes and what to install; the figure has boxes, and the line comes once."""
    fontManager.addfont(make_font("\U0010b001", "Has one"))
    classes = ["ant", "\U0010b001", "\U0010b002x", "\U0010b003"]
    for _ in range(2):
        shown = [text.get_text() for text in written(confusion(classes))]
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "\U0010b002 \U0010b003 of \U0010b002x, \U0010b003;" in said
    assert 'pip install "tlhelpers[fonts]"' in said or "install a font" in said
    assert "□x" in shown and "\U0010b001" in shown


def test_ordinary_names_are_drawn_as_ever(capsys):
    """For Latin names no other font, no escape and no line is needed; ticks are level, and the figure is small."""
    ax = confusion(["ants", "bees"])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["ants", "bees"]
    assert {tuple(text.get_fontfamily()) for text in written(ax)} == {("sans-serif",)}
    assert {text.get_rotation() for text in ax.get_xticklabels()} == {0} and ax.figure.get_figwidth() == 3.2
    assert capsys.readouterr().out == ""


def test_names_from_right_to_left_do_not_turn_the_words_around_them():
    """Such a name is isolated by Unicode's signs for that; others stay as they are."""
    assert names.isolated("نملة") == "\u2068نملة\u2069" and names.isolated("蚂蚁 ant") == "蚂蚁 ant"
    with warnings.catch_warnings(record=True) as caught:
        fonts.mask(f"✗ {names.isolated('نملة')} 0.98", 13, bold=False)
    assert not caught
