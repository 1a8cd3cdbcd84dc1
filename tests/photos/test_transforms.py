"""Preprocessing belongs to the weights, and can be undone for a figure."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import ResNet50_Weights
from torchvision.transforms import v2

from tests.tiny import ENTRY
from tlhelpers.network.weights import find_weights
from tlhelpers.photos.reading import open_photo, to_rgb
from tlhelpers.photos.transforms import denormalize, eval_transform, train_transform


def photo(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return a photo of noise."""
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(levels)


@pytest.mark.parametrize("name", ["imagenet1k_v1", "imagenet1k_v2"])
@pytest.mark.parametrize("size", [(300, 250), (250, 400), (100, 120)])
def test_the_transform_is_the_one_that_torchvision_publishes_with_the_weights(name, size):
    """Both give the same tensor, up to rounding."""
    entry = find_weights(name)
    theirs = ResNet50_Weights[name.upper()].transforms()
    torch.testing.assert_close(eval_transform(entry)(photo(*size)), theirs(photo(*size)), atol=1e-5, rtol=0)


def test_photos_of_every_size_get_the_size_of_the_crop():
    """Small and elongated photos too, and with every size for training."""
    for size in ((16, 16), (7, 50), (90, 20)):
        assert eval_transform(ENTRY)(photo(*size)).shape == (3, 16, 16)
        assert train_transform(ENTRY)(photo(*size)).shape == (3, 16, 16)
        for side in (12, 40):  # smaller and larger than what validation shows
            assert train_transform(ENTRY, size=side)(photo(*size)).shape == (3, side, side)


def test_training_uses_another_part_each_time_and_follows_the_seed():
    """Two calls differ; with the same seed they are repeated."""
    image, transform = photo(60, 50), train_transform(ENTRY)
    torch.manual_seed(0)
    first, second = transform(image), transform(image)
    torch.manual_seed(0)
    assert torch.equal(first, transform(image)) and not torch.equal(first, second)


def test_denormalize_undoes_the_normalization():
    """The result has the values of the pixels in the center, from 0 to 1."""
    image = photo(20, 20)
    shown = denormalize(eval_transform(ENTRY)(image)[None], ENTRY)[0]
    torch.testing.assert_close(
        shown, torch.from_numpy(np.asarray(image)[2:18, 2:18] / 255.0).permute(2, 0, 1).float(), atol=1e-5, rtol=0
    )


def test_objects_are_as_large_in_training_as_in_validation():
    """The photo is a ramp from 0 to 1: the steeper it is in a crop, the more that crop was reduced."""
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 200), (200, 1)).astype(np.uint8)).convert("RGB")

    def slope(transform) -> float:
        shown = denormalize(transform(ramp), ENTRY)[0]
        return (shown[:, -2] - shown[:, 1]).abs().mean().item() / (shown.shape[1] - 3)

    expected = slope(eval_transform(ENTRY))
    slopes = [slope(train_transform(ENTRY)) for _ in range(20)]
    np.testing.assert_allclose(slopes, expected, rtol=0.05)
    crops = [denormalize(train_transform(ENTRY, augment=v2.Identity())(ramp), ENTRY)[0, 0, 0] for _ in range(20)]
    assert len({round(float(first), 3) for first in crops}) > 1, "crops begin at different places"


def test_a_square_photo_is_seen_whole_where_nothing_is_to_be_cut():
    """With the same number for resize and crop the training image is the resized photo."""
    image, weights = photo(40, 40), replace(ENTRY, resize=20, crop=20)
    shown = train_transform(weights, augment=v2.Identity())(image)
    torch.testing.assert_close(shown, eval_transform(weights)(image))


