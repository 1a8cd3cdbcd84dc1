"""Running statistics of batch norms: estimate them anew when those of the training lag behind the weights."""

import torch
from torch import nn
from torch.optim.swa_utils import update_bn
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from tlhelpers.machine import pick_device
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
        Of training photos, with the transform of the training or of the validation, in batches of 16 or more.
    """
    device = pick_device()
    model.to(device).eval()
    with autocast(device):
        update_bn(tqdm(loader, desc="batch norm", unit="batch", leave=False), model, device)
