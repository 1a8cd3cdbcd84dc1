"""Running statistics are those of the photos after a refresh, whatever they were before."""

from contextlib import nullcontext

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from tests.tiny import TinyNet
from tlhelpers.training.batch_norm import refresh_batch_norm


@pytest.fixture(autouse=True)
def full_precision(monkeypatch):
    """Compute in float32 whatever the machine is fastest in."""
    monkeypatch.setattr("tlhelpers.training.batch_norm.autocast", lambda device: nullcontext())


def test_statistics_are_the_means_over_the_batches():
    """Each batch counts alike; weights, momentum and the counter of a fresh network stay as torch leaves them."""
    torch.manual_seed(0)
    model, images = TinyNet(), 3 + torch.randn(12, 3, 8, 8)
    model.bn1.running_mean.fill_(100)
    before = {name: values.clone() for name, values in model.named_parameters()}
    torch.manual_seed(1)
    loader = DataLoader(TensorDataset(images, torch.arange(12)), batch_size=4, shuffle=True)
    refresh_batch_norm(model, loader)
    torch.manual_seed(1)
    order = torch.cat([numbers for _, numbers in loader])
    outputs = [model.conv1(part).transpose(0, 1).flatten(1) for part in images[order].cpu().split(4)]
    torch.testing.assert_close(model.bn1.running_mean, torch.stack([each.mean(dim=1) for each in outputs]).mean(dim=0))
    torch.testing.assert_close(model.bn1.running_var, torch.stack([each.var(dim=1) for each in outputs]).mean(dim=0))
    assert all(torch.equal(values, before[name]) for name, values in model.named_parameters())
    assert model.bn1.momentum == 0.1 and not model.training


def test_a_loader_in_the_order_of_the_classes_is_refused():
    """The variance between the classes would be missing."""
    loader = DataLoader(TensorDataset(torch.zeros(4, 3, 8, 8), torch.zeros(4)), batch_size=2)
    with pytest.raises(ValueError, match="loader is not shuffled; it must shuffle, .*; make it with shuffle=True"):
        refresh_batch_norm(TinyNet(), loader)
