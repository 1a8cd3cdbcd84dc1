"""The three scores are what their definitions say, by a second, slower formula, and order what can be ordered."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tlhelpers.features.transferability import h_score, leep, log_evidence


@st.composite
def tasks(draw, most=30):
    """Features and labels, every class at least once, with gaps among the numbers of the classes."""
    n, d, classes = draw(st.integers(6, most)), draw(st.integers(1, 5)), draw(st.integers(2, 4))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    labels = torch.cat([torch.arange(classes), torch.randint(classes, (n - classes,), generator=generator)])
    features = torch.randn(n, d, generator=generator, dtype=torch.float64)
    features = features + draw(st.floats(0, 2)) * labels[:, None]
    return features, 3 * labels + 1


@given(task=tasks())
def test_h_score_is_its_definition_by_sums(task):
    """Ledoit and Wolf's share, the shrunken covariance, and that of the class means, photo by photo."""
    features, labels = (values.numpy() for values in task)
    n, d = features.shape
    centered = features - sum(features) / n
    whole, between = np.zeros((d, d)), np.zeros((d, d))
    for f, y in zip(centered, labels, strict=True):
        mean = sum(g for g, z in zip(centered, labels, strict=True) if z == y) / sum(z == y for z in labels)
        whole += np.outer(f, f) / n
        between += np.outer(mean, mean) / n
    round_ = np.trace(whole) / d * np.eye(d)
    error = sum(np.linalg.norm(np.outer(f, f) - whole) ** 2 for f in centered) / n**2
    share = min(1, error / np.linalg.norm(whole - round_) ** 2) if d > 1 else 0
    shrunken = (1 - share) * whole + share * round_
    expected = (1 - share) * np.trace(np.linalg.solve(shrunken, between))
    assert h_score(*task) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(task=tasks())
def test_leep_is_its_definition_by_sums(task):
    """P(y, z), P(y | z) and the mixture, photo by photo and class by class."""
    features, labels = task
    probabilities = features.softmax(dim=1).numpy()
    n, old = probabilities.shape
    total = 0.0
    for i, y in enumerate(labels):
        mixture = 0.0
        for z in range(old):
            joint = sum(probabilities[j, z] for j in range(n) if labels[j] == y) / n
            mixture += joint / (sum(probabilities[:, z]) / n) * probabilities[i, z]
        total += np.log(mixture) / n
    assert leep(torch.tensor(probabilities), labels) == pytest.approx(total, rel=1e-9)


@given(task=tasks(most=12))
def test_log_evidence_is_the_largest_of_the_density_written_out(task):
    """A Gaussian of covariance (I + F F' / ratio) / beta at 1501 ratios; no beta beside the best gives more."""
    features, labels = (values.numpy() for values in task)
    n = len(labels)
    mean = np.trace(features.T @ features) / features.shape[1]
    ratios = mean * np.exp(np.linspace(-8, 8, 1501) * np.log(10))[:, None, None]
    shape = np.eye(n) + features @ features.T / ratios  # (1501, N, N)

    def density(beta, y):
        spread = np.linalg.slogdet(shape / beta)[1] + n * np.log(2 * np.pi)
        return -(spread + np.linalg.solve(shape / beta, y[None, :, None])[..., 0] @ y) / 2

    best = []
    for kind in np.unique(labels):
        y = (labels == kind).astype(float)
        beta = n / (np.linalg.solve(shape, y[None, :, None]).swapaxes(1, 2) @ y[:, None])
        found = density(beta, y)
        assert (found >= density(0.99 * beta, y)).all() and (found >= density(1.01 * beta, y)).all()
        best.append(found.max() / n)
    assert log_evidence(*task) == pytest.approx(np.mean(best), abs=1e-4)


@pytest.mark.parametrize("score", [h_score, log_evidence])
def test_clearer_features_score_higher(score):
    """The farther apart two clouds lie, the better the score; noise has the worst."""
    labels = torch.arange(200) % 2
    noise = torch.randn(200, 10)
    scores = [score(noise + gap * labels[:, None], labels) for gap in (0.0, 0.5, 1.0, 2.0, 4.0)]
    assert scores == sorted(scores)


def test_leep_of_a_head_that_knows_nothing():
    """It is minus log C; of a head that knows everything, 0."""
    labels = torch.arange(12) % 3
    assert leep(torch.full((12, 7), 1 / 7), labels) == pytest.approx(-np.log(3), abs=1e-6)
    assert leep(torch.eye(3)[labels], labels) == pytest.approx(0)


@pytest.mark.parametrize("score", [h_score, log_evidence])
def test_more_features_than_photos(score):
    """As in practice, 300 features of 40 photos: ten that know the class still count, and more if they are clearer."""
    noise, labels = torch.randn(40, 300), torch.arange(40) % 4
    scores = []
    for gap in (0.0, 1.0, 2.0, 4.0):
        features = noise.clone()
        features[:, :10] += gap * torch.eye(4)[labels].repeat(1, 3)[:, :10]
        scores.append(score(features, labels))
    assert scores == sorted(scores) and scores[-1] > scores[0] + 0.1


@pytest.mark.parametrize("features", [torch.ones(6, 3), torch.tensor([1.0, -1.0]).repeat(3)[:, None].repeat(1, 3)])
def test_h_score_of_features_without_an_inverse(features):
    """Constant features score 0; copies of one feature score what that feature scores."""
    labels = torch.arange(6) % 2
    expected = 0 if features.std() == 0 else 1
    assert h_score(features, labels) == pytest.approx(expected)


BAD = {
    "one class": (torch.rand(4, 2), torch.ones(4).long(), "all 4 labels are of one class"),
    "too few labels": (
        torch.rand(4, 2),
        torch.tensor([0, 1, 0]),
        r"shapes are \(4, 2\) and \(3,\); they must match",
    ),
    "maps": (torch.rand(4, 2, 3, 3), torch.tensor([0, 1, 0, 1]), r"the shapes are \(4, 2, 3, 3\) and \(4,\)"),
}


@pytest.mark.parametrize("score", [h_score, leep, log_evidence])
@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_scored_is_refused(score, name):
    """One sentence with what was given and what is needed."""
    values, labels, sentence = BAD[name]
    with pytest.raises(ValueError, match=sentence):
        score(values, labels)


def test_leep_wants_probabilities():
    """Logits are refused, with the row that shows it."""
    with pytest.raises(ValueError, match=r"row 1 of probabilities sums to 5; it must sum to 1; give the softmax"):
        leep(torch.tensor([[0.5, 0.5], [2.0, 3.0]]), torch.tensor([0, 1]))
