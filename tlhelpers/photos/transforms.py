"""Transforms made from a weights entry, and their undo for showing. Preprocessing belongs to the weights."""

import torch
from torch import Tensor
from torchvision.transforms import v2

from tlhelpers.network.weights import WeightsEntry


def eval_transform(weights: WeightsEntry) -> v2.Compose:
    """Return the transform for validation: shorter side to ``weights.resize``, the centre, normalised.

    Parameters
    ----------
    weights : WeightsEntry
        Usually ``model.weights``.

    Returns
    -------
    v2.Compose
        From a PIL image to a (3, crop, crop) float tensor.
    """
    return v2.Compose([v2.Resize(weights.resize, antialias=True), v2.CenterCrop(weights.crop), *_to_tensor(weights)])


def train_transform(weights: WeightsEntry, *, size: int | None = None) -> v2.Compose:
    """Return the transform for training: a random part of the photo, mirrored half of the time, normalised.

    Things are shown at about the size at which ``eval_transform`` shows them, whatever ``size`` is: a window of
    ``size`` pixels on a square photo of ``weights.resize`` pixels covers the share (size / resize)**2 of it,
    and the random part covers 0.4 to 1.5 times that share, at most the whole. A network that was trained with things
    of one size is worse with another (Touvron et al., "Fixing the train-test resolution discrepancy", 2019).

    Parameters
    ----------
    weights : WeightsEntry
    size : int, optional
        Side of the result in pixels; ``weights.crop`` if not given. The work goes with its square.

    Returns
    -------
    v2.Compose
        From a PIL image to a (3, size, size) float tensor.
    """
    size = size or weights.crop
    share = min(1.0, (size / weights.resize) ** 2)
    crop = v2.RandomResizedCrop(size, scale=(0.4 * share, min(1.0, 1.5 * share)), antialias=True)
    return v2.Compose([crop, v2.RandomHorizontalFlip(), *_to_tensor(weights)])


def _to_tensor(weights: WeightsEntry) -> list:
    return [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(weights.mean), list(weights.std))]


def denormalize(images: Tensor, weights: WeightsEntry) -> Tensor:
    """Undo the normalisation, for showing.

    Parameters
    ----------
    images : Tensor
        (N, 3, H, W) or (3, H, W), normalised.
    weights : WeightsEntry

    Returns
    -------
    Tensor
        The same shape, values from 0 to 1.
    """
    mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (weights.mean, weights.std))
    return (images * std + mean).clamp(0, 1)
