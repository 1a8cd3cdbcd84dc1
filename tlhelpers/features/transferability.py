"""Transferability scores: how well will a pretrained network do on new labels? No training, one pass over the photos.

``log_evidence`` (LogME) and ``h_score`` use features, ``leep`` uses the probabilities of the old head. Higher is
better. Compare scores only for the same photos and labels.
"""

import math

import torch
from sklearn.covariance import ledoit_wolf_shrinkage
from torch import Tensor

from tlhelpers.arguments import check_tensor


def h_score(features: Tensor, labels: Tensor) -> float:
    """Return the H-score: the variance between the classes relative to the total, summed over the principal axes.

    (1 - a) trace(cov(f)^-1 cov(E[f | y])), from 0, where all class means are equal, to the rank of the features. With
    more features than photos, cov(f) has no inverse, and with nearly as many it is badly estimated. So it is shrunk
    toward a multiple of the identity, by the share a that Ledoit and Wolf's estimate gives.
    Sources: Bao et al., "An Information-Theoretic Approach to Transferability in Task Transfer Learning", 2019,
    definition 2; with shrinkage as in Ibrahim et al., "Newer is not always better: Rethinking transferability metrics,
    their peculiarities, stability and performance", 2021, section 3.

    Parameters
    ----------
    features : (N, D) tensor
        Of any layer.
    labels : (N,) tensor of class numbers

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not match, or there is only one class.

    Examples
    --------
    >>> round(h_score(torch.tensor([[0.0], [1.0], [2.0], [3.0]]), torch.tensor([0, 0, 1, 1])), 3)  # one feature: a = 0
    0.8
    """
    features, labels = _checked(features, labels)
    centered = features - features.mean(dim=0)  # (N, D)
    share = ledoit_wolf_shrinkage(centered.numpy(), assume_centered=True)
    left, singular, _ = torch.linalg.svd(centered, full_matrices=False)
    spreads = singular > 1e-9 * singular[0]  # along the other axes there are only rounding errors
    along = left[:, spreads] * singular[spreads]  # the features along their own axes, where cov is diagonal: (N, K)
    variance = along.square().mean(dim=0)
    shrunken = (1 - share) * variance + share * variance.sum() / features.shape[1]
    kinds, counts = labels.unique(return_counts=True)
    means = torch.stack([along[labels == kind].mean(dim=0) for kind in kinds])  # (C, K)
    between = (counts[:, None] * means.square()).sum(dim=0) / len(labels)
    return (1 - share) * (between / shrunken).sum().item()


def leep(probabilities: Tensor, labels: Tensor) -> float:
    """Return LEEP: how well the new labels follow from the old head's probabilities, as a mean log-likelihood.

    P(y | z), the distribution of the new class y for each old class z, is estimated from these photos; then each
    photo's old probabilities are weighted by it. Source: Nguyen et al., "LEEP: A New Measure to Evaluate
    Transferability of Learned Representations", 2020, section 3.

    Parameters
    ----------
    probabilities : (N, Z) tensor
        The softmax of the old head; rows sum to 1.
    labels : (N,) tensor of class numbers

    Returns
    -------
    float
        In nats, at most 0; -log C for a head that knows nothing about C equally frequent classes.

    Raises
    ------
    ValueError
        If the shapes do not match, there is only one class, or a row does not sum to 1.

    Examples
    --------
    >>> round(leep(torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9]]), torch.tensor([0, 0, 1, 1])), 3)
    -0.295
    """
    probabilities, labels = _checked(probabilities, labels, "probabilities")
    if not torch.allclose(probabilities.sum(dim=1), torch.ones(1, dtype=torch.float64), atol=1e-3):
        worst = (probabilities.sum(dim=1) - 1).abs().argmax()
        raise ValueError(
            f"row {worst} of probabilities sums to {probabilities[worst].sum():.3g}; it must sum to 1; give the "
            "softmax of the logits"
        )
    new = _numbered(labels)
    joint = torch.stack([probabilities[new == kind].sum(dim=0) for kind in new.unique()])  # (C, Z)
    given_old = joint / joint.sum(dim=0).clamp(min=1e-300)  # P(y | z)
    return (probabilities * given_old[new]).sum(dim=1).log().mean().item()


def log_evidence(features: Tensor, labels: Tensor) -> float:
    """Return LogME: the log-evidence of linear models on the features, averaged over classes and photos.

    For each class, a Bayesian linear regression predicts 1 for its photos and 0 for the others. The precisions of its
    prior, alpha, and of its noise, beta, are those that make the labels most probable. Source: You et al., "LogME:
    Practical Assessment of Pre-trained Models for Transfer Learning", 2021, section 4. Their algorithm climbs to the
    nearest maximum, and there may be several; here 2001 ratios alpha / beta are tried, from 1e-8 to 1e8 times the mean
    square of a singular value.

    Parameters
    ----------
    features : (N, D) tensor
    labels : (N,) tensor of class numbers

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not match, or there is only one class.
    """
    features, labels = _checked(features, labels)
    left, singular, _ = torch.linalg.svd(features, full_matrices=False)
    targets = (labels[:, None] == labels.unique()).double()  # (N, C)
    evidence = [_best_evidence((left.T @ y).square(), y @ y, singular.square(), len(y)) for y in targets.T]
    return sum(evidence) / len(evidence) / len(features)


def _best_evidence(along: Tensor, total: Tensor, squares: Tensor, n: int) -> float:
    """Maximize over alpha and beta the log-density of n targets y with covariance (1 + F F' / ratio) / beta.

    Along the left singular axes of F, where y has the squares ``along``, it is a sum; for each ratio, the best beta is
    known.
    """
    ratios = squares.mean() * torch.logspace(-8, 8, 2001, dtype=torch.float64)[:, None]  # alpha / beta: (2001, 1)
    outside = (total - along.sum()).clamp(min=0)  # the part of y that no weights can explain
    misfit = (along * ratios / (ratios + squares)).sum(dim=1) + outside  # y' (1 + F F' / ratio)^-1 y
    beta = n / misfit.clamp(min=1e-12)
    determinant = (1 + squares / ratios).log().sum(dim=1)
    return ((n * (beta / (2 * math.pi)).log() - determinant - n) / 2).max().item()


def _checked(values: Tensor, labels: Tensor, name: str = "features") -> tuple[Tensor, Tensor]:
    """Return the values as float64 and the labels, both on the CPU."""
    check_tensor(values, name)
    check_tensor(labels, "labels")
    if values.ndim != 2 or labels.shape != values.shape[:1]:
        raise ValueError(
            f"the shapes are {tuple(values.shape)} and {tuple(labels.shape)}; they must match; give (N, D) and (N,)"
        )
    if len(labels.unique()) < 2:
        raise ValueError(
            f"all {len(labels)} labels are of one class; there must be two or more; add photos of another class"
        )
    return values.detach().double().cpu(), labels.detach().cpu()


def _numbered(labels: Tensor) -> Tensor:
    """Return the labels as numbers from 0 without gaps."""
    return labels.unique(return_inverse=True)[1]
