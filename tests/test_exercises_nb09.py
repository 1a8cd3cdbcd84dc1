"""Answers to the exercises of notebook 09, written apart from the checker; ``test_exercises.py`` tries them."""

from itertools import permutations

import pytest
import torch
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from tlhelpers.classroom.exercises.nb09 import EXERCISES
from tlhelpers.transferability import leep


def by_luck(n):
    orders = list(permutations(range(n)))
    return orders.count(tuple(range(n))) / len(orders)


def nce(old, new):
    return mutual_info_score(old, new) - entropy(new.bincount())  # what the old says of the new, less all there is


def forgets_to_divide(old, new):
    return sum(((old == z) & (new == y)).double().mean().log() for z, y in zip(old, new, strict=True)) / len(old)


def over_classes(old, new):
    found = []
    for z in old.unique():
        share = new[old == z].bincount().double() / (old == z).sum()
        found.append((share * share.clamp(min=1e-300).log()).sum())
    return sum(found) / len(found)


SOLUTIONS = {"09.1": by_luck, "09.2": nce}
TYPICAL = [
    ("09.1", lambda n: 1 / (n * (n - 1) / 2), "That is one out of the number of pairs"),
    ("09.2", forgets_to_divide, "That is the logarithm of P(y, z)"),
    ("09.2", over_classes, "Each old class counts the same there"),
]


def test_nce_is_leep_of_a_head_that_is_sure():
    """Where the old head gives all probability to one class, the two scores are one."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        old, new = EXERCISES["09.2"].draw(generator)
        sure = torch.eye(int(old.max()) + 1)[old]
        assert EXERCISES["09.2"].reference(old, new) == pytest.approx(leep(sure, new))
