"""Formats of images: the endings of their names, the first bytes of their files, and what reads each."""

from importlib.util import find_spec

from PIL import features
from torchvision.datasets.folder import IMG_EXTENSIONS

# what is read, as Pillow names it; some of its other readers start a program, such as Ghostscript for PostScript
READ = {"JPEG", "MPO", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF", "HEIF"}
HEIF_PACKAGE = "pip install pillow-heif"
HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
AVIF_BRANDS = (b"avif", b"avis")
REMEDIES = {".heic": HEIF_PACKAGE, ".heif": HEIF_PACKAGE, ".avif": "pip install --upgrade pillow"}
BEGINNINGS = {  # in small letters, of files that are often found under the name of a photo
    b"<!doctype html": "it is a web page; download the image itself",
    b"<html": "it is a web page; download the image itself",
    b"<svg": "it is a drawing in SVG; save it as PNG",
    b"<?xml": "it is a text in XML; if it is a drawing in SVG, save it as PNG",
    b"%pdf": "it is a PDF; save its pages as PNG",
    b"%!ps": "it is PostScript, which can hold a program; save it as PNG",
    b"\xc5\xd0\xd3\xc6": "it is PostScript, which can hold a program; save it as PNG",
    b"pk\x03\x04": "it is a zip archive; unpack it",
    b"version https://git-lfs": "it is a pointer of Git LFS; get the image itself with git lfs pull",
}
START = 64  # bytes of a file, enough for all rows above


def readable_endings() -> tuple[str, ...]:
    """Return the endings of names, in small letters, of the images that can be read on this machine."""
    avif = (".avif",) if features.check("avif") else ()
    heif = (".heic", ".heif") if find_spec("pillow_heif") else ()
    return (*IMG_EXTENSIONS, ".jfif", ".gif", *avif, *heif)


def is_heif(start: bytes) -> bool:
    """Return whether a file that starts with these bytes is HEIC or another kind of HEIF, except AVIF."""
    size = int.from_bytes(start[:4], "big")
    brands = [start[i : i + 4] for i in range(8, min(size, START), 4)]
    avif = any(brand in AVIF_BRANDS for brand in brands)
    return start[4:8] == b"ftyp" and start[8:12] in HEIF_BRANDS and not avif


def describe_start(start: bytes) -> str:
    """Say what a file is that starts with these bytes and that no reader knows; nothing if that is unknown."""
    if not start:
        return "it is empty"
    if start[4:8] == b"ftyp" and start[8:12] in AVIF_BRANDS:
        return f"it is AVIF, which this version of Pillow does not read: {REMEDIES['.avif']}"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    found = (reason for beginning, reason in BEGINNINGS.items() if text.startswith(beginning))
    return next(found, "")
