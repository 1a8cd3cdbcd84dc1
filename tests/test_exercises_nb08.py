"""Answers to the exercises of notebook 08, written apart from the checker; ``test_exercises.py`` tries them."""

import statistics

import torch
from scipy.stats import binomtest

from tlhelpers.classroom.exercises.nb08 import EXERCISES


def mcnemar(first, second):
    disagree = [bool(a) for a, b in zip(first, second, strict=True) if bool(a) != bool(b)]
    return binomtest(sum(disagree), len(disagree)).pvalue if disagree else 1.0


def one_standard_error(losses):
    rows = losses.tolist()
    best = min(rows, key=statistics.mean)
    limit = statistics.mean(best) + statistics.stdev(best) / len(best) ** 0.5
    return next(number for number, row in enumerate(rows) if statistics.mean(row) <= limit)


SOLUTIONS = {"08.1": mcnemar, "08.2": one_standard_error}


def test_answers_that_agree_are_no_evidence():
    """Two classifiers that are right on the same photos differ by nothing: the probability is 1."""
    right = torch.tensor([True, True, False])
    assert EXERCISES["08.1"].reference(right, right) == 1.0


def test_the_simplest_is_often_not_the_best():
    """In the inputs drawn both occur: a simpler strategy within the error, and none."""
    generator = torch.Generator().manual_seed(1)
    drawn = [EXERCISES["08.2"].draw(generator)[0] for _ in range(20)]
    simpler = [EXERCISES["08.2"].reference(losses) < losses.mean(dim=1).argmin() for losses in drawn]
    assert 3 <= sum(simpler) <= 17
