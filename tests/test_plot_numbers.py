"""A matrix drawn as squares shows each number at its position and frames the chosen part."""

import matplotlib.pyplot as plt
import torch

from tlhelpers.plots import plot_numbers


def test_every_number_is_at_its_row_and_column():
    """The text at (column, row) is the value at [row, column], rounded to three digits."""
    values = torch.tensor([[1.0, -2.0, 0.12345], [40.0, 5.0, 6.0]])
    ax = plot_numbers(values, title="six numbers")
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts == {(c, r): f"{values[r, c].item():.3g}" for r in range(2) for c in range(3)}
    assert ax.get_title() == "six numbers" and not ax.patches
    plt.close(ax.figure)


def test_the_frame_encloses_the_window():
    """The center of a square is its index and its side is 1, so the frame begins half a unit before the index."""
    figure, ax = plt.subplots()
    assert plot_numbers(torch.zeros(4, 5), window=(1, 2, 3, 2), ax=ax) is ax
    frame = ax.patches[0]
    assert (frame.get_xy(), frame.get_width(), frame.get_height()) == ((1.5, 0.5), 2, 3)
    plt.close(figure)
