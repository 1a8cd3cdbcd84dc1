"""Running statistics of batch norms: estimate them anew when those of the training lag behind the weights."""

import torch
from torch import nn
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader, RandomSampler

from tlhelpers.arguments import check_loader, check_network
from tlhelpers.bars import with_bar
from tlhelpers.byhand.arguments import require
from tlhelpers.machine import pick_device
from tlhelpers.photos.sampling import sampler_of
from tlhelpers.precision import autocast


@torch.no_grad()
def refresh_batch_norm(model: nn.Module, loader: DataLoader) -> None:
    """Estimate the running means and variances of all batch norms anew, from the photos of a loader.

    In training, a batch norm uses the mean and variance of the batch; in eval mode it uses running averages. With
    torch's momentum of 0.1, an average follows the weights only after some fifty steps. After a short training the
    averages still belong to the old weights, and a network that was right in training is wrong in eval mode. The new
    averages are the plain means over all batches.

    Parameters
    ----------
    model : nn.Module
        Left in eval mode, on the fastest device. Only the running statistics change.
    loader : DataLoader
        Of training photos, shuffled, in batches of 16 or more. In the order of their folders, a batch would hold photos
        of one class, and the variance between the classes would be missing.

    Raises
    ------
    ValueError
        If the loader does not shuffle.
    """
    check_network(model)
    check_loader(loader)
    shuffles = isinstance(sampler_of(loader), RandomSampler)
    require(
        shuffles, "loader", "not shuffled", "shuffle, so that each batch has all classes", "make it with shuffle=True"
    )
    device = pick_device()
    model.to(device).eval()
    with autocast(device):
        update_bn(with_bar(loader, "batch norm"), model, device)
