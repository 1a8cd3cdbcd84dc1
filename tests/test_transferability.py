"""The three scores are what their definitions say, by a second, slower formula, and order what can be ordered."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tlhelpers.transferability import h_score, leep, log_evidence


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
    """The inverse covariance, and the covariance of the class means, written out element by element."""
    features, labels = (values.numpy() for values in task)
    n, d = features.shape
    centre = sum(features) / n
    whole, between = np.zeros((d, d)), np.zeros((d, d))
    for f, y in zip(features, labels, strict=True):
        mean = sum(g for g, z in zip(features, labels, strict=True) if z == y) / sum(z == y for z in labels)
        whole += np.outer(f - centre, f - centre) / n
        between += np.outer(mean - centre, mean - centre) / n
    assert h_score(*task) == pytest.approx(np.trace(np.linalg.solve(whole, between)), rel=1e-6, abs=1e-9)


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
        return -(spread + np.linalg.solve(shape / beta, y[:, None])[..., 0] @ y) / 2

    best = []
    for kind in np.unique(labels):
        y = (labels == kind).astype(float)
        beta = n / (np.linalg.solve(shape, y[:, None]).swapaxes(1, 2) @ y[:, None])
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


def test_more_features_than_photos():
    """As in practice: 2048 features of some hundred photos; the scores are finite."""
    features, labels = torch.rand(40, 300), torch.arange(40) % 4
    assert np.isfinite(log_evidence(features, labels)) and 0 <= h_score(features, labels) <= 40


BAD = {
    "one class": (torch.rand(4, 2), torch.ones(4).long(), "all 4 labels are of one class"),
    "too few labels": (torch.rand(4, 2), torch.tensor([0, 1, 0]), r"got \(4, 2\) for \(3,\) labels"),
    "maps": (torch.rand(4, 2, 3, 3), torch.tensor([0, 1, 0, 1]), r"got \(4, 2, 3, 3\)"),
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
    with pytest.raises(ValueError, match=r"row 1 sums to 5, not 1; give the softmax"):
        leep(torch.tensor([[0.5, 0.5], [2.0, 3.0]]), torch.tensor([0, 1]))
