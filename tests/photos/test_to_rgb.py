"""An image of any mode becomes what a person sees: 8 bits, on white, upright, and not an endless strip."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from tlhelpers.photos.reading import MAX_RATIO, open_photo, to_rgb

RAMP = np.tile(np.arange(256), (64, 1))  # 256 levels of gray


def levels(image) -> np.ndarray:
    """Return the levels of an image that is gray."""
    pixels = np.asarray(image)
    assert image.mode == "RGB" and (pixels == pixels[:, :, :1]).all()
    return pixels[:, :, 0]


@pytest.mark.parametrize("factor", [256, 257])
@pytest.mark.parametrize(("mode", "kind"), [("I;16", "<u2"), ("I;16L", "<u2"), ("I;16B", ">u2"), ("I;16N", "=u2")])
def test_16_bits_are_scaled_to_8(mode, kind, factor):
    """All 256 levels of a ramp survive, whatever the order of the bytes and the level that means white."""
    image = Image.frombytes(mode, (256, 64), (RAMP * factor).astype(kind).tobytes())
    assert (levels(to_rgb(image)) == RAMP).all()


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_files_in_16_bits_are_scaled_to_8(tmp_path, ending):
    """Each format has a mode of its own for them."""
    path = tmp_path / f"ramp.{ending}"
    Image.fromarray((RAMP * 257).astype(np.uint16)).save(path)
    assert (levels(open_photo(path)) == RAMP).all()


def tiff(values: bytes, bits: int, zero_is_black: int) -> bytes:
    """Return a TIFF of 64 rows with 256 values each."""
    tags = {256: 256, 257: 64, 258: bits, 259: 1, 262: zero_is_black, 273: 200, 277: 1, 278: 64, 279: len(values)}
    entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags.items())
    return (b"II*\0" + struct.pack("<LH", 8, len(tags)) + entries).ljust(200, b"\0") + values


@pytest.mark.parametrize(("bits", "zero_is_black"), [(12, 1), (16, 1), (16, 0)])
def test_a_tiff_says_how_many_bits_it_has_and_which_end_is_white(tmp_path, bits, zero_is_black):
    """Of 12 bits the upper 8 are kept too."""
    pairs = (RAMP * 16).reshape(-1, 2)  # of 12 bits, in three bytes
    packed = b"".join(int(one * 4096 + other).to_bytes(3, "big") for one, other in pairs)
    values = packed if bits == 12 else (RAMP * 257).astype("<u2").tobytes()
    (tmp_path / "ramp.tif").write_bytes(tiff(values, bits, zero_is_black))
    assert (levels(open_photo(tmp_path / "ramp.tif")) == (RAMP if zero_is_black else 255 - RAMP)).all()


@pytest.mark.parametrize("factor", [256, 257])
def test_integers_of_32_bits_are_read_as_16_bits(factor):
    """That is how several programs store 16 bits."""
    assert (levels(to_rgb(Image.fromarray((RAMP * factor).astype(np.int32)))) == RAMP).all()


def test_floats_from_0_to_1_are_scaled(tmp_path):
    """All 256 levels of a ramp survive."""
    Image.fromarray((RAMP / 255).astype(np.float32)).save(tmp_path / "ramp.tif")
    assert (levels(open_photo(tmp_path / "ramp.tif")) == RAMP).all()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (RAMP.astype(np.float32), "floats from 0 to 255, and they must be from 0 to 1"),
        ((RAMP / 255 - 0.5).astype(np.float32), "floats from -0.5 to 0.5"),
        (np.where(RAMP == 7, np.nan, 0.5).astype(np.float32), "floats from nan to nan"),
        (RAMP.astype(np.uint16), "integers of 16 bits from 0 to 255"),
        ((RAMP * 16).astype(np.uint16), "integers of 16 bits from 0 to 4080"),  # 12 bits, nearly black in 16
        (RAMP.astype(np.int32), "integers of 32 bits from 0 to 255"),
        ((RAMP * 1000).astype(np.int32), "integers of 32 bits from 0 to 255000"),
        ((RAMP - 5).astype(np.int32), "integers of 32 bits from -5 to 250"),
    ],
)
def test_values_that_could_mean_several_things_are_refused(tmp_path, values, sentence):
    """The error names the file and the range of the values."""
    path = tmp_path / "values.tif"
    Image.fromarray(values).save(path)
    with pytest.raises(ValueError, match=rf"values.tif cannot be read as an image .*{sentence}.*save it with 8"):
        open_photo(path)


# Opaque ink, a hidden color, and a color of which 20 % show
CUT_OUT = np.array([[(10, 20, 30, 255), (200, 0, 0, 0), (0, 100, 200, 51)]], dtype=np.uint8)
ON_WHITE = [(10, 20, 30), (255, 255, 255), (204, 224, 244)]


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_a_transparent_ground_is_white(tmp_path, ending):
    """Hidden colors do not show, and half transparent ones are blended with white."""
    path = tmp_path / f"cut_out.{ending}"
    Image.fromarray(CUT_OUT).save(path, **({"lossless": True, "exact": True} if ending == "webp" else {}))
    assert np.asarray(open_photo(path))[0].tolist() == [list(color) for color in ON_WHITE]


def test_palettes_with_an_alpha_channel_are_on_white():
    """The mode PA, and colors that are multiplied by their alpha already."""
    image = Image.fromarray(CUT_OUT)
    palette = Image.merge("PA", (Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8)), image.getchannel("A")))
    palette.putpalette(CUT_OUT[0, :, :3].tobytes())
    assert [to_rgb(palette).getpixel((x, 0)) for x in range(3)] == ON_WHITE
    np.testing.assert_allclose(np.asarray(to_rgb(image.convert("RGBa")))[0], ON_WHITE, atol=4)


@pytest.mark.parametrize("mode", ["LA", "La"])
def test_a_transparent_ground_of_gray_is_white(mode):
    """In gray as in color."""
    image = Image.fromarray(np.array([[[10, 255], [90, 0], [100, 51]]], dtype=np.uint8)).convert(mode)
    np.testing.assert_allclose(levels(to_rgb(image))[0], [10, 255, 224], atol=0 if mode == "LA" else 4)


@pytest.mark.parametrize(
    ("mode", "pixels", "key", "expected"),
    [
        ("RGB", [(1, 2, 3), (9, 9, 9)], (1, 2, 3), [(255, 255, 255), (9, 9, 9)]),
        ("L", [7, 9], 7, [(255, 255, 255), (9, 9, 9)]),
        ("1", [0, 255], 255, [(0, 0, 0), (255, 255, 255)]),
        ("I;16", [0x1234, 0x1250], 0x1234, [(255, 255, 255), (0x12, 0x12, 0x12)]),
        ("P", [0, 1], 0, [(255, 255, 255), (40, 50, 60)]),
        ("P", [0, 1], bytes([255, 51]), [(10, 20, 30), (212, 214, 216)]),
    ],
)
def test_a_transparent_color_is_white(tmp_path, mode, pixels, key, expected):
    """Pixels of the color that a file declares to be transparent become white, and only these."""
    image = Image.new(mode, (2, 1))
    if mode == "P":
        image.putpalette(bytes([10, 20, 30, 40, 50, 60]))
    for x, pixel in enumerate(pixels):
        image.putpixel((x, 0), pixel)
    image.save(tmp_path / "key.png", transparency=key)
    assert [open_photo(tmp_path / "key.png").getpixel((x, 0)) for x in (0, 1)] == expected


def test_a_transparent_color_of_16_bits_is_white():
    """Pillow reads three channels of 16 bits as 8 bits, but leaves the transparent color at 16 bits."""
    image = Image.new("RGB", (2, 1), (0x12, 0x56, 0x9A))
    image.info["transparency"] = (0x1234, 0x5678, 0x9ABC)
    image.putpixel((1, 0), (1, 2, 3))
    assert [to_rgb(image).getpixel((x, 0)) for x in (0, 1)] == [(255, 255, 255), (1, 2, 3)]


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "HSV", "LAB", "YCbCr", "RGBX"])
def test_other_modes_are_converted_as_pillow_does(mode):
    """Palettes, one bit, and other spaces of color."""
    image = ImageOps.colorize(Image.linear_gradient("L"), "navy", "orange").convert(mode)
    assert to_rgb(image).tobytes() == image.convert("RGB").tobytes()


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
def test_an_image_with_nothing_to_do_is_not_changed(mode):
    """The image that is given keeps its mode and pixels, and one in RGB is returned as it is."""
    image = Image.linear_gradient("L").convert(mode)
    before = image.tobytes()
    assert (to_rgb(image) is image) == (mode == "RGB")
    assert image.mode == mode and image.tobytes() == before


@pytest.mark.parametrize(("size", "kept"), [((20000, 2), 64), ((5, 9999), 169), ((320, 10), 320), ((339, 10), 339)])
def test_a_strip_is_cut_to_its_middle(size, kept):
    """At most ``MAX_RATIO`` times as long as wide, and up to two widths more, so that the grid of pixels stays."""
    image = Image.new("RGB", size)
    found = to_rgb(image)
    assert max(found.size) == kept < (MAX_RATIO + 2) * min(size) and min(found.size) == min(size)
    assert (max(size) - kept) % (2 * min(size)) == 0


def test_an_image_without_pixels_is_refused():
    """Nothing can be resized there."""
    with pytest.raises(ValueError, match="the image has 0 x 5 pixels"):
        to_rgb(Image.new("L", (0, 5)))
