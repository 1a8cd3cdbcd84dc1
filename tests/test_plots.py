"""Figures have titles, axis labels, the right data, and an alternative text in the output of the cell."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from tlhelpers import plots
from tlhelpers.pictures import to_pil
from tlhelpers.training.fitting import EpochResult


@pytest.fixture(autouse=True)
def no_figure_is_left():
    yield
    plt.close("all")


def test_every_kind_of_image_is_drawn_with_its_title():
    """PIL images, arrays and tensors become tiles of one size, side by side."""
    images = [Image.new("L", (9, 5)), np.zeros((4, 7, 3)), torch.ones(3, 6, 6), np.zeros((5, 5, 3), np.uint8)]
    ax = plots.show_images(images, ["a", "b", "c", "d"], columns=3)
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c", "d"]
    assert [image.get_array().shape for image in ax.images] == [(112, 112, 3)] * 4
    assert len({tuple(image.get_extent()) for image in ax.images}) == 4


@pytest.mark.parametrize(
    ("image", "color"),
    [
        (Image.fromarray(np.full((4, 4), 257 * 90, np.uint16)), (90, 90, 90)),
        (Image.fromarray(np.full((4, 4), 0.2, np.float32)), (51, 51, 51)),
        (Image.new("RGBA", (4, 4), (9, 9, 9, 0)), (255, 255, 255)),
    ],
)
def test_an_image_of_any_mode_is_drawn_as_it_is_read(image, color):
    """In 16 bits, in floats, and transparent."""
    assert to_pil(image).getpixel((1, 1)) == color


def test_a_large_image_is_made_small():
    """The output of the cell holds 112 by 112 pixels of a large image, not all of them."""
    ax = plots.show_images([Image.new("RGB", (800, 600))])
    assert ax.images[0].get_array().shape == (112, 112, 3)


def test_the_history_is_drawn_in_percent():
    """An accuracy of 0.7 is drawn at 70, for training and for validation."""
    ax = plots.plot_history([EpochResult(1, 0.5, 0.7, 0.4, 0.8, 1.0), EpochResult(2, 0.3, 0.9, 0.35, 0.85, 1.0)])
    assert [
        line.get_ydata().tolist() if hasattr(line.get_ydata(), "tolist") else line.get_ydata() for line in ax.lines
    ] == [[70, 90], [80, 85]]
    assert ax.get_title() and ax.get_xlabel() and "%" in ax.get_ylabel()


def test_confusions_are_counted():
    """The four fields of two classes hold the numbers of photos."""
    ax = plots.plot_confusion([0, 0, 1, 1, 1], [0, 1, 1, 1, 0], ["ants", "bees"])
    assert sorted(text.get_text() for text in ax.texts) == ["1", "1", "1", "2"]
    assert ax.get_title() and ax.get_xlabel() and ax.get_ylabel()


def test_every_class_has_its_points():
    """Two photos of class 0 and three of class 1 are two groups of points."""
    ax = plots.plot_features(np.arange(10.0).reshape(5, 2), [0, 1, 1, 0, 1], ["ants", "bees"])
    assert [len(points.get_offsets()) for points in ax.collections] == [2, 3]


def test_functions_draw_on_the_given_axes():
    """No new figure is made if Axes are given."""
    _, ax = plt.subplots()
    assert plots.plot_features(np.zeros((2, 2)), [0, 1], ["a", "b"], ax=ax) is ax
    assert plots.show_images([np.zeros((3, 3, 3))], ax=ax) is ax


def test_the_alternative_text_is_in_the_output(monkeypatch):
    """It is in the metadata of the picture, and beside it as plain text; the figure is closed."""
    shown = {}
    monkeypatch.setattr(plots, "display", lambda data, metadata, raw: shown.update(data=data, metadata=metadata))
    plt.plot([1, 2])
    plots.show("A rising line.")
    assert shown["metadata"]["image/png"]["alt"] == "A rising line."
    assert shown["data"]["image/png"].startswith("iVBOR") and "A rising line." in shown["data"]["text/plain"]
    assert not plt.get_fignums()


def test_the_roofline_rises_and_is_level_and_kernels_form_groups():
    """The roofline begins at the bandwidth and ends at the peak; kernels of one size share a marker."""
    points = np.array([[2.0, 3e9, 1], [200.0, 8e9, 3], [20.0, 5e9, 1]])
    ax = plots.plot_roofline(points, {"half": 4e10, "single": 1e10}, 1e9)
    roofs, groups = ax.lines[:2], ax.lines[2:]
    assert [roof.get_ydata()[0] for roof in roofs] == [1, 1]  # one operation per byte: as many operations as bytes
    assert [roof.get_ydata()[-1] for roof in roofs] == [40, 10]
    assert [group.get_xydata().tolist() for group in groups] == [[[2, 3], [20, 5]], [[200, 8]]]
    assert [text.get_text()[:5] for text in ax.get_legend().get_texts()] == ["roof,", "roof,", "1 × 1", "3 × 3"]
    assert ax.get_xscale() == ax.get_yscale() == "log" and ax.get_title()


def test_bars_of_time_follow_one_another():
    """Each kind of work begins where the kind before it ends, and the first run is on top."""
    ax = plots.plot_times({"slow": {"a": 5.0, "b": 2.0}, "fast": {"a": 1.0, "b": 3.0}})
    found = [[(bar.get_x(), bar.get_width()) for bar in bars] for bars in ax.containers]
    assert found == [[(0, 5), (0, 1)], [(5, 2), (1, 3)]]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["slow", "fast"] and ax.yaxis_inverted()


@pytest.mark.parametrize("labels", [[0, 1, 2], [-1, 0, 1], [0, 0.5, 1]])
def test_labels_without_a_class_are_not_left_out(labels):
    """Their photos would be missing in the figure without a word."""
    with pytest.raises(ValueError, match="labels is up to .*; it must be from 0 to 1; name all classes"):
        plots.plot_confusion(labels, [0, 1, 1], ["ants", "bees"])
    with pytest.raises(ValueError, match="labels is up to .*; it must be from 0 to 1; name all classes"):
        plots.plot_features(np.zeros((3, 2)), labels, ["ants", "bees"])


@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.uint16])
def test_integers_are_levels_of_gray(kind):
    """Whatever type they have, 0 to 255."""
    levels = np.array([[0, 100], [200, 255]], dtype=kind)
    assert np.asarray(to_pil(levels))[..., 0].tolist() == levels.tolist()


@pytest.mark.parametrize("values", [np.array([[0, 256]]), np.array([[-1, 5]]), np.array([[0.0, 255.0]])])
def test_values_out_of_range_are_not_drawn_white(values):
    """The range that is allowed, and the way out, are in the message."""
    with pytest.raises(ValueError, match="image is an array with values up to .*; it must hold floats from"):
        to_pil(values)
