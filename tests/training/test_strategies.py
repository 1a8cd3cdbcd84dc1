"""The rows of the table: each has a name once, and a row with impossible numbers is refused."""

import math

import pytest

from tlhelpers.training.strategies import STRATEGIES, Strategy, find_strategy


def test_a_name_finds_its_row_and_a_row_is_itself():
    """Every name of the table, and a row of one's own."""
    assert all(find_strategy(name) is row for name, row in STRATEGIES.items())
    mine = Strategy(peak_rate=0.1)
    assert find_strategy(mine) is mine


def test_an_unknown_name_is_answered_with_all_names():
    """The sentence lists what there is."""
    with pytest.raises(ValueError, match="strategy is 'all'; it must be one of linear probe, LP-FT, .*, from scratch"):
        find_strategy("all")


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"peak_rate": 0}, "peak_rate is 0; it must be positive and finite; give None to train nothing"),
        ({"peak_rate": math.nan}, "peak_rate is nan; it must be positive"),
        ({"pull": -1}, "pull is -1; it must not be negative; give 0 for none"),
        ({"weight_decay": math.nan}, "weight_decay is nan; it must not be negative"),
    ],
)
def test_impossible_numbers_are_refused(numbers, sentence):
    """A negative pull would push the weights away without a word."""
    with pytest.raises(ValueError, match=sentence):
        Strategy(**numbers)
