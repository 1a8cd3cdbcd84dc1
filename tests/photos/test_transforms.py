"""Preprocessing belongs to the weights, and can be undone for a figure."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import ResNet50_Weights

from tests.tiny import ENTRY
from tlhelpers.network.weights import find_weights
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


@pytest.mark.parametrize("size", [12, 16])
def test_objects_are_as_large_in_training_as_in_validation(size):
    """The photo is a ramp from 0 to 1: the steeper it is in a crop, the more that crop was reduced."""
    ramp = Image.fromarray(np.tile(np.linspace(0, 255, 200), (200, 1)).astype(np.uint8)).convert("RGB")

    def slope(transform) -> float:
        shown = denormalize(transform(ramp), ENTRY)[0]
        return (shown[:, -2] - shown[:, 1]).abs().mean().item() / (shown.shape[1] - 3)

    expected = slope(eval_transform(ENTRY))
    slopes = [slope(train_transform(ENTRY, size=size)) for _ in range(60)]
    assert 0.8 * expected < np.mean(slopes) < 1.25 * expected
    assert max(slopes) > 1.3 * min(slopes)
