"""The linear probe: a logistic regression on the features of the frozen network."""

import math

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits
from torch import Tensor
from tqdm.auto import tqdm

from tlhelpers.arguments import check_network
from tlhelpers.features.extraction import extract_features
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import PhotoDataset, check_photos
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import eval_transform
from tlhelpers.training.heads import head_from_classifier

PENALTIES = (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 10)  # values of C, from strong to weak
MAX_FOLDS, MAX_STEPS = 5, 1000


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

    Features are centered and divided by one number, their mean spread. Dividing each feature by its own spread would
    make those large that are almost always 0 in the training photos; in a photo of another kind, one of them can decide
    alone. The strength of the penalty goes from strong to weak; each fit begins with the coefficients of the one
    before, which is near, and the path ends where the photos that are held out get worse twice. Along the principal
    axes of the features, of which there are no more than photos, the classifier is the same and is found faster.

    Parameters
    ----------
    features : (N, D) tensor
    labels : (N,) tensor of class numbers
        Each class occurs two or more times.

    Returns
    -------
    LogisticRegression
        Its coefficients are those for the features as they are given.
    """
    axes = PCA().fit(features.double().numpy())
    scale = math.sqrt(axes.explained_variance_.sum() / features.shape[1]) or 1.0
    rows = axes.transform(features.double().numpy()) / scale
    with threadpool_limits(1):  # the matrices are so small that threads would mostly wait for each other
        classifier = LogisticRegression(C=best_penalty(rows, labels.numpy()), max_iter=MAX_STEPS).fit(rows, labels)
    classifier.coef_ = classifier.coef_ @ axes.components_ / scale  # (rows, D), rotated back
    classifier.intercept_ = classifier.intercept_ - classifier.coef_ @ axes.mean_
    classifier.n_features_in_ = features.shape[1]
    return classifier


def best_penalty(rows: np.ndarray, labels: np.ndarray) -> float:
    """Return the value of C with the lowest cross-entropy on held-out rows, in up to five folds."""
    count = min(MAX_FOLDS, np.unique(labels, return_counts=True)[1].min())
    folds = list(StratifiedKFold(count, shuffle=True, random_state=0).split(rows, labels))
    fits = [LogisticRegression(warm_start=True, max_iter=MAX_STEPS) for _ in folds]
    losses: list[float] = []
    for strength in tqdm(PENALTIES, desc="probe", leave=False, delay=3):  # seconds, after which there is a bar
        for fit, (train, _) in zip(fits, folds, strict=True):
            fit.set_params(C=strength).fit(rows[train], labels[train])
        held_out = [
            log_loss(labels[val], fit.predict_proba(rows[val])) for fit, (_, val) in zip(fits, folds, strict=True)
        ]
        losses.append(float(np.mean(held_out)))
        if len(losses) > 2 and losses[-1] > losses[-2] > losses[-3]:
            break
    return PENALTIES[int(np.argmin(losses))]


def fit_head(model: ResNet50, train: PhotoDataset) -> None:
    """Put the linear probe of the training photos in place of the head; parameters as for ``fit_probe``."""
    head_from_classifier(model, fit_probe(model, train))
