"""A photo stands upright, whatever else is in the data that its camera stored."""

import struct

import pytest
from PIL import Image

from tlhelpers.photos.reading import open_photo, to_rgb


def sideways() -> Image.Exif:
    """Return the EXIF data of a camera that was turned by 90 degrees."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


BROKEN = {  # an entry of EXIF: tag, type, count, value or its place
    "an integer in place of a text": (0x010F, 3, 1, 5),
    "a text behind the end": (0x010F, 2, 400, 9999),
    "an unknown type": (0x010F, 77, 1, 0),
    "a huge count": (0x010F, 2, 2**31, 8),
    "a resolution in bytes": (0x011A, 1, 4, 7),
    "a resolution behind the end": (0x011A, 5, 1, 9999),
    "a unit as a text": (0x0128, 2, 4, 7),
    "an unknown tag": (0x0001, 9, 1, 1),
}


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("entry", BROKEN.values(), ids=BROKEN.keys())
@pytest.mark.parametrize("order", "<>")
def test_a_photo_is_turned_whatever_else_in_its_exif_is_broken(tmp_path, order, entry):
    """The entry of the orientation alone decides; the pixels are whole."""
    entries = [struct.pack(f"{order}HHLL", *entry), struct.pack(f"{order}HHLHH", 0x0112, 3, 1, 6, 0)]
    entries.sort(key=lambda packed: struct.unpack(f"{order}H", packed[:2]))
    start = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}LH", 8, len(entries))
    Image.new("RGB", (6, 4)).save(tmp_path / "photo.jpg", exif=b"Exif\0\0" + start + b"".join(entries) + b"\0" * 4)
    assert open_photo(tmp_path / "photo.jpg").size == (4, 6)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", b"Exif\0\0MM", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\0" * 40])
def test_useless_exif_is_ignored(tmp_path, exif):
    """Cut off or senseless: the photo is read as it lies in the file."""
    Image.new("RGB", (6, 4)).save(tmp_path / "photo.jpg", exif=exif)
    assert open_photo(tmp_path / "photo.jpg").size == (6, 4)


@pytest.mark.parametrize("ending", ["jpg", "tif", "webp", "png"])
def test_every_format_is_turned_once(tmp_path, ending):
    """Pillow itself turns some formats while it reads them; and to_rgb does not turn a result again."""
    image = Image.linear_gradient("L").crop((0, 0, 30, 256))  # dark at the top
    image.convert("RGB").save(tmp_path / f"photo.{ending}", exif=sideways())
    found = open_photo(tmp_path / f"photo.{ending}")
    assert found.size == (256, 30)
    assert found.getpixel((250, 9))[0] < 20 and found.getpixel((5, 9))[0] > 235  # dark at the right
    assert to_rgb(found).tobytes() == found.tobytes()


@pytest.mark.parametrize("tag", ['tiff:Orientation="6"', "<tiff:Orientation>6</tiff:Orientation>"])
def test_the_orientation_may_stand_in_xmp(tmp_path, tag):
    """Some programs write it only there."""
    Image.new("RGB", (6, 4)).save(tmp_path / "photo.jpg", xmp=tag.encode())
    assert open_photo(tmp_path / "photo.jpg").size == (4, 6)


def test_broken_data_of_old_png_files_are_ignored():
    """Pillow raises an error for a profile that is not written in hexadecimal digits."""
    image = Image.new("RGB", (6, 4))
    image.info["Raw profile type exif"] = "\nexif\n 4\nnothing"
    assert to_rgb(image).size == (6, 4)


def test_an_opened_image_is_treated_like_its_file(tmp_path):
    """to_rgb turns it upright too, and does not change it."""
    Image.new("RGBA", (6, 4)).save(tmp_path / "photo.png", exif=sideways())
    with Image.open(tmp_path / "photo.png") as image:
        assert to_rgb(image).tobytes() == open_photo(tmp_path / "photo.png").tobytes()
        assert image.size == (6, 4) and image.mode == "RGBA"
