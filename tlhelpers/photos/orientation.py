"""Which way up a photo is: the orientation that a camera stores in the EXIF data."""

import struct

from PIL import Image
from PIL.Image import Transpose

ORIENTATION = 274  # the number of the tag
CODES = {1: "B", 3: "H", 4: "L"}  # of struct, for the types of whole numbers in EXIF
TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


def find_turn(image: Image.Image) -> Transpose | None:
    """Return how to turn a loaded photo so that it is upright, or None if it is.

    Only the entry of the orientation is read. Pillow reads all entries, and a broken one before it or beside it would
    hide it or raise an error.
    """
    exif = image.info.get("exif")
    orientation = _orientation(exif) if isinstance(exif, bytes) else None
    return TURNS.get(orientation or _orientation_by_pillow(image))


def _orientation(exif: bytes) -> int | None:
    data = exif.removeprefix(b"Exif\0\0")
    order = ">" if data[:2] == b"MM" else "<"
    try:
        (start,) = struct.unpack_from(f"{order}L", data, 4)
        (entries,) = struct.unpack_from(f"{order}H", data, start)
        for position in range(start + 2, start + 2 + 12 * entries, 12):
            tag, kind = struct.unpack_from(f"{order}HH", data, position)
            if tag == ORIENTATION and kind in CODES:
                return struct.unpack_from(order + CODES[kind], data, position + 8)[0]
    except struct.error:  # the data end before the entry
        pass
    return None


def _orientation_by_pillow(image: Image.Image) -> int:
    """Return the orientation from the other places that Pillow knows: old PNG files, and XMP."""
    if not {"Raw profile type exif", "XML:com.adobe.xmp", "xmp"} & image.info.keys():
        return 1
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # broken data raise errors of many types, and none of them makes the pixels unreadable
        return 1
