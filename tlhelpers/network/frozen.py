"""A frozen copy of a network that returns the activations of one layer, faster than the network itself."""

import copy

import torch
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from tlhelpers.machine import pick_device
from tlhelpers.network.fused import fuse_convolutions
from tlhelpers.network.graphs import cut, fold_batch_norms
from tlhelpers.network.sources import forgetting_sources
from tlhelpers.precision import pick_dtype

IMAGES_AT_ONCE = (8, 32)  # on a CPU, in the early and in the late layers: so many activations fit in its cache


class FrozenNetwork:
    """A copy of a network that ends at a layer and returns the same activations, faster.

    Layers after that one are left out, every batch norm is folded into the convolution before it, and the weights are
    stored in the precision of ``pick_dtype``. On a CPU, convolutions are fused with the additions and ReLUs that follow
    them, and images go through the early layers in smaller groups than through the late ones. Later changes of the
    network do not reach the copy: make a new one for every use.

    Parameters
    ----------
    model : nn.Module
        Not changed.
    layer : str
        A name as in ``model.named_modules()``.

    Raises
    ------
    Exception
        One of torch's, if what the network does depends on its input, so that it has no fixed graph.
    """

    def __init__(self, model: nn.Module, layer: str) -> None:
        self.layer, self.device = layer, pick_device()
        self.dtype = pick_dtype(self.device)
        with forgetting_sources():
            network = create_feature_extractor(copy.deepcopy(model).eval(), [layer])
            fold_batch_norms(network)
            network = network.to(self.device, self.dtype, memory_format=torch.channels_last)
            if self.device.type == "cpu" and torch.backends.mkldnn.is_available():
                fuse_convolutions(network)
            self.network = network
            self.early, self.late = cut(network)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Return the layer's output for (N, 3, H, W) images, in float32 on the fastest device."""
        early, late = IMAGES_AT_ONCE if self.device.type == "cpu" else (len(images), len(images))
        return torch.cat([self._activations(part, early) for part in images.split(late)])

    def _activations(self, images: Tensor, at_once: int) -> Tensor:
        parts = [part.to(self.device, self.dtype, memory_format=torch.channels_last) for part in images.split(at_once)]
        return self.late(torch.cat([self.early(part) for part in parts]))[self.layer].float()
