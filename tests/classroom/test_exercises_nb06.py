"""Answers to the exercises of notebook 06 that share no code with the exercises; ``test_exercises.py`` uses them."""

import math

import torch
from sklearn.decomposition import PCA
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from tlhelpers.classroom.exercises import find_exercise


def photos_needed(accuracy, error):
    n = 1
    while (accuracy * (1 - accuracy) / n) ** 0.5 > error:
        n += 1
    return n


def leave_one_out(features, labels, k, *, cosine=True, itself=False):
    """Count the votes in loops; the photo itself may vote, and a plain product may replace the cosine."""
    rows, labels, right = features.tolist(), labels.tolist(), 0
    for i, one in enumerate(rows):
        near = []
        for j, other in enumerate(rows):
            product = sum(a * b for a, b in zip(one, other, strict=True))
            similarity = product / (math.hypot(*one) * math.hypot(*other)) if cosine else product
            if itself or i != j:
                near.append((similarity, labels[j]))
        bees = sum(label for _, label in sorted(near)[::-1][:k])
        right += (bees > k / 2) == labels[i]
    return right / len(rows)


def balanced():
    """Write down every photo and its prediction, 0 for an ant and 1 for a bee."""
    return balanced_accuracy_score([0] * 90 + [1] * 10, [0] * 81 + [1] * 9 + [1] * 4 + [0] * 6)


def rebuilt(train, photos, count):
    analysis = PCA(count).fit(train.numpy())
    return torch.tensor(analysis.inverse_transform(analysis.transform(photos.numpy())))


SOLUTIONS = {"06.1": photos_needed, "06.2": leave_one_out, "06.3": balanced, "06.4": rebuilt}


def of_scikit_learn(features, labels, k):
    """Forget that each training photo is its own neighbor."""
    return KNeighborsClassifier(k, metric="cosine").fit(features, labels).score(features, labels)


def from_distances(features, labels, k):
    """Use the Euclidean distance."""
    apart = torch.cdist(features, features).fill_diagonal_(float("inf"))
    votes = labels[apart.topk(k, largest=False).indices].sum(dim=1)
    return ((votes > k / 2) == labels).float().mean().item()


def projected(train, photos, count, *, center=None, fit=None, home=True):
    """Rebuild photos by the decomposition, with one part changed."""
    center = train.mean(0) if center is None else center
    u, s, v = torch.svd(train - center if fit is None else fit)
    back = ((photos - center) @ v[:, :count]) @ v[:, :count].T
    return back + center if home else back


def rows_for_columns(train, photos, count):
    """Take the columns of the last factor instead of its rows."""
    center = train.mean(0)
    _, _, v = torch.linalg.svd(train - center)
    return center + (photos - center) @ v[:, :count] @ v[:, :count].T


def rising(train, photos, count):
    """Take the first eigenvectors, which belong to the smallest eigenvalues."""
    center = train.mean(0)
    _, vectors = torch.linalg.eigh((train - center).T @ (train - center))
    return center + (photos - center) @ vectors[:, :count] @ vectors[:, :count].T


def coordinates(train, photos, count):
    """Return the coordinates."""
    center = train.mean(0)
    return torch.linalg.svd(train - center)[2][:count].matmul((photos - center).T).T


# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("06.1", lambda p, e: math.ceil(p * (1 - p) / e), "The root is forgotten"),
    ("06.1", lambda p, e: int(p * (1 - p) / e**2), "Rounded down"),
    ("06.1", lambda p, e: p * (1 - p) / (e * e), "Photos come whole"),
    ("06.1", lambda p, e: int(p * (1 - p) / e**2) + 2, "One too many"),
    ("06.1", lambda p, e: math.ceil((0.5 / e) ** 2), "That is the number for an accuracy of one half"),
    ("06.1", lambda p, e: math.ceil(p / e**2), "The factor 1 - p is missing"),
    ("06.2", of_scikit_learn, "The photo counted itself"),
    ("06.2", lambda *inputs: leave_one_out(*inputs, itself=True), "The photo counted itself"),
    ("06.2", lambda *inputs: leave_one_out(*inputs, cosine=False), "The vectors are not of length 1"),
    ("06.2", from_distances, "That is the distance between the points"),
    (
        "06.2",
        lambda features, labels, k: leave_one_out(features, labels, k) * len(labels),
        "That is the number of photos",
    ),
    ("06.2", lambda *inputs: 1 - leave_one_out(*inputs), "That is the share of errors"),
    ("06.2", lambda features, labels, k: leave_one_out(features, labels, k=1), "Only the nearest one voted"),
    ("06.3", 85 / 100, "That is the plain accuracy"),
    ("06.3", 81 / 90 + 4 / 10, "The two shares are added"),
    ("06.3", 65, "In percent it is right"),
    ("06.3", (81 / 87 + 4 / 13) / 2, "Those are the shares of what was called ant"),
    ("06.3", (9 / 90 + 6 / 10) / 2, "That is what is named wrong"),
    ("06.3", 0.4, "That is the share of the bees"),
    ("06.4", lambda *inputs: projected(*inputs, center=0), "Nothing is centered"),
    ("06.4", lambda train, *rest: projected(train, *rest, fit=train), "The training photos were not centered"),
    ("06.4", lambda *inputs: projected(*inputs, home=False), "The center is missing in the end"),
    ("06.4", lambda train, *rest: projected(train, *rest, center=train.mean()), "There is a center for each feature"),
    ("06.4", lambda train, photos, count: projected(photos, photos, count), "Those are the components of the new"),
    ("06.4", rows_for_columns, "Rows and columns are exchanged"),
    ("06.4", rising, "Those are the last components"),
    ("06.4", coordinates, "Those are the coordinates"),
]


def test_the_number_of_photos_is_the_smallest():
    """With this number of photos the error is small enough, and with one photo fewer it is not."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(10):
        accuracy, error = find_exercise("06.1").draw(generator)
        n = find_exercise("06.1").reference(accuracy, error)
        assert (accuracy * (1 - accuracy) / n) ** 0.5 <= error < (accuracy * (1 - accuracy) / (n - 1)) ** 0.5


def test_a_photo_does_not_vote_for_itself():
    """Of two equal photos with different labels, each is classified wrongly by the other."""
    features = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert find_exercise("06.2").reference(features, torch.tensor([0, 1, 0, 1]), 1) == 0
    assert find_exercise("06.2").reference(features, torch.tensor([0, 0, 1, 1]), 1) == 1


def test_all_components_rebuild_the_features_exactly():
    """With as many components as features the result equals the input; with fewer it does not."""
    train, photos, _ = find_exercise("06.4").draw(torch.Generator().manual_seed(1))
    torch.testing.assert_close(find_exercise("06.4").reference(train, photos, 5), photos)
    assert not torch.allclose(find_exercise("06.4").reference(train, photos, 4), photos, atol=0.01)
