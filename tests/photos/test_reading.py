"""A photo is read upright, in RGB and not larger than necessary, or it is named in the error."""

import pytest
from PIL import Image, ImageChops

from tlhelpers.photos.reading import open_photo


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "CMYK", "1"])
def test_gray_and_transparent_photos_become_rgb(tmp_path, mode):
    """Every mode of PIL becomes RGB."""
    path = tmp_path / f"photo.{'tif' if mode == 'CMYK' else 'png'}"
    Image.new(mode, (5, 4)).save(path)
    assert open_photo(path).mode == "RGB"


def test_a_photo_taken_sideways_stands_upright(tmp_path):
    """The orientation that a camera stores is applied."""
    image, exif = Image.new("RGB", (6, 4)), Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    image.save(tmp_path / "sideways.jpg", exif=exif)
    assert open_photo(tmp_path / "sideways.jpg").size == (4, 6)


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


def test_a_text_with_the_ending_of_a_photo_is_named(tmp_path):
    """A file that is not an image at all is an error of the same kind."""
    (tmp_path / "letter.jpg").write_text("Dear reader")
    with pytest.raises(ValueError, match="letter.jpg cannot be read as an image"):
        open_photo(tmp_path / "letter.jpg")
