"""The linear probe is scikit-learn's logistic regression on features, and refuses photos that cannot teach it."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from tests.tiny import StagedNet, write_folder
from tlhelpers.photos.datasets import image_folder
from tlhelpers.training.probe import PENALTIES, best_penalty, fit_classifier, fit_head, fit_probe


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Return small photos, and keep their features out of the user's cache."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    return image_folder(write_folder(tmp_path / "set", train=9))


@pytest.mark.parametrize(("photos", "dimensions", "classes"), [(24, 60, 2), (24, 60, 3), (60, 8, 2), (60, 8, 4)])
def test_the_classifier_is_the_one_of_features_with_a_common_scale(photos, dimensions, classes):
    """Coefficients and probabilities are those of scikit-learn, with more features than photos or fewer."""
    generator = torch.Generator().manual_seed(photos + classes)
    labels = torch.arange(photos) % classes
    features = 3 + torch.randn(photos, dimensions, generator=generator, dtype=torch.float64)
    features[:, :classes] += 1.5 * torch.eye(classes)[labels]
    found = fit_classifier(features, labels)
    scale = features.std(dim=0).square().mean().sqrt()
    rows = (features - features.mean(dim=0)) / scale
    exact = LogisticRegression(C=found.C, max_iter=5000, tol=1e-8).fit(rows, labels)
    assert abs(found.coef_ * scale.item() - exact.coef_).max() < 2e-3 * abs(exact.coef_).max()
    assert abs(found.predict_proba(features) - exact.predict_proba(rows)).max() < 2e-3


def test_a_feature_that_is_rare_in_training_does_not_decide_alone():
    """It is almost always 0 there. In a photo of another kind it is large, and the answer stays nearly the same."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(80) % 2
    features = torch.randn(80, 5, generator=generator, dtype=torch.float64) + 1.5 * labels[:, None]
    rare = torch.zeros(80, 1, dtype=torch.float64)
    rare[:3] = 1e-3 * labels[:3, None]
    probe = fit_classifier(torch.cat([features, rare], dim=1), labels)
    other = torch.cat([features[:1], torch.ones(1, 1, dtype=torch.float64)], dim=1)
    usual = torch.cat([features[:1], rare[:1]], dim=1)
    assert abs(probe.decision_function(other) - probe.decision_function(usual)) < 0.1


@pytest.mark.parametrize("classes", [2, 3])
def test_the_penalty_is_the_one_that_a_grid_would_choose(classes):
    """The path from strong to weak ends early, and still finds the lowest loss on photos that were held out."""
    generator = torch.Generator().manual_seed(classes)
    labels = torch.arange(60) % classes
    rows = torch.randn(60, 20, generator=generator, dtype=torch.float64)
    rows[:, :classes] += torch.eye(classes)[labels]
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    grid = GridSearchCV(LogisticRegression(max_iter=5000), {"C": PENALTIES}, scoring="neg_log_loss", cv=folds)
    assert best_penalty(rows.numpy(), labels.numpy()) == grid.fit(rows, labels).best_params_["C"]


def test_photos_from_which_nothing_can_be_learned_are_refused(photos):
    """A class with one photo, a class with none, and one class alone."""
    with pytest.raises(ValueError, match="class 'light' has 1 training photos; it must have 2 or more"):
        fit_probe(StagedNet(), photos.train.subset([0, 1, 2, 9]))
    with pytest.raises(ValueError, match="class 'light' has 0 training photos"):
        fit_head(StagedNet(), photos.train.subset([0, 1, 2]))
    alone = photos.train.subset([0, 1, 2])
    alone.classes = ["dark"]
    with pytest.raises(ValueError, match=r"classes is \['dark'\]; it must name two or more classes"):
        fit_probe(StagedNet(), alone)
