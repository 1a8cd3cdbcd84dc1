"""Wrong answers to the exercises of notebook 06, as learners write them; ``test_wrong_answers.py`` uses them."""

import math

import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier


def unit(features):
    return features / features.norm(dim=1, keepdim=True)


def rounded_down(accuracy, error):
    return int(accuracy * (1 - accuracy) / error**2)


def error_not_squared(accuracy, error):
    return math.ceil(accuracy * (1 - accuracy) / error)


def root_kept(accuracy, error):
    return int(np.ceil(np.sqrt(accuracy * (1 - accuracy)) / error))


def worst_accuracy_assumed(accuracy, error):
    return math.ceil(0.25 / error**2)


def two_standard_errors(accuracy, error):
    return math.ceil(1.96**2 * accuracy * (1 - accuracy) / error**2)


def part_of_a_photo(accuracy, error):
    return accuracy * (1 - accuracy) / error**2


def own_neighbor(features, labels, k):
    neighbors = KNeighborsClassifier(k, metric="cosine").fit(features, labels)
    return (neighbors.predict(features) == labels.numpy()).mean()


def one_neighbor_short(features, labels, k):
    similarity = unit(features) @ unit(features).T
    nearest = similarity.topk(k, dim=1).indices[:, 1:]
    votes = labels[nearest].double().mean(dim=1)
    return ((votes > 0.5) == labels).double().mean().item()


def lengths_left_in(features, labels, k):
    similarity = (features @ features.T).fill_diagonal_(-torch.inf)
    votes = labels[similarity.topk(k, dim=1).indices].double().mean(dim=1)
    return ((votes > 0.5) == labels).double().mean().item()


def one_vote_is_enough(features, labels, k):
    similarity = (unit(features) @ unit(features).T).fill_diagonal_(-2)
    votes = labels[similarity.topk(k, dim=1).indices].sum(dim=1)
    return ((votes > 0.5) == labels).double().mean().item()


def mean_of_whole_numbers(features, labels, k):
    similarity = (unit(features) @ unit(features).T).fill_diagonal_(-2)
    votes = labels[similarity.topk(k, dim=1).indices].mean(dim=1)
    return ((votes > 0.5) == labels).double().mean().item()


def columns_to_unit_length(features, labels, k):
    scaled = features / features.norm(dim=0)
    similarity = (scaled @ scaled.T).fill_diagonal_(-torch.inf)
    votes = labels[similarity.topk(k, dim=1).indices].double().mean(dim=1)
    return ((votes > 0.5) == labels).double().mean().item()


def never_centered(train, photos, count):
    _, _, directions = torch.linalg.svd(train, full_matrices=False)
    kept = directions[:count]
    return photos @ kept.T @ kept


def center_not_added_back(train, photos, count):
    center = train.mean(dim=0)
    _, _, directions = torch.linalg.svd(train - center, full_matrices=False)
    kept = directions[:count]
    return (photos - center) @ kept.T @ kept


def coordinates_only(train, photos, count):
    center = train.mean(dim=0)
    _, _, directions = torch.linalg.svd(train - center, full_matrices=False)
    return (photos - center) @ directions[:count].T


def centered_by_their_own_mean(train, photos, count):
    _, _, directions = torch.linalg.svd(train - train.mean(dim=0), full_matrices=False)
    kept, center = directions[:count], photos.mean(dim=0)
    return center + (photos - center) @ kept.T @ kept


def smallest_components_first(train, photos, count):
    center = train.mean(dim=0)
    _, vectors = torch.linalg.eigh((train - center).T @ (train - center))
    kept = vectors[:, :count]
    return center + (photos - center) @ kept @ kept.T


def columns_for_rows(train, photos, count):
    center = train.mean(dim=0)
    _, _, directions = torch.linalg.svd(train - center, full_matrices=False)
    kept = directions[:, :count]
    return center + (photos - center) @ kept @ kept.T


WRONG = {
    "06.1": [
        rounded_down,
        error_not_squared,
        root_kept,
        worst_accuracy_assumed,
        two_standard_errors,
        part_of_a_photo,
    ],
    "06.2": [
        own_neighbor,
        one_neighbor_short,
        lengths_left_in,
        one_vote_is_enough,
        mean_of_whole_numbers,
        columns_to_unit_length,
    ],
    "06.3": [
        (81 + 4) / (90 + 10),  # the plain accuracy
        100 * (81 / 90 + 4 / 10) / 2,  # in percent
        81 / 90 + 4 / 10 / 2,  # brackets forgotten
        (81 / (81 + 6) + 4 / (4 + 9)) / 2,  # shares of what was said, not of what was there
        math.sqrt(81 / 90 * 4 / 10),  # another mean
        (81 / 100 + 4 / 100) / 2,  # shares of all photos
    ],
    "06.4": [
        never_centered,
        center_not_added_back,
        coordinates_only,
        centered_by_their_own_mean,
        smallest_components_first,
        columns_for_rows,
    ],
}
