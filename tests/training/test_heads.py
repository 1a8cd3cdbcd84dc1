"""A new head has the classes asked for; a fitted one gives the classifier's probabilities."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tests.tiny import TinyNet
from tlhelpers.training.freezing import count_parameters, freeze
from tlhelpers.training.heads import head_from_classifier, replace_head


def test_a_new_head_has_the_classes_asked_for_and_is_trained():
    model = TinyNet()
    freeze(model)
    replace_head(model, 5)
    assert model(torch.rand(3, 3, 16, 16)).shape == (3, 5)
    assert count_parameters(model)[0] == 4 * 5 + 5


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_a_fitted_head_gives_the_probabilities_of_the_classifier(classes):
    """Two classes are a case of their own: scikit-learn has one row of coefficients for both."""
    generator = torch.Generator().manual_seed(classes)
    features = torch.rand(40, 4, generator=generator)
    labels = torch.arange(40) % classes
    classifier = LogisticRegression(C=10).fit(features, labels)
    model = TinyNet()
    head_from_classifier(model, classifier)
    ours = model.fc(features).softmax(dim=1)
    torch.testing.assert_close(
        ours.double(), torch.from_numpy(classifier.predict_proba(features)).double(), atol=1e-5, rtol=0
    )


def test_a_classifier_of_other_features_is_refused():
    classifier = LogisticRegression().fit(torch.rand(6, 3), [0, 1] * 3)
    with pytest.raises(ValueError, match="classifier takes 3 features; it must take 4 as the head does"):
        head_from_classifier(TinyNet(), classifier)


@pytest.mark.parametrize("classes", [1, 0, -2])
def test_a_head_needs_two_classes(classes):
    with pytest.raises(ValueError, match=f"num_classes is {classes}"):
        replace_head(TinyNet(), classes)


@pytest.mark.parametrize("labels", [[1, 2, 1, 2, 1, 2], [0, 3, 2, 0, 3, 2], list("abcabc")])
def test_a_classifier_of_other_labels_is_refused(labels):
    """Its first output would silently be class 0."""
    classifier = LogisticRegression().fit(torch.rand(6, 4), labels)
    with pytest.raises(ValueError, match="classifier was fitted on the labels .*; they must be 0, 1, 2"):
        head_from_classifier(TinyNet(), classifier)


def test_a_new_head_has_no_names():
    """The names of the old classes would be wrong for it."""
    model = TinyNet()
    model.classes = ["ants", "bees"]
    replace_head(model, 2)
    assert model.classes is None
