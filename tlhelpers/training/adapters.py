"""Adapters: a small trained branch beside every frozen convolution, merged into its weights at the end (LoRA)."""

import torch
from torch import Tensor, nn

from tlhelpers.arguments import check_kind, check_network, check_whole
from tlhelpers.byhand.arguments import require
from tlhelpers.network.resnet import ResNet50
from tlhelpers.training.freezing import freeze, unfreeze


class AdaptedConv2d(nn.Module):
    """A frozen convolution with a branch of low rank beside it: conv(x, W) + conv(conv(x, D), U).

    D has ``rank`` filters of the convolution's size, and U is a 1 x 1 convolution to its number of channels. U starts
    at zero, so at first nothing is added. Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models",
    2021, section 4.1, here for convolutions.

    Parameters
    ----------
    convolution : nn.Conv2d
        With one group and zero padding. It becomes part of this module.
    rank : int
        The number of filters of the branch.
    """

    def __init__(self, convolution: nn.Conv2d, rank: int) -> None:
        super().__init__()
        _check_convolution(convolution)
        check_whole(1, rank=rank)
        like = {"device": convolution.weight.device, "dtype": convolution.weight.dtype}
        sizes = {name: getattr(convolution, name) for name in ("kernel_size", "stride", "padding", "dilation")}
        self.convolution = convolution
        self.down = nn.Conv2d(convolution.in_channels, rank, bias=False, **sizes, **like)  # type: ignore[arg-type]
        self.up = nn.Conv2d(rank, convolution.out_channels, 1, bias=False, **like)  # type: ignore[arg-type]
        nn.init.zeros_(self.up.weight)

    def forward(self, images: Tensor) -> Tensor:
        return self.convolution(images) + self.up(self.down(images))

    @torch.no_grad()
    def merge(self) -> nn.Conv2d:
        """Add the branch to the weights, W + U D, and return the convolution; its outputs are the same."""
        self.convolution.weight += torch.einsum("or,rcij->ocij", self.up.weight[:, :, 0, 0], self.down.weight)
        return self.convolution


def _check_convolution(layer: object) -> None:
    """Raise ValueError if the branch could not be added to the weights of a layer."""
    check_kind("convolution", layer, nn.Conv2d, "be a convolution", "give one layer of a model, such as model.conv1")
    plain = isinstance(layer, nn.Conv2d) and layer.groups == 1 and layer.padding_mode == "zeros"
    require(plain, "convolution", layer, "have one group and zero padding", "leave this layer as it is")


def add_adapters(model: ResNet50, rank: int) -> None:
    """Freeze a model, except for the head and a new adapter beside every convolution.

    Parameters
    ----------
    model : ResNet50
        Changed in place. Make the optimizer after this, so that it has the new parameters.
    rank : int
        Filters of each adapter, 1 or more.

    Raises
    ------
    ValueError
        If the rank is not positive, or the model has adapters already.
    """
    check_network(model, "fc")
    check_whole(1, rank=rank)
    if any(isinstance(module, AdaptedConv2d) for module in model.modules()):
        raise ValueError("the model has adapters already; it must have none; merge them with merge_adapters first")
    freeze(model)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Conv2d):
            model.set_submodule(name, AdaptedConv2d(module, rank))
    unfreeze(model.fc)


def merge_adapters(model: nn.Module) -> None:
    """Merge every adapter into its convolution: the model has its old names, shapes and speed again.

    Parameters
    ----------
    model : nn.Module
        Changed in place. Frozen parameters stay frozen.

    Raises
    ------
    ValueError
        If the model has no adapters.
    """
    check_network(model)
    adapted = {name: module for name, module in model.named_modules() if isinstance(module, AdaptedConv2d)}
    if not adapted:
        raise ValueError("the model has no adapters; it must have some; add them with add_adapters")
    for name, module in adapted.items():
        model.set_submodule(name, module.merge())
