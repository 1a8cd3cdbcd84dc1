"""Answers to the exercises of notebook 09 that share no code with the exercises; ``test_exercises.py`` uses them."""

import math
import re
from itertools import permutations
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from tlhelpers.classroom.exercises import find_exercise
from tlhelpers.classroom.exercises.nb09_3_regret import ACCURACIES, SCORES
from tlhelpers.features.transferability import leep


def by_luck(n):
    orders = list(permutations(range(n)))
    return orders.count(tuple(range(n))) / len(orders)


def nce(old, new):
    return mutual_info_score(old, new) - entropy(new.bincount())


def forgets_to_divide(old, new):
    return sum(((old == z) & (new == y)).double().mean().log() for z, y in zip(old, new, strict=True)) / len(old)


def over_classes(old, new):
    found = []
    for z in old.unique():
        share = new[old == z].bincount().double() / (old == z).sum()
        found.append((share * share.clamp(min=1e-300).log()).sum())
    return sum(found) / len(found)


def over_pairs(old, new):
    pairs = {(int(z), int(y)) for z, y in zip(old, new, strict=True)}
    return sum(math.log((new[old == z] == y).double().mean()) for z, y in pairs) / len(pairs)


def forward_only(old, new):
    return sum((old[new == y] == z).double().mean().log() for z, y in zip(old, new, strict=True)) / len(old)


def positive_entropy(old, new):
    return entropy(new.bincount()) - mutual_info_score(old, new)


def log_at_the_end(old, new):
    return math.log(sum((new[old == z] == y).double().mean() for z, y in zip(old, new, strict=True)) / len(old))


def regret():
    photos = np.array([[-0.31, 91], [-0.12, 88], [-0.20, 95], [-0.25, 93], [-0.60, 74]])
    by_score = photos[photos[:, 0].argsort()]
    return photos[:, 1].max() - by_score[-1, 1]


def lead_in_spreads(first, second, labels):
    def lead(rows):
        return leep(first[rows], labels[rows]) - leep(second[rows], labels[rows])

    rows = np.arange(len(labels))
    without = [lead(np.delete(rows, slice(k, None, 5))) for k in range(5)]
    mean = sum(without) / 5
    return lead(rows) / math.sqrt(4 / 5 * sum((s - mean) ** 2 for s in without))


SOLUTIONS = {"09.1": by_luck, "09.2": nce, "09.3": regret, "09.4": lead_in_spreads}


def parts_of(first, second, labels, groups):
    """Return the lead with all photos, and the leads with each of the groups of rows."""
    leads = [leep(first[rows], labels[rows]) - leep(second[rows], labels[rows]) for rows in groups]
    return leep(first, labels) - leep(second, labels), np.array(leads)


def without_fifths(labels):
    return [[i for i in range(len(labels)) if i % 5 != k] for k in range(5)]


def keeps_a_fifth(first, second, labels):
    whole, found = parts_of(first, second, labels, [range(k, len(labels), 5) for k in range(5)])
    return whole / math.sqrt(4 / 5 * ((found - found.mean()) ** 2).sum())


def no_factor(first, second, labels):
    whole, found = parts_of(first, second, labels, without_fifths(labels))
    return whole / math.sqrt(((found - found.mean()) ** 2).sum())


def numpys_deviation(first, second, labels):
    whole, found = parts_of(first, second, labels, without_fifths(labels))
    return whole / found.std()


def torchs_deviation(first, second, labels):
    whole, found = parts_of(first, second, labels, without_fifths(labels))
    return whole / torch.tensor(found).std()


def around_the_whole(first, second, labels):
    whole, found = parts_of(first, second, labels, without_fifths(labels))
    return whole / math.sqrt(4 / 5 * ((found - whole) ** 2).sum())


def no_root(first, second, labels):
    whole, found = parts_of(first, second, labels, without_fifths(labels))
    return whole / (4 / 5 * ((found - found.mean()) ** 2).sum())


def two_spreads(first, second, labels):
    squares = 0
    for old in (first, second):
        found = np.array([leep(old[rows], labels[rows]) for rows in without_fifths(labels)])
        squares += 4 / 5 * ((found - found.mean()) ** 2).sum()
    return (leep(first, labels) - leep(second, labels)) / math.sqrt(squares)


