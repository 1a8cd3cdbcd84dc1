"""Transfer in one call: a probe on frozen features, fine-tuning that begins with it, and training from scratch."""

from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from torch import Tensor

from tlhelpers.features.extraction import extract_features
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import PhotoDataset
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import eval_transform

STRENGTHS = (1e-4, 1e-3, 0.01, 0.1, 1, 10, 100)  # C of the logistic regression, small is cautious


def fit_probe(model: ResNet50, train: PhotoDataset) -> LogisticRegression:
    """Fit a logistic regression on the features of the frozen network, as bold as cross-validation advises.

    Parameters
    ----------
    model : ResNet50
        With its ``weights``, as ``load_resnet50`` gives it. The features are kept on disk.
    train : PhotoDataset
        Two or more photos of each class.

    Returns
    -------
    LogisticRegression
        With the C of ``STRENGTHS`` that has the least loss in five folds (fewer, if a class has fewer photos). By
        accuracy several tie, and rounding would choose.

    Raises
    ------
    ValueError
        If there is only one class, or a class has fewer than two photos.
    """
    counts = train.labels.bincount(minlength=len(train.classes))
    if len(counts) < 2:
        raise ValueError(f"the only class is {train.classes}; there must be two or more to tell apart")
    if counts.min() < 2:
        raise ValueError(
            f"class {train.classes[counts.argmin()]!r} has {counts.min()} photos to train with, and 2 or more are "
            "needed to choose how bold the probe may be; add some, or leave the class out"
        )
    return fit_classifier(*extract_features(model, make_loader(train, eval_transform(model.weights)), cache=True))


def fit_classifier(features: Tensor, labels: Tensor) -> LogisticRegression:
    """Fit the probe's logistic regression on (N, D) features and (N,) labels, two or more of each class.

    It is sought along the principal axes of the features, of which there are no more than photos. A rotation changes
    neither lengths nor penalty, so it finds the same classifier, and a hundred times faster where photos are few.
    """
    axes = PCA().fit(features.double())
    folds = StratifiedKFold(min(5, labels.unique(return_counts=True)[1].min().item()), shuffle=True, random_state=0)
    search = GridSearchCV(LogisticRegression(max_iter=5000), {"C": STRENGTHS}, scoring="neg_log_loss", cv=folds)
    classifier = search.fit(axes.transform(features.double()), labels).best_estimator_
    classifier.coef_ = classifier.coef_ @ axes.components_  # (rows, D), for features as they were
    classifier.intercept_ = classifier.intercept_ - classifier.coef_ @ axes.mean_
    classifier.n_features_in_ = features.shape[1]
    return classifier
