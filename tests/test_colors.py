"""Color-blind readers can read the figures, and so can readers who print them in gray."""

import itertools
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from skimage.color import rgb2lab

from tlhelpers import plots
from tlhelpers.training.fitting import EpochResult
from tlhelpers.widgets import freezing

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MODULES = sorted((ROOT / "tlhelpers").rglob("*.py"))

# What full color blindness makes of linear red, green and blue: Machado, Oliveira and Fernandes (2009), severity 1.
BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
PLAIN = "red|green|blue|orange|purple|pink|yellow|brown|cyan|magenta|olive|lime|navy|teal|violet"
NAMED = re.compile(
    rf"""["'](tab:\w+|{PLAIN})["']"""  # "tab:blue", "red"
    r"""|colou?rs?=["'][rgbcmy]\b"""  # color="r"
    r"""|["'][rgbcmy](-|--|:|-\.|[-:]?[os^vDx.])["']"""  # "r--", "go"
)
# Color maps whose lightness does not rise steadily, or that put red beside green of the same lightness.
MAPS = (
    "jet|hsv|rainbow|gist_rainbow|gist_ncar|nipy_spectral|prism|flag|brg|turbo|gnuplot|RdYlGn|RdYlBu|Spectral|PiYG|"
    r"Paired|Accent|Set[123]|tab\d+\w?"
)
UNFIT = re.compile(rf"""["']({MAPS})(_r)?["']|\b(cm|colormaps)\.({MAPS})(_r)?\b""")


@pytest.fixture(autouse=True)
def the_style():
    """Draw with the style in every test, and close all figures afterwards."""
    with plt.style.context("tlhelpers.figures"):
        yield
    plt.close("all")


def entries():
    """Return the color and the line style of each line, in the order in which lines get them."""
    return [(entry["color"], entry["linestyle"]) for entry in plt.rcParams["axes.prop_cycle"]]


def same_style():
    """Return all pairs of colors whose lines have the same style."""
    return [(a, b) for (a, style), (b, other) in itertools.combinations(entries(), 2) if style == other]


def linear(color):
    """Return red, green and blue as amounts of light, from 0 to 1."""
    values = np.array(to_rgb(color))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(light):
    """Return the coordinates in CIELAB, lightness first, of amounts of red, green and blue light."""
    light = np.clip(light, 0, 1)
    return rgb2lab(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055))


def lightness(color):
    """Return the lightness in CIELAB, from 0 (black) to 100 (white)."""
    return lab(linear(color))[0]


def luminance(color):
    """Return the relative luminance of the WCAG, from 0 (black) to 1 (white)."""
    return linear(color) @ (0.2126, 0.7152, 0.0722)


def code_cells(path):
    """Return the sources of a notebook's cells of code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def code(path):
    """Return the Python of a module or of a notebook."""
    return "\n".join(code_cells(path)) if path.suffix == ".ipynb" else path.read_text(encoding="utf-8")


# The style


def test_the_style_has_the_colors_of_the_package():
    """Figures of notebooks and of the package have the same colors, and the first line is solid."""
    assert [to_hex(color).upper() for color, _ in entries()] == list(plots.COLORS)
    assert entries()[0][1] == "-"


def test_lines_differ_without_color():
    """Any two lines differ in style, or by 15 or more in lightness; neighbors differ in both."""
    for a, b in same_style():
        assert abs(lightness(a) - lightness(b)) >= 15, (a, b)
    for (a, style), (b, other) in itertools.pairwise(entries()):
        assert style != other and abs(lightness(a) - lightness(b)) >= 10, (a, b)


@pytest.mark.parametrize("kind", BLINDNESS)
def test_lines_differ_for_the_color_blind(kind):
    """Two colors are 15 or more apart in CIELAB as a color-blind reader sees them, or their lines differ in style."""
    for a, b in same_style():
        seen = [lab(np.array(BLINDNESS[kind]) @ linear(color)) for color in (a, b)]
        assert np.linalg.norm(seen[0] - seen[1]) >= 15, (a, b)


@pytest.mark.parametrize("color", plots.COLORS)
def test_no_color_is_too_pale(color):
    """The contrast of a line with white paper is at least 2."""
    assert 1.05 / (luminance(color) + 0.05) >= 2


def test_the_simulation_agrees_with_known_facts():
    """White stays white, and with deuteranopia a red and a green of the same lightness become similar."""
    for matrix in BLINDNESS.values():
        np.testing.assert_allclose(np.sum(matrix, axis=1), 1, atol=2e-6)
    red, green = (lab(np.array(BLINDNESS["deuteranopia"]) @ linear(color)) for color in ("#B35A4A", "#7A7A2A"))
    assert np.linalg.norm(lab(linear("#B35A4A")) - lab(linear("#7A7A2A"))) > 40 > 20 > np.linalg.norm(red - green)


# Figures in this style


def test_the_curves_of_a_history_differ_in_style_and_marker():
    """Training and validation can be told apart without color, in any style."""
    ax = plots.plot_history([EpochResult(1, 0.5, 0.7, 0.4, 0.8, 1.0), EpochResult(2, 0.3, 0.9, 0.35, 0.85, 1.0)])
    assert [(line.get_linestyle(), line.get_marker()) for line in ax.lines] == [("-", "o"), ("--", "s")]


def test_classes_differ_in_marker():
    """Of seven classes no two have the same marker."""
    ax = plots.plot_features(np.arange(14.0).reshape(7, 2), range(7), list("abcdefg"))
    shapes = {points.get_paths()[0].vertices.tobytes() for points in ax.collections}
    assert len(shapes) == len(ax.collections) == 7


def test_kinds_of_memory_side_by_side_differ_in_lightness():
    """In the bar of the freezing explorer each part is clearly darker or paler than the next, also the last one."""
    for a, b in itertools.pairwise([*freezing.MEMORY_COLORS, freezing.PALE]):
        assert abs(lightness(a) - lightness(b)) >= 15, (a, b)


# The code of notebooks and modules


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_use_the_style(path):
    """A notebook that imports pyplot chooses the style in its first cell of code."""
    first, *_ = cells = code_cells(path)
    if any("import matplotlib.pyplot" in cell for cell in cells):
        assert re.search(r'^plt\.style\.use\("tlhelpers\.figures"\)', first, re.M)


@pytest.mark.parametrize("path", NOTEBOOKS + MODULES, ids=lambda path: path.stem)
def test_no_color_has_a_name(path):
    """Colors are those of the style, C0 to C6, or black, gray and white; no color map puts red beside green."""
    for pattern in (NAMED, UNFIT):
        found = pattern.search(code(path))
        assert not found, found


@pytest.mark.parametrize(
    "line", ['color="tab:blue"', "fill='red'", 'color="g"', 'plot(x, y, "r--")', 'plot(x, y, "go")']
)
def test_a_named_color_is_found(line):
    """The pattern finds names, letters, and letters with a style or a marker."""
    assert NAMED.search(line)


@pytest.mark.parametrize("line", ['cmap="jet"', 'cmap="RdYlGn_r"', "plt.cm.hsv", 'cmap="gist_rainbow"'])
def test_an_unfit_map_is_found(line):
    """The pattern finds color maps, also reversed ones."""
    assert UNFIT.search(line)


@pytest.mark.parametrize("line", ['color="black"', 'color="C0"', '"C1--"', 'cmap="PuOr"', '"b"', 'convert("RGB")'])
def test_allowed_colors_are_not_found(line):
    """Neither pattern finds grays, colors of the style, allowed color maps, or letters that are not colors."""
    assert not NAMED.search(line) and not UNFIT.search(line)
