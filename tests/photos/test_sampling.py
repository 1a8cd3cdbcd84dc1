"""A loader that shuffles draws what torch's loader draws, and its last batch never holds a single item."""

import pytest
import torch
from torch.utils.data import DataLoader, RandomSampler, TensorDataset

from tests.tiny import transform
from tlhelpers.photos.datasets import image_folder
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.sampling import shuffled_loader


def epochs(loader: DataLoader) -> tuple[list[list[int]], torch.Tensor]:
    """Return the batches of two epochs after a seed, and a random number that is drawn afterwards."""
    torch.manual_seed(3)
    batches = [batch[0].tolist() for _ in range(2) for batch in loader]
    return batches, torch.rand(1)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 9, 12, 13, 33])
@pytest.mark.parametrize("batch_size", [1, 2, 4, 8, 32])
def test_order_and_random_numbers_are_those_of_torch(count, batch_size):
    """Only a last batch of one item is folded into the batch before it."""
    items = TensorDataset(torch.arange(count))
    loader = shuffled_loader(items, batch_size)
    batches, drawn = epochs(loader)
    expected, drawn_by_torch = epochs(DataLoader(items, batch_size=batch_size, shuffle=True))
    if folded := batch_size > 1 and count > batch_size and count % batch_size == 1:
        half = len(expected) // 2
        expected = [[*epoch[:-2], epoch[-2] + epoch[-1]] for epoch in (expected[:half], expected[half:])]
        expected = [batch for epoch in expected for batch in epoch]
    assert batches == expected and drawn.equal(drawn_by_torch)
    assert len(loader) == len(batches) / 2 == -(-count // batch_size) - folded


def test_the_attributes_of_the_loader_are_those_of_torch():
    """Others read the size of the batches, and whether it shuffles."""
    loader = shuffled_loader(TensorDataset(torch.arange(9)), 4)
    assert loader.batch_size == 4 and isinstance(loader.sampler, RandomSampler)
    assert loader.batch_sampler.sampler is loader.sampler and not loader.drop_last


@pytest.mark.parametrize("workers", [0, 2])
def test_photos_are_folded_too(folder, workers):
    """Of 12 photos in batches of 11 comes one batch, shuffled; in their own order come two."""
    photos = image_folder(folder).train
    for shuffle, sizes in ((True, [12]), (False, [11, 1])):
        loader = make_loader(photos, transform(), batch_size=11, shuffle=shuffle, workers=workers)
        assert [len(labels) for _, labels in loader] == sizes and len(loader) == len(sizes)
        assert loader.batch_size == 11


@pytest.mark.parametrize("batch_size", [None, 0, -1, 2.0, "4"])
def test_a_size_that_is_none_is_refused(folder, batch_size):
    """The error has the value."""
    with pytest.raises(ValueError, match=f"batch_size is {batch_size!r}; it must be an integer of 1 or more"):
        make_loader(image_folder(folder).train, transform(), batch_size=batch_size)