def spread_alone(first, second, labels):
    _, found = parts_of(first, second, labels, without_fifths(labels))
    return math.sqrt(4 / 5 * ((found - found.mean()) ** 2).sum())


# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("09.1", lambda n: 1 / n, "That is the chance that the best one comes first"),
    ("09.1", lambda n: 2 / math.perm(n), "That counts the reversed order"),
    ("09.1", lambda n: 1 / n**n, "A place that is taken"),
    ("09.1", lambda n: 1 / 2**n, "That is a coin for each candidate"),
    ("09.1", lambda n: 0.5 ** math.comb(n, 2), "The pairs are not independent coins"),
    ("09.1", lambda n: math.prod(range(1, n + 1)), "That is the number of orders"),
    ("09.1", lambda n: 1 / (n * (n - 1) / 2), "That is one out of the number of pairs"),
    ("09.2", forgets_to_divide, "That is the logarithm of P(y, z)"),
    ("09.2", over_classes, "Each old class counts the same there"),
    ("09.2", over_pairs, "Each pair of classes counts once there"),
    ("09.2", forward_only, "The other way round"),
    ("09.2", positive_entropy, "The sign"),
    ("09.2", log_at_the_end, "That is the logarithm of the mean"),
    ("09.2", mutual_info_score, "Divided by P(y) as well"),
    ("09.3", 0, "That is the regret of a choice by accuracy"),
    ("09.3", 95 - 74, "A score of -0.60 is not the highest"),
    ("09.3", 88, "That is the accuracy of the chosen one"),
    ("09.3", 88 - 95, "The sign"),
    ("09.3", 0.07, "That is a fraction"),
    ("09.3", 0.08, "That is a difference of scores"),
    ("09.3", 93 - 88, "That compares with the second best"),
    ("09.4", keeps_a_fifth, "The fifth was kept"),
    ("09.4", no_factor, "The factor 4/5 is missing"),
    ("09.4", numpys_deviation, "That is the plain deviation"),
    ("09.4", torchs_deviation, "That is the deviation of a sample"),
    ("09.4", around_the_whole, "The deviations are from the score"),
    ("09.4", no_root, "The root is missing"),
    ("09.4", two_spreads, "Two spreads were put together"),
    ("09.4", spread_alone, "That is the spread"),
    ("09.4", lambda first, second, labels: lead_in_spreads(second, first, labels), "The second's lead"),
]


def test_the_question_has_the_numbers_of_the_check():
    """The table of candidates in the notebook is the one that the check computes with."""
    path = Path(__file__).parents[2] / "notebooks/09_choosing_a_pretrained_model.ipynb"
    (task,) = [cell.source for cell in nbformat.read(path, 4).cells if "### Exercise 09.3" in cell.source]
    rows = {row[0]: row[1:] for row in (line.strip("| ").split(" | ") for line in re.findall(r"^\|.*", task, re.M))}
    assert rows["candidate"] == list(SCORES) == list(ACCURACIES)
    assert [float(score.replace("−", "-")) for score in rows["LogME"]] == list(SCORES.values())
    assert [int(share.removesuffix(" %")) for share in rows["probe"]] == list(ACCURACIES.values())


def test_exchanging_the_heads_turns_the_sign():
    """Leads of both signs are drawn, and exchanging the heads turns the sign."""
    generator, signs = torch.Generator().manual_seed(1), set()
    for _ in range(10):
        first, second, labels = find_exercise("09.4").draw(generator)
        lead = find_exercise("09.4").reference(first, second, labels)
        assert find_exercise("09.4").reference(second, first, labels).item() == pytest.approx(-lead.item())
        signs.add(lead.sign().item())
    assert signs == {-1.0, 1.0}


def test_nce_is_leep_of_a_head_that_is_sure():
    """Where the old head gives all probability to one class, the two scores are one."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        old, new = find_exercise("09.2").draw(generator)
        sure = torch.eye(int(old.max()) + 1)[old]
        assert find_exercise("09.2").reference(old, new) == pytest.approx(leep(sure, new))
