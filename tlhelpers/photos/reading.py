"""Read one photo from a file, as a person sees it: upright, in RGB, on a white ground."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from PIL import Image

from tlhelpers.arguments import check_kind
from tlhelpers.photos.formats import HEIF_PACKAGE, READ, START, describe_start, is_heif
from tlhelpers.photos.orientation import find_turn

READER_VERSION = 4  # raised whenever other pixels are read from the same file; stored features are then computed again
MIN_SIDE = 512  # pixels that both sides of a reduced photo keep; twice the input size of the networks in this series
MAX_PIXELS = 50_000_000  # that are decoded, at 7 to 9 bytes each
MAX_PIXELS_OF = {"WEBP": 30_000_000, "F": 30_000_000, "I": 30_000_000}  # formats and modes that take 15 bytes each
MAX_RATIO = 32  # of the longer side to the shorter one; resizing a longer strip would make a huge image
UNUSED_BITS = 4  # upper bits that are 0 in the whole image: its values have 8 or 12 bits in a file of 16
BITS, PHOTOMETRIC = 258, 262  # tags of TIFF: the bits of a value, of which 12 are usual too; 0 if 0 means white


def open_photo(path: str | Path) -> Image.Image:
    """Return a photo as a PIL image in RGB, upright, as ``to_rgb`` makes it.

    A large JPEG is read at a half, a quarter or an eighth of its size, as long as both sides keep ``MIN_SIDE`` pixels.
    The format makes this possible, and a photo from a phone then takes a third of the time. At most ``MAX_PIXELS``
    pixels are decoded (of WebP and of images in 32 bits fewer), so that one photo takes less than about 500 MB. Of an
    animation the first frame is read. Images in HEIC need the package pillow-heif.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ValueError
        If the file is missing, damaged, incomplete, too large or not an image.
    """
    check_kind("path", path, (str, Path), "be the path of an image file", "give a str or a Path")
    path = Path(path)
    try:
        if path.exists() and not path.is_file():  # opening a FIFO would wait for ever
            raise ValueError("it is not a regular file")
        with path.open("rb") as file:
            image = _identify(file, str(path))
            image.draft(None, (MIN_SIDE, MIN_SIDE))
            _check_size(image)
            return to_rgb(image)
    except Exception as error:  # Pillow raises errors of more than ten types for damaged files
        raise ValueError(
            f"{path} cannot be read as an image ({_reason(error)}); replace it or take it out of the folder"
        ) from error


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) else None  # without the path, which the sentence has already
    return text or str(error) or type(error).__name__


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    limit = min(MAX_PIXELS_OF.get(kind, MAX_PIXELS) for kind in (image.format or "", image.mode))
    if width * height > limit:
        raise ValueError(
            f"it has {width} x {height} pixels, and at most {limit // 10**6} million are read; make it smaller, or "
            "save it as JPEG, which can be read at a fraction of its size"
        )


def _identify(file: BinaryIO, name: str) -> Image.Image:
    """Return what ``Image.open`` does, whatever the number of pixels: its limit does not know of the draft mode."""
    start = file.read(START)
    if is_heif(start) and "HEIF" not in Image.OPEN:
        _register_heif()
    problem = "its content is not that of an image"
    for register in (Image.preinit, Image.init):  # the usual formats, then the others
        register()
        for form, (factory, accept) in [(form, Image.OPEN[form]) for form in Image.OPEN if form in READ]:
            try:
                accepted = accept is None or accept(start[:16])
                if accepted and not isinstance(accepted, str):  # a text would say what this Pillow lacks
                    file.seek(0)
                    return factory(file, name)
            except (SyntaxError, IndexError, TypeError, struct.error) as error:  # those by which readers say no
                problem = f"it starts like {form}, but: {error}" if accept else problem
    raise ValueError(describe_start(start) or problem)


def _register_heif() -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError as error:
        raise ValueError(f"it is HEIC, which needs the package pillow-heif: {HEIF_PACKAGE}") from error
    register_heif_opener()


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an image as a person sees it, in RGB.

    Transparent parts show a white ground. Of 16 bits for each channel the upper 8 are kept, and floats from 0 to 1
    become levels from 0 to 255. The image is turned upright by its EXIF data. A strip that is more than ``MAX_RATIO``
    times as long as wide is cut to its middle, the part that ``eval_transform`` shows.

    Parameters
    ----------
    image : PIL.Image.Image
        In any mode. Not changed; returned as it is if there is nothing to do.

    Returns
    -------
    PIL.Image.Image

    Raises
    ------
    ValueError
        If the image has no pixels, or values that could mean several things.
    """
    if 0 in image.size:
        raise ValueError(f"the image has {image.width} x {image.height} pixels; it must have some")
    image.load()
    turn = find_turn(image)
    rgb = _convert(image)
    if turn is not None:
        rgb = rgb.transpose(turn)
        rgb.info = {}  # what says how to turn it
    return _cut_strip(rgb)


def _convert(image: Image.Image) -> Image.Image:
    if image.mode in LEVELS:
        return Image.fromarray(LEVELS[image.mode](image)).convert("RGB")
    if image.has_transparency_data:
        return _on_white(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple) and max(key) > 255:  # of 16 bits, while the pixels have 8 now
        image = image.copy()
        image.info["transparency"] = tuple(level >> 8 for level in key)
    if image.mode not in ("RGBA", "LA"):
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image)
    return ground


def _from_16_bits(image: Image.Image) -> np.ndarray:
    values, tags = np.asarray(image), getattr(image, "tag_v2", {})  # (H, W), and what a TIFF says of them
    bits = min(16, tags.get(BITS, (16,))[0])
    levels = (values >> (bits - 8)).astype(np.uint8)
    if values.any() and values.max() >> (bits - UNUSED_BITS) == 0:
        _refuse_range(values, bits)
    if tags.get(PHOTOMETRIC) == 0:
        levels = 255 - levels
    levels[values == image.info.get("transparency", -1)] = 255
    return levels


def _from_32_bits(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)  # (H, W)
    low, high = values.min(), values.max()
    if low < 0 or high > 65535 or 0 < high < 256:  # up to 255 they could have been meant as 8 bits or as 16
        _refuse_range(values, 32)
    return _from_16_bits(image)


def _refuse_range(values: np.ndarray, bits: int) -> NoReturn:
    raise ValueError(
        f"its values are integers of {bits} bits from {values.min()} to {values.max()}, of which black and white are "
        "unknown; save it with 8 bits for each channel, or with 16 of which all are used"
    )


def _from_floats(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)  # (H, W)
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 1):  # nor if one of them is not a number
        raise ValueError(
            f"its values are floats from {low:g} to {high:g}, and they must be from 0 to 1; scale them, or save it "
            "with 8 bits for each channel"
        )
    return (values * 255 + 0.5).astype(np.uint8)


LEVELS: dict[str, Callable[[Image.Image], np.ndarray]] = {  # for the modes that ``convert`` would clip at 255
    **dict.fromkeys(("I;16", "I;16L", "I;16B", "I;16N"), _from_16_bits),
    "I": _from_32_bits,
    "F": _from_floats,
}


def _cut_strip(image: Image.Image) -> Image.Image:
    short, long = sorted(image.size)
    # A multiple of the shorter side from both ends, so that resizing puts the rest onto the same grid of pixels
    cut = max(0, (long - MAX_RATIO * short) // (2 * short)) * short
    if not cut:
        return image
    x, y = (cut, 0) if image.width == long else (0, cut)
    return image.crop((x, y, image.width - x, image.height - y))
