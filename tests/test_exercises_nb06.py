"""Answers to the exercises of notebook 06, written apart from the checker; ``test_exercises.py`` tries them."""

import torch

from tlhelpers.classroom.exercises.nb06 import EXERCISES


def photos_needed(accuracy, error):
    n = 1
    while (accuracy * (1 - accuracy) / n) ** 0.5 > error:
        n += 1
    return n


def leave_one_out(features, labels, k):
    unit = features / features.norm(dim=1, keepdim=True)
    similarity = (unit @ unit.T).fill_diagonal_(-2)
    votes = labels[similarity.topk(k).indices].double().mean(dim=1)
    return ((votes > 0.5) == labels).double().mean()


SOLUTIONS = {"06.1": photos_needed, "06.2": leave_one_out}


def test_the_number_of_photos_is_the_smallest():
    """With the number asked for the error is small enough, with one photo fewer it is not."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(10):
        accuracy, error = EXERCISES["06.1"].draw(generator)
        n = EXERCISES["06.1"].reference(accuracy, error)
        assert (accuracy * (1 - accuracy) / n) ** 0.5 <= error < (accuracy * (1 - accuracy) / (n - 1)) ** 0.5


def test_leaving_one_out_is_not_fooled_by_a_twin_of_oneself():
    """Of two pairs of equal photos with different labels, each photo is told wrong by its twin."""
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert EXERCISES["06.2"].reference(features, torch.tensor([0, 1, 0, 1]), 1) == 0
    assert EXERCISES["06.2"].reference(features, torch.tensor([0, 0, 1, 1]), 1) == 1
