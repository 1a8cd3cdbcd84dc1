"""Answers to the exercises of notebook 06, written apart from the checker; ``test_exercises.py`` tries them."""

import math

import torch
from sklearn.decomposition import PCA
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

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


def balanced():
    """Write every photo down, 0 for an ant and 1 for a bee, and what was said of it."""
    return balanced_accuracy_score([0] * 90 + [1] * 10, [0] * 81 + [1] * 9 + [1] * 4 + [0] * 6)


def rebuilt(train, photos, count):
    analysis = PCA(count).fit(train.numpy())
    return torch.tensor(analysis.inverse_transform(analysis.transform(photos.numpy())))


SOLUTIONS = {"06.1": photos_needed, "06.2": leave_one_out, "06.3": balanced, "06.4": rebuilt}


def by_hand(features, labels, k, *, cosine=True, itself=False):
    """Vote in loops, with what is easily forgotten."""
    right = 0
    for i in range(len(features)):
        near = []
        for j in range(len(features)):
            product = (features[i] * features[j]).sum()
            if cosine:
                product = product / (features[i].norm() * features[j].norm())
            if itself or i != j:
                near.append((product.item(), labels[j].item()))
        bees = sum(label for _, label in sorted(near)[::-1][:k])
        right += int(bees > k / 2) == labels[i].item()
    return right / len(features)


def of_scikit_learn(features, labels, k):
    """Forget that a photo which was learnt is its own neighbour."""
    return KNeighborsClassifier(k, metric="cosine").fit(features, labels).score(features, labels)


def from_distances(features, labels, k):
    """Take the distance, as neighbours are commonly found."""
    apart = torch.cdist(features, features).fill_diagonal_(float("inf"))
    votes = labels[apart.topk(k, largest=False).indices].sum(dim=1)
    return ((votes > k / 2) == labels).float().mean().item()


def projected(train, photos, count, *, centre=None, fit=None, home=True):
    """Go there and back by the decomposition, with what is easily got wrong."""
    centre = train.mean(0) if centre is None else centre
    u, s, v = torch.svd(train - centre if fit is None else fit)
    back = ((photos - centre) @ v[:, :count]) @ v[:, :count].T
    return back + centre if home else back


def rows_for_columns(train, photos, count):
    """Believe that the last factor holds its directions as columns."""
    centre = train.mean(0)
    _, _, v = torch.linalg.svd(train - centre)
    return centre + (photos - centre) @ v[:, :count] @ v[:, :count].T


def rising(train, photos, count):
    """Take the first eigenvectors, of the smallest eigenvalues."""
    centre = train.mean(0)
    _, vectors = torch.linalg.eigh((train - centre).T @ (train - centre))
    return centre + (photos - centre) @ vectors[:, :count] @ vectors[:, :count].T


def coordinates(train, photos, count):
    """Stop half way, with the signs of torch."""
    centre = train.mean(0)
    return torch.linalg.svd(train - centre)[2][:count].matmul((photos - centre).T).T


# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("06.1", lambda p, e: math.ceil(p * (1 - p) / e), "The root is forgotten"),
    ("06.1", lambda p, e: int(p * (1 - p) / e**2), "Rounded down"),
    ("06.1", lambda p, e: p * (1 - p) / (e * e), "Photos come whole"),
    ("06.1", lambda p, e: int(p * (1 - p) / e**2) + 2, "One too many"),
    ("06.1", lambda p, e: math.ceil((0.5 / e) ** 2), "That is the number for an accuracy of one half"),
    ("06.1", lambda p, e: math.ceil(p / e**2), "The factor 1 - p is missing"),
    ("06.2", of_scikit_learn, "The photo counted itself"),
    ("06.2", lambda *inputs: by_hand(*inputs, itself=True), "The photo counted itself"),
    ("06.2", lambda *inputs: by_hand(*inputs, cosine=False), "The vectors are not of length 1"),
    ("06.2", from_distances, "That is the distance between the points"),
    ("06.2", lambda features, labels, k: by_hand(features, labels, k) * len(labels), "That is the number of photos"),
    ("06.2", lambda *inputs: 1 - by_hand(*inputs), "That is the share of errors"),
    ("06.2", lambda features, labels, k: by_hand(features, labels, k=1), "Only the nearest one voted"),
    ("06.3", 85 / 100, "That is the plain accuracy"),
    ("06.3", 81 / 90 + 4 / 10, "The two shares are added"),
    ("06.3", 65, "In percent it is right"),
    ("06.3", (81 / 87 + 4 / 13) / 2, "Those are the shares of what was called ant"),
    ("06.3", (9 / 90 + 6 / 10) / 2, "That is what is named wrong"),
    ("06.3", 0.4, "That is the share of the bees"),
    ("06.4", lambda *inputs: projected(*inputs, centre=0), "Nothing is centred"),
    ("06.4", lambda train, *rest: projected(train, *rest, fit=train), "The training photos were not centred"),
    ("06.4", lambda *inputs: projected(*inputs, home=False), "The centre is missing in the end"),
    ("06.4", lambda train, *rest: projected(train, *rest, centre=train.mean()), "There is a centre for each feature"),
    ("06.4", lambda train, photos, count: projected(photos, photos, count), "Those are the components of the new"),
    ("06.4", rows_for_columns, "Rows and columns are exchanged"),
    ("06.4", rising, "Those are the last components"),
    ("06.4", coordinates, "Those are the coordinates"),
]


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


def test_all_components_tell_the_whole_photo():
    """With as many components as features a photo comes back as it was; with fewer it does not."""
    train, photos, _ = EXERCISES["06.4"].draw(torch.Generator().manual_seed(1))
    torch.testing.assert_close(EXERCISES["06.4"].reference(train, photos, 5), photos)
    assert not torch.allclose(EXERCISES["06.4"].reference(train, photos, 4), photos, atol=0.01)
