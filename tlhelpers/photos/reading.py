"""Photos: ants and bees, or any folder with one sub-folder a class; splits and loaders."""

from pathlib import Path

from PIL import Image, ImageOps

ENOUGH = 512  # pixels of a side that are always read; twice what networks of this series look at


def open_photo(path: Path) -> Image.Image:
    """Return a photo as a PIL image in RGB, upright.

    A large JPEG is read at a half, a quarter or an eighth of its size, as long as both sides keep ``ENOUGH`` pixels:
    the format allows it, and a telephone's photo then takes a third of the time.

    Raises
    ------
    ValueError
        If the file is broken, cut short, or no image at all.
    """
    try:
        with Image.open(path) as image:
            image.draft(None, (ENOUGH, ENOUGH))
            ImageOps.exif_transpose(image, in_place=True)
            return image.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{path} cannot be read as an image ({error}); replace it or take it out of the folder"
        ) from error
