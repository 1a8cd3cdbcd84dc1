"""A font for a character is found among the fonts of the machine, and in the packages that bring fonts.

The characters of these tests are for private use, so no font of a machine has them.
"""

import matplotlib.pyplot as plt
import pytest
from matplotlib.font_manager import fontManager

from tlhelpers import fonts

pytestmark = pytest.mark.filterwarnings("error::UserWarning")


def test_the_usual_letters_need_no_other_font():
    """Latin with accents, Greek, Cyrillic and the signs of the explorers need no search and no other font."""
    assert fonts.unknown("Ameise, Größe, Łódź, μυρμήγκι, муравей ✓✗×…↵⇥□") == frozenset()
    assert fonts.families(fonts.lacking("Ameise Größe μυρμήγκι муравей", fonts.get_font(fonts.usual()))) == ()


def test_the_font_that_has_a_character_is_found(make_font):
    """One font for all missing characters is preferred to several, and what none has is known."""
    for letters, family in (("\U00100001", "One"), ("\U00100001\U00100002", "Both")):
        fontManager.addfont(make_font(letters, family))
    assert fonts.families(frozenset("\U00100001\U00100002")) == ("Both",)
    assert fonts.unknown("a\U00100001\U00100002\U00100003") == {"\U00100003"}


def test_a_font_with_empty_glyphs_is_not_taken(make_font):
    """A font of colored pictures has characters without outlines, which would be drawn as nothing."""
    fontManager.addfont(make_font("🐜", "Empty", empty=True))
    assert "Empty" not in fonts.families(frozenset("🐜"))


def test_a_font_that_matplotlib_does_not_know_yet_is_found(make_font, monkeypatch):
    """A file that was installed after matplotlib made its list is found, and a damaged one does no harm."""
    file = make_font("\U00100010", "New")
    damaged = file.with_name("damaged.ttf")
    damaged.write_bytes(b"no font")
    monkeypatch.setattr(fonts, "findSystemFonts", lambda: [str(damaged), str(file)])
    assert fonts.families(frozenset("\U00100010")) == ("New",)


def test_fonts_in_packages_are_found(make_font, tmp_path, monkeypatch):
    """A package of the extra "fonts" is looked into where it is installed."""
    package = tmp_path / fonts.PACKAGES[0]
    package.mkdir()
    (package / "__init__.py").touch()
    make_font("\U00100020", "Packed", folder=package)
    monkeypatch.syspath_prepend(tmp_path)
    assert fonts.families(frozenset("\U00100020")) == ("Packed",)


def test_korean_is_not_drawn_with_japanese_shapes(make_font):
    """Where fonts for several languages have the characters, the one of the language is taken."""
    for language in ("JP", "KR", "SC"):
        fontManager.addfont(make_font("개\U00100030", f"Test CJK {language}"))
    assert fonts.families(frozenset("개\U00100030")) == ("Test CJK KR",)


def test_a_line_is_drawn_with_several_fonts(make_font):
    """The square of another font stands beside a letter of the usual one, on the same line."""
    fontManager.addfont(make_font("\U00100040", "Squares-7"))
    image, below = fonts.mask("i\U00100040", 20, bold=False)
    columns = (image > 200).sum(axis=0)
    assert below == 1 and columns.max() == 16 and (columns == 16).sum() in (15, 16)  # 0.8 of 20
    assert fonts.width("\U00100040", 20) == 20


def test_every_text_of_a_figure_gets_its_fonts(make_font):
    """Titles, ticks and legends that a learner writes are drawn with another font; Latin texts keep theirs."""
    fontManager.addfont(make_font("\U00100050", "Late"))
    _, ax = plt.subplots()
    ax.bar(["\U00100050", "bees"], [1, 2], label="\U00100050")
    ax.legend()
    ax.set(title="\U00100050", xlabel="class")
    fonts.fit(ax.figure)
    ax.figure.canvas.draw()  # a missing character would be a warning, which is an error here
    shown = [*ax.get_xticklabels(), ax.title, ax.xaxis.label, *ax.get_legend().get_texts()]
    assert [text.get_fontfamily()[1:] for text in shown] == [["Late"], [], ["Late"], [], ["Late"]]
    plt.close(ax.figure)
