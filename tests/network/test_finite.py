"""A network whose weights or images are broken is refused: NaN has a largest logit too, and with it an accuracy."""

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import tlhelpers as tl
from tests.tiny import StagedNet, transform, write_folder
from tlhelpers.photos.datasets import image_folder

FUNCTIONS = [tl.evaluate, tl.extract_features, lambda model, loader: tl.keep_below(model, "layer4", loader)]


@pytest.fixture
def photos(tmp_path):
    return image_folder(write_folder(tmp_path / "set")).val


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_broken_weight_is_named(photos, function, value):
    """With the number of photos that it spoils."""
    model = StagedNet(2)
    torch.nn.init.constant_(model.layer2[0].weight, value)
    with pytest.raises(RuntimeError, match="of 8 of 8 photos hold NaN or infinity: layer2.0.weight in the network"):
        function(model, tl.make_loader(photos, transform()))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_broken_image_is_told_from_a_broken_weight(function):
    """One image of eight is NaN, as after a division by a spread of 0."""
    images = torch.randn(8, 3, 16, 16)
    images[5, 0, 0, 0] = torch.nan
    loader = DataLoader(TensorDataset(images, torch.zeros(8, dtype=torch.long)), batch_size=4)
    with pytest.raises(RuntimeError, match="of 1 of 8 photos hold NaN or infinity: the weights are finite, so look at"):
        function(StagedNet(2).eval(), loader)
