"""One image of any usual kind, a PIL image, an array or a tensor, as a PIL image to be drawn."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image

from tlhelpers.arguments import MAKE_IT, shown
from tlhelpers.byhand.arguments import require
from tlhelpers.photos.reading import to_rgb

WAY_OUT = "open a file with Image.open(path), or take the image out of what holds it"

MUCH = 10  # larger floats are those of an image from 0 to 255; a filter may take one from 0 to 1 a little out of range


def to_pil(image: Image.Image | ArrayLike) -> Image.Image:
    """Return an RGB image of PIL.

    Parameters
    ----------
    image : PIL image, array or tensor
        A PIL image of any mode, which is drawn as ``open_photo`` would read it, or (H, W), (H, W, 3) or (3, H, W) with
        values from 0 to 1, or integers from 0 to 255.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if not isinstance(image, Image.Image):
        array = np.asarray(image) if hasattr(image, "shape") else np.empty(0)
        array = array.transpose(1, 2, 0) if array.ndim == 3 and array.shape[0] == 3 else array
        fits = array.size > 0 and (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4)))
        rule = "be a PIL image, an (H, W, 3) array or a (3, H, W) tensor"
        require(fits, "image", shown(image), rule, MAKE_IT if image is None else WAY_OUT)
        image = Image.fromarray(_to_bytes(array))
    return to_rgb(image)


def _to_bytes(array: np.ndarray) -> np.ndarray:
    """Return values as integers from 0 to 255: integers as they are, floats and booleans times 255."""
    whole = np.issubdtype(array.dtype, np.integer)
    fits = array.min() >= 0 and array.max() <= 255 if whole else not array.max() > MUCH
    value, rule = f"an array with values up to {array.max():g}", "hold floats from 0 to 1 or integers from 0 to 255"
    require(fits, "image", value, rule, "divide it by its largest possible value")
    return array.astype(np.uint8) if whole else (array.clip(0, 1) * 255).round().astype(np.uint8)


def check_images(images: object) -> None:
    """Raise ValueError if a value is not a sequence of one or more images."""
    several = isinstance(images, Iterable) or hasattr(images, "__getitem__")  # a dataset has no more than items
    fits = several and not isinstance(images, Image.Image | str)
    remedy = MAKE_IT if images is None else "give a list, such as [image] for a single one"
    require(fits, "images", shown(images), "be a sequence of images", remedy)
