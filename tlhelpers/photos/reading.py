"""Read one photo from a file."""

from pathlib import Path

from PIL import Image, ImageOps

READER_VERSION = 2  # raised whenever other pixels are read from the same file; stored features are then computed again
MIN_SIDE = 512  # pixels that both sides of a reduced photo keep; twice the input size of the networks in this series


def open_photo(path: Path) -> Image.Image:
    """Return a photo as a PIL image in RGB, upright.

    A large JPEG is read at a half, a quarter or an eighth of its size, as long as both sides keep ``MIN_SIDE`` pixels.
    The format makes this possible, and a photo from a phone then takes a third of the time.

    Parameters
    ----------
    path : Path

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ValueError
        If the file is damaged, incomplete or not an image.
    """
    try:
        with Image.open(path) as image:
            image.draft(None, (MIN_SIDE, MIN_SIDE))
            ImageOps.exif_transpose(image, in_place=True)
            return image.convert("RGB")
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{path} cannot be read as an image ({error}); replace it or take it out of the folder"
        ) from error
