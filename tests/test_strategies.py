"""What is trained, what stays, and a head that says what the classifier said."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tests.tiny import TinyNet
from tlhelpers.strategies import count_parameters, freeze, head_from_classifier, replace_head, unfreeze


def test_freezing_and_unfreezing_move_the_count():
    model = TinyNet()
    total = sum(p.numel() for p in model.parameters())
    freeze(model)
    assert count_parameters(model) == (0, total)
    unfreeze(model.fc)
    assert count_parameters(model) == (4 * 2 + 2, total)


def test_a_new_head_has_the_classes_asked_for_and_is_trained():
    model = TinyNet()
    freeze(model)
    replace_head(model, 5)
    assert model(torch.rand(3, 3, 16, 16)).shape == (3, 5)
    assert count_parameters(model)[0] == 4 * 5 + 5


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_head_says_what_the_classifier_said(classes):
    """Two classes are the odd case: scikit-learn keeps one row for both."""
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
    with pytest.raises(ValueError, match="fitted on 3 features, but the head takes 4"):
        head_from_classifier(TinyNet(), classifier)


@pytest.mark.parametrize("classes", [1, 0, -2])
def test_one_class_is_nothing_to_learn(classes):
    with pytest.raises(ValueError, match=f"num_classes is {classes}"):
        replace_head(TinyNet(), classes)
