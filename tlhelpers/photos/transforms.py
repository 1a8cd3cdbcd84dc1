"""Transforms with the preprocessing that belongs to some weights, and how to undo it for a figure."""

from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import v2

from tlhelpers.arguments import check_kind, check_tensor, check_whole, shown
from tlhelpers.byhand.arguments import require
from tlhelpers.network.weights import WeightsEntry
from tlhelpers.photos.reading import to_rgb

MIRROR = v2.RandomHorizontalFlip()


class ToRGB(nn.Module):
    """The first step of a transform: any PIL image as ``open_photo`` would return it; nothing else passes."""

    def forward(self, image: Image.Image) -> Image.Image:
        remedy = (
            "open one with Image.open(path), or make one with Image.fromarray(array), whose channels are red, green, "
            "blue (those of OpenCV are blue, green, red)"
        )
        check_kind("image", image, Image.Image, "be a PIL image", remedy)
        return to_rgb(image)


def _check(weights: WeightsEntry) -> None:
    check_kind("weights", weights, WeightsEntry, "be the entry of some weights", "give model.weights")


def eval_transform(weights: WeightsEntry) -> v2.Compose:
    """Return the transform for validation: resize the shorter side, crop the center, normalize.

    Parameters
    ----------
    weights : WeightsEntry
        Usually ``model.weights``.

    Returns
    -------
    v2.Compose
        From a PIL image of any mode to a (3, crop, crop) float tensor. It raises ValueError for arrays and tensors.
    """
    _check(weights)
    resize = v2.Resize(weights.resize, antialias=True)
    return v2.Compose([ToRGB(), resize, v2.CenterCrop(weights.crop), *_to_tensor(weights)])


def train_transform(weights: WeightsEntry, *, size: int | None = None, augment: Callable = MIRROR) -> v2.Compose:
    """Return the transform for training: resize as for validation, crop at a random place, change at random, normalize.

    What is to be recognized appears as large as with ``eval_transform``, and mostly stays in the picture. A square
    photo is seen whole if ``weights`` have the same number for ``resize`` and ``crop``. Crops of random sizes are usual
    with millions of photos; with a few hundred photos of solar cells they cost accuracy.

    Parameters
    ----------
    weights : WeightsEntry
        Usually ``model.weights``.
    size : int, optional
        The side of the result in pixels, by default ``weights.crop``. The time per image grows with its square.
    augment : callable
        From a PIL image to a PIL image, or several steps in a ``v2.Compose``. By default half of the photos are
        mirrored. Where mirroring changes the class, as with letters, give ``v2.Identity()``.

    Returns
    -------
    v2.Compose
        From a PIL image of any mode to a (3, size, size) float tensor. It raises ValueError for arrays and tensors.

    Raises
    ------
    ValueError
        If ``size`` is not a positive integer.
    """
    _check(weights)
    size = weights.crop if size is None else size
    check_whole(1, size=size)
    require(callable(augment), "augment", shown(augment), "be a transform", "give v2.Identity() for none")
    resize = v2.Resize(round(weights.resize * size / weights.crop), antialias=True)
    return v2.Compose([ToRGB(), resize, v2.RandomCrop(size), augment, *_to_tensor(weights)])


def _to_tensor(weights: WeightsEntry) -> list:
    return [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(weights.mean), list(weights.std))]


def denormalize(images: Tensor, weights: WeightsEntry) -> Tensor:
    """Undo the normalization, so that the images can be shown.

    Parameters
    ----------
    images : Tensor
        (N, 3, H, W) or (3, H, W), normalized.
    weights : WeightsEntry
        Those that the images were normalized for.

    Returns
    -------
    Tensor
        The same shape, values from 0 to 1.
    """
    check_tensor(images, "images")
    fits = images.ndim in (3, 4) and images.shape[-3] == 3
    require(fits, "images", shown(images), "be (N, 3, H, W) or (3, H, W)", "give images of a loader")
    _check(weights)
    mean, std = (torch.tensor(values, device=images.device)[:, None, None] for values in (weights.mean, weights.std))
    return (images * std + mean).clamp(0, 1)