TRANSFORMS = {"eval": eval_transform(ENTRY), "train": train_transform(ENTRY)}
PIXELS = np.random.default_rng(0).integers(0, 256, (30, 24, 3), dtype=np.uint8)


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
@pytest.mark.parametrize(
    ("given", "what"),
    [
        (PIXELS, r"an array of shape \(30, 24, 3\) and type uint8"),
        (torch.zeros(3, 30, 24), r"a tensor of shape \(3, 30, 24\) and type float32"),
        ("photo.jpg", "'photo.jpg'"),
        (None, "None"),
    ],
)
def test_anything_but_an_image_is_refused(transform, given, what):
    """An array would pass unresized, and one of OpenCV with exchanged colors; the error says how to make an image."""
    sentence = (
        f"image is {what}; it must be a PIL image; .*open one with Image.open.path., or make one with "
        "Image.fromarray.array., whose channels are red"
    )
    with pytest.raises(ValueError, match=sentence):
        transform(given)


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS.keys())
@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "I;16", "F"])
def test_an_image_of_another_mode_is_treated_like_its_file(tmp_path, transform, mode):
    """Opened by hand or by open_photo, the same tensor comes out."""
    path, image = tmp_path / "photo.tif", photo(30, 24)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize((30, 24)))
    levels = np.asarray(image.convert("L"))
    made = {"I;16": lambda: levels.astype(np.uint16) * 257, "F": lambda: levels.astype(np.float32) / 255}
    (Image.fromarray(made[mode]()) if mode in made else image.convert(mode)).save(path)
    found = []
    for opened in (Image.open(path), open_photo(path), to_rgb(Image.open(path))):
        torch.manual_seed(0)
        found.append(transform(opened))
    assert found[0].equal(found[1]) and found[0].equal(found[2]) and found[0].std() > 0.1


@pytest.mark.parametrize("size", [(2000, 2), (3, 1999), (1500, 7), (2, 1501)])
def test_a_cut_strip_gives_what_the_whole_strip_would(size):
    """The middle is the same, up to the rounding of pixels."""
    strip = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8))
    whole = torch.nn.Sequential(*eval_transform(ENTRY).transforms[1:])  # without the first step, which cuts it
    assert to_rgb(strip).size != strip.size
    difference = denormalize(whole(strip), ENTRY) - denormalize(eval_transform(ENTRY)(strip), ENTRY)
    assert difference.abs().max() < 2.5 / 255


def test_the_description_of_a_transform_names_its_steps():
    """Stored features are found by it."""
    steps = [line.strip().split("(")[0] for line in repr(eval_transform(ENTRY)).splitlines()]
    assert steps == ["Compose", "ToRGB", "Resize", "CenterCrop", "ToImage", "ToDtype", "Normalize", ")"]


@pytest.mark.parametrize("size", [-1, 0, 2.5, "12"])
def test_a_size_that_is_none_is_refused(size):
    """The error has the value."""
    with pytest.raises(ValueError, match=f"size is {size!r}; it must be an integer of 1 or more"):
        train_transform(ENTRY, size=size)


def test_a_training_crop_shows_the_middle_of_the_photo():
    """The photo is white in the middle, and every crop at every size shows some of that."""
    image = np.zeros((90, 120, 3), np.uint8)
    image[30:60, 45:75] = 255
    for size in (8, 16, 40):
        transform = train_transform(ENTRY, size=size)
        assert min(denormalize(transform(Image.fromarray(image)), ENTRY).max() for _ in range(50)) > 0.5


def test_what_is_done_at_random_can_be_chosen():
    """By default half of the photos are mirrored; with an identity none is, so that letters stay letters."""
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, :20] = 255
    for augment, sides in ((v2.Identity(), {True}), (v2.RandomHorizontalFlip(1.0), {False}), (None, {True, False})):
        transform = train_transform(ENTRY) if augment is None else train_transform(ENTRY, augment=augment)
        shown = [denormalize(transform(Image.fromarray(image)), ENTRY)[0] for _ in range(20)]
        assert {bool(one[:, 0].mean() > one[:, -1].mean()) for one in shown} == sides
