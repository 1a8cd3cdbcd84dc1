"""The linear probe: a logistic regression on the features of the frozen network."""

from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from torch import Tensor

from tlhelpers.arguments import check_network
from tlhelpers.features.extraction import extract_features
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import PhotoDataset, check_photos
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import eval_transform
from tlhelpers.training.heads import head_from_classifier

INVERSE_REGULARIZATION = (1e-4, 1e-3, 0.01, 0.1, 1, 10, 100)  # values of scikit-learn's C that are tried
MAX_FOLDS = 5


def fit_probe(model: ResNet50, train: PhotoDataset) -> LogisticRegression:
    """Fit a logistic regression on the features of the frozen network, with regularization chosen by cross-validation.

    Parameters
    ----------
    model : ResNet50
        With its ``weights``, as ``load_resnet50`` returns it. Its features are cached on disk.
    train : PhotoDataset
        Two or more photos of each class.

    Returns
    -------
    LogisticRegression
        With the value of C that has the lowest cross-entropy in five folds (in fewer folds if a class has fewer
        photos). Accuracy is too coarse: several values of C often tie.

    Raises
    ------
    ValueError
        If there is only one class, or a class has fewer than two photos.
    """
    check_network(model, "weights")
    check_photos(train, "train")
    counts = train.labels.bincount(minlength=len(train.classes))
    if len(counts) < 2:
        raise ValueError(f"classes is {train.classes}; it must name two or more classes; add photos of another class")
    if counts.min() < 2:
        raise ValueError(
            f"class {train.classes[counts.argmin()]!r} has {counts.min()} training photos; it must have 2 or more for "
            "cross-validation; add photos or leave the class out"
        )
    loader = make_loader(train, eval_transform(model.weights))
    return fit_classifier(*extract_features(model, loader, cache=True))


def fit_classifier(features: Tensor, labels: Tensor) -> LogisticRegression:
    """Fit the logistic regression of the probe.

    It is computed along the principal axes of the features, and there are no more of them than photos. A rotation
    changes neither lengths nor the penalty, so the classifier is the same, but found up to a hundred times faster.

    Parameters
    ----------
    features : (N, D) tensor
    labels : (N,) tensor of class numbers
        Each class occurs two or more times.

    Returns
    -------
    LogisticRegression
        Its coefficients are those for the features as they are given, without the rotation.
    """
    axes = PCA().fit(features.double())
    smallest = labels.unique(return_counts=True)[1].min().item()
    folds = StratifiedKFold(min(MAX_FOLDS, smallest), shuffle=True, random_state=0)
    choices = {"C": INVERSE_REGULARIZATION}
    search = GridSearchCV(LogisticRegression(max_iter=5000), choices, scoring="neg_log_loss", cv=folds)
    classifier = search.fit(axes.transform(features.double()), labels).best_estimator_
    classifier.coef_ = classifier.coef_ @ axes.components_  # (rows, D), rotated back
    classifier.intercept_ = classifier.intercept_ - classifier.coef_ @ axes.mean_
    classifier.n_features_in_ = features.shape[1]
    return classifier


def fit_head(model: ResNet50, train: PhotoDataset) -> None:
    """Put the linear probe of the training photos in place of the head; parameters as for ``fit_probe``."""
    head_from_classifier(model, fit_probe(model, train))
