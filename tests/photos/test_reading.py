"""A photo is read as Pillow reads it and not larger than necessary, or it is named in the error."""

import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, ImageChops, ImageOps, features
from PIL.PngImagePlugin import PngInfo

from tests.tiny import write_photo
from tlhelpers.photos.reading import MAX_PIXELS, READER_VERSION, open_photo


def test_the_version_of_the_reader_is_a_number():
    """Stored features carry it, so that those of an older reader are computed again."""
    assert isinstance(READER_VERSION, int) and READER_VERSION >= 2


def old_open_photo(path):
    """Read a photo as the first version of the reader did."""
    with Image.open(path) as image:
        image.draft(None, (512, 512))
        ImageOps.exif_transpose(image, in_place=True)
        return image.convert("RGB")


@pytest.mark.parametrize("orientation", [1, 2, 3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize(("size", "ending"), [((31, 20), "jpg"), ((1100, 1030), "jpg"), ((31, 20), "png")])
def test_ordinary_photos_are_read_bit_for_bit_as_ever(tmp_path, orientation, size, ending):
    """Pixels of JPEG and PNG in every orientation, small and reduced, are those of Pillow alone."""
    path, exif = tmp_path / f"photo.{ending}", Image.Exif()
    exif[0x0112] = orientation
    write_photo(tmp_path / "noise.bmp", orientation, size)
    Image.open(tmp_path / "noise.bmp").save(path, exif=exif)
    found, expected = open_photo(path), old_open_photo(path)
    assert found.mode == "RGB" and found.size == expected.size and found.tobytes() == expected.tobytes()


def test_of_an_animation_the_first_frame_is_read(tmp_path):
    """A GIF of two frames."""
    frames = [Image.new("RGB", (4, 3), color) for color in ("navy", "orange")]
    frames[0].save(tmp_path / "moves.gif", save_all=True, append_images=frames[1:])
    assert open_photo(tmp_path / "moves.gif").getcolors() == [(12, (0, 0, 128))]


@pytest.mark.parametrize("name", ["猫 狗", "قطة", "🐝", "$5_bill_$x^", "two\nlines", "a  b"])
def test_names_in_any_script_are_read(tmp_path, name):
    """The name of a file says nothing about its content."""
    path = tmp_path / name / f"{name}.png"
    write_photo(path, 0)
    assert open_photo(path).size == open_photo(str(path)).size == (30, 24)


@pytest.mark.parametrize(("side", "kept"), [(500, 500), (1000, 1000), (1100, 550), (4200, 525)])
def test_large_photos_are_read_at_a_fraction_of_their_size(tmp_path, side, kept):
    """Both sides keep 512 pixels, and the reduced photo shows the same."""
    ramp = Image.linear_gradient("L").resize((side, side + 8))
    ramp.convert("RGB").save(tmp_path / "large.jpg", quality=95)
    found = open_photo(tmp_path / "large.jpg")
    assert found.size == (kept, kept * (side + 8) // side)
    assert ImageChops.difference(found.convert("L"), ramp.resize(found.size)).getextrema()[1] <= 4


@pytest.mark.parametrize("keep", [0, 30, 300])
def test_a_damaged_photo_is_named(tmp_path, keep):
    """Without any content, with a part of its header, or cut off: the error names the file and what to do."""
    path = tmp_path / "0.png"
    Image.effect_noise((30, 24), 60).save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="0.png cannot be read as an image .*replace it or take it out"):
        open_photo(path)


STARTS = {
    "page": (b"\n<!DOCTYPE html><html>", "it is a web page; download the image itself"),
    "drawing": (b"<svg xmlns=''>", "it is a drawing in SVG; save it as PNG"),
    "program": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is PostScript, which can hold a program"),
    "program in EPS": (b"\xc5\xd0\xd3\xc6" + bytes(40), "it is PostScript, which can hold a program"),
    "document": (b"%PDF-1.7", "it is a PDF"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1", "it is a pointer of Git LFS; .* git lfs pull"),
    "letter": (b"Dear reader", "its content is not that of an image"),
    "nothing": (b"", "it is empty"),
    "rest": (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "it starts like PNG, but: "),
}


@pytest.mark.parametrize(("content", "reason"), STARTS.values(), ids=STARTS.keys())
def test_what_is_no_image_is_said(tmp_path, content, reason):
    """The error names the file, what is in it, and what to do."""
    (tmp_path / "photo.jpg").write_bytes(content)
    with pytest.raises(
        ValueError, match=rf"photo.jpg cannot be read as an image \({reason}.*; replace it or take it out"
    ):
        open_photo(tmp_path / "photo.jpg")


def test_what_is_no_file_is_said(tmp_path):
    """A missing file, a folder, a FIFO that would never end, and no path at all."""
    os.mkfifo(tmp_path / "fifo.jpg")
    for name, reason in (("none.jpg", "No such file"), ("", "not a regular file"), ("fifo.jpg", "not a regular file")):
        with pytest.raises(ValueError, match=f"{name} cannot be read as an image .*{reason}"):
            open_photo(tmp_path / name)
    with pytest.raises(ValueError, match="path is None; it must be the path of an image file"):
        open_photo(None)


def in_format(form: str) -> bytes:
    """Return an image of noise in a format."""
    file = io.BytesIO()
    Image.effect_noise((40, 30), 90).convert("RGB").save(file, form)
    return file.getvalue()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM"])
def test_damage_never_gives_another_error(tmp_path, form):
    """Bytes of the header are changed or the end is lost: an image, or a ValueError that names the file."""
    rng, path, content, refused = np.random.default_rng(0), tmp_path / "photo.jpg", in_format(form), 0
    for number in range(40):
        damaged = bytearray(content)
        for place in rng.integers(0, min(400, len(content)), 1 + number % 9):
            damaged[place] = rng.integers(256)
        path.write_bytes(damaged[: len(damaged) if number % 2 else int(rng.integers(len(damaged)))])
        try:
            assert open_photo(path).mode == "RGB"
        except ValueError as error:
            assert str(error).startswith(f"{path} cannot be read as an image (")
            refused += 1
    assert refused > 5


def test_a_bomb_of_text_is_named(tmp_path):
    """A compressed text of 20 MB in a PNG."""
    info = PngInfo()
    info.add_text("comment", "a" * 20_000_000, zip=True)
    Image.new("RGB", (4, 4)).save(tmp_path / "bomb.png", pnginfo=info)
    with pytest.raises(ValueError, match="bomb.png cannot be read as an image .*too large"):
        open_photo(tmp_path / "bomb.png")


@pytest.mark.parametrize(
    ("form", "module"),
    [
        pytest.param("AVIF", "PIL", marks=pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")),
        ("HEIF", "pillow_heif"),
    ],
)
def test_the_first_bytes_decide_and_not_the_name(tmp_path, form, module):
    """A photo of a phone under the name of a JPEG."""
    package = pytest.importorskip(module, reason=f"{module} is not installed")
    if form == "HEIF":
        image = package.from_pillow(Image.new("RGB", (64, 48), "orange"))
        image.save(tmp_path / "photo.jpg", format="HEIF")
    else:
        Image.new("RGB", (64, 48), "orange").save(tmp_path / "photo.jpg", form)
    image = open_photo(tmp_path / "photo.jpg")
    assert image.size == (64, 48) and np.abs(np.array(image.getpixel((9, 9))) - (255, 165, 0)).max() < 8


@pytest.mark.parametrize("brands", [b"heic\0\0\0\0mif1", b"mif1\0\0\0\0heic", b"avif\0\0\0\0mif1"])
def test_a_format_whose_package_is_missing_is_named(tmp_path, monkeypatch, brands):
    """The error says what to install."""
    remedy = "pip install --upgrade pillow" if brands.startswith(b"avif") else "pip install pillow-heif"
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # importing it fails
    Image.init()
    for form in ("HEIF", "AVIF"):
        monkeypatch.delitem(Image.OPEN, form, raising=False)
    (tmp_path / "photo.jpg").write_bytes(struct.pack(">L", 20) + b"ftyp" + brands + b"\0" * 99)
    with pytest.raises(ValueError, match=rf"photo.jpg cannot be read as an image \(it is (HEIC|AVIF).*: {remedy}"):
        open_photo(tmp_path / "photo.jpg")


def test_a_huge_photo_is_read_if_it_can_be_reduced(tmp_path, recwarn):
    """A JPEG of more pixels than Pillow opens is read at an eighth of its size, without a warning."""
    Image.new("L", (14000, 14000), 90).save(tmp_path / "phone.jpg")
    assert open_photo(tmp_path / "phone.jpg").size == (1750, 1750)
    assert not recwarn.list


def test_a_huge_photo_is_refused_before_it_is_decoded(tmp_path, recwarn):
    """A PNG that says that it has more than ``MAX_PIXELS`` pixels; Pillow's own warning is not printed."""
    width, height = 12000, MAX_PIXELS // 12000 + 1
    header = b"IHDR" + struct.pack(">LLBBBBB", 2 * width, height, 8, 2, 0, 0, 0)
    rest = struct.pack(">LL", zlib.crc32(header), 0) + b"IDAT" + b"\0" * 4
    (tmp_path / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">L", 13) + header + rest)
    with pytest.raises(ValueError, match=f"scan.png .*it has 24000 x {height} pixels, and at most 50 million are read"):
        open_photo(tmp_path / "scan.png")
    assert not recwarn.list
