"""How well will a pretrained model do on new labels? Three scores from one pass over the photos, without training.

``log_evidence`` (LogME) and ``h_score`` look at features, ``leep`` at the old head's probabilities. Higher is better;
only scores of the same photos and labels may be compared.
"""

import math

import torch
from torch import Tensor


def h_score(features: Tensor, labels: Tensor) -> float:
    """Return how much of the spread of the features lies between the classes.

    trace(cov(f)^-1 cov(E[f | y])), from 0, where all class means are equal, to the rank of the features.
    Source: Bao and others, "An information-theoretic approach to transferability in task transfer learning", 2019,
    definition 2.

    Parameters
    ----------
    features : (N, D) tensor
        Of any layer. Directions in which they do not spread at all are left out (a pseudo-inverse).
    labels : (N,) tensor of class numbers

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the shapes do not go together, or there is only one class.

    Examples
    --------
    >>> round(h_score(torch.tensor([[0.0], [1.0], [2.0], [3.0]]), torch.tensor([0, 0, 1, 1])), 3)
    0.8
    """
    features, labels = _checked(features, labels)
    centred = features - features.mean(dim=0)  # (N, D)
    means = torch.stack([centred[labels == kind].mean(dim=0) for kind in labels.unique()])[_numbered(labels)]  # (N, D)
    inverse = torch.linalg.pinv(centred.T @ centred, hermitian=True)
    return (inverse * (means.T @ means)).sum().item()


def leep(probabilities: Tensor, labels: Tensor) -> float:
    """Return how well the new labels can be told from what the old head says: a mean log-likelihood, at most 0.

    Each old class z is given a distribution over the new ones, P(y | z), as it occurs in these photos; then a photo's
    old probabilities are mixed by it. Source: Nguyen and others, "LEEP", 2020, section 3.

    Parameters
    ----------
    probabilities : (N, Z) tensor
        The old head's softmax: rows sum to 1.
    labels : (N,) tensor of class numbers

    Returns
    -------
    float
        In nats: minus log C for a head that knows nothing of C equally frequent classes.

    Raises
    ------
    ValueError
        If the shapes do not go together, there is only one class, or a row does not sum to 1.

    Examples
    --------
    >>> round(leep(torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9]]), torch.tensor([0, 0, 1, 1])), 3)
    -0.295
    """
    probabilities, labels = _checked(probabilities, labels)
    if not torch.allclose(probabilities.sum(dim=1), torch.ones(1, dtype=torch.float64), atol=1e-3):
        worst = (probabilities.sum(dim=1) - 1).abs().argmax()
        raise ValueError(f"row {worst} sums to {probabilities[worst].sum():.3g}, not 1; give the softmax of the logits")
    new = _numbered(labels)
    joint = torch.stack([probabilities[new == kind].sum(dim=0) for kind in new.unique()])  # (C, Z)
    given_old = joint / joint.sum(dim=0).clamp(min=1e-300)  # P(y | z)
    return (probabilities * given_old[new]).sum(dim=1).log().mean().item()


def log_evidence(features: Tensor, labels: Tensor) -> float:
    """Return LogME: the log-evidence of linear models on the features, a mean over classes and photos.

    For each class a Bayesian linear regression to 1 or 0; the widths of its prior, alpha, and of its noise, beta, are
    those that make the labels most probable. Source: You and others, "LogME", 2021, algorithm 1, with the quick fixed
    point of its later edition: in the axes of a singular value decomposition everything is a sum.

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
        If the shapes do not go together, or there is only one class.
    """
    features, labels = _checked(features, labels)
    left, singular, _ = torch.linalg.svd(features, full_matrices=False)
    targets = (labels[:, None] == labels.unique()).double()  # (N, C)
    evidence = [_best_evidence(left.T @ y, y @ y, singular.square(), *features.shape) for y in targets.T]
    return sum(evidence) / len(evidence) / len(features)


def _best_evidence(z: Tensor, total: Tensor, squares: Tensor, n: int, d: int, steps: int = 1000) -> float:
    """Maximise the log-evidence of one target by alpha and beta, given it in the left singular axes: (r,)."""
    z2, outside = z.square(), (total - z.square().sum()).clamp(min=0)
    alpha = beta = torch.ones((), dtype=torch.float64)
    for _ in range(steps):
        before = ratio = alpha / beta
        weights = (squares * z2 / (ratio + squares) ** 2).sum()  # of the mean's numbers, squared
        errors = (z2 * (ratio / (ratio + squares)) ** 2).sum() + outside  # of its predictions, squared
        effective = (squares / (ratio + squares)).sum()  # parameters that the photos determine
        alpha, beta = effective / weights.clamp(min=1e-12), (n - effective) / errors.clamp(min=1e-12)
        if (alpha / beta - before).abs() <= 1e-9 * before:
            break
    determinant = (alpha + beta * squares).log().sum() + (d - len(squares)) * alpha.log()
    fit = n * beta.log() + d * alpha.log() - n * math.log(2 * math.pi) - beta * errors - alpha * weights
    return ((fit - determinant) / 2).item()


def _checked(values: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return both in exact types on the CPU."""
    if values.ndim != 2 or labels.shape != values.shape[:1]:
        raise ValueError(f"got {tuple(values.shape)} for {tuple(labels.shape)} labels; give (N, D) and (N,)")
    if len(labels.unique()) < 2:
        raise ValueError(f"all {len(labels)} labels are of one class; there must be two or more to tell apart")
    return values.detach().double().cpu(), labels.detach().cpu()


def _numbered(labels: Tensor) -> Tensor:
    """Return the labels as numbers from 0 without gaps."""
    return labels.unique(return_inverse=True)[1]
