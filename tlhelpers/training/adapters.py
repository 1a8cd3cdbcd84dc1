"""Adapters: a narrow way beside every frozen convolution, which becomes part of it after the training (LoRA)."""

import torch
from torch import Tensor, nn

from tlhelpers.network.resnet import ResNet50
from tlhelpers.training.freezing import freeze, unfreeze


class AdaptedConv2d(nn.Module):
    """A frozen convolution W and beside it ``rank`` filters D, whose outputs a 1 x 1 convolution U brings to its width.

    conv(x, W) + conv(conv(x, D), U). U begins with zeros, so at first nothing is added (Hu and others, "LoRA: Low-Rank
    Adaptation of Large Language Models", 2021, section 4.1, for convolutions).

    Parameters
    ----------
    convolution : nn.Conv2d
        In one group, padded with zeros. It becomes part of this module.
    rank : int
        How many filters the narrow way has.
    """

    def __init__(self, convolution: nn.Conv2d, rank: int) -> None:
        super().__init__()
        kept = {name: getattr(convolution, name) for name in ("kernel_size", "stride", "padding", "dilation")}
        like = {"device": convolution.weight.device, "dtype": convolution.weight.dtype}
        self.convolution = convolution
        self.down = nn.Conv2d(convolution.in_channels, rank, bias=False, **kept, **like)
        self.up = nn.Conv2d(rank, convolution.out_channels, 1, bias=False, **like)
        nn.init.zeros_(self.up.weight)

    def forward(self, images: Tensor) -> Tensor:
        return self.convolution(images) + self.up(self.down(images))

    @torch.no_grad()
    def merge(self) -> nn.Conv2d:
        """Return the convolution with the narrow way added to its weights: W + U D, the same outputs."""
        self.convolution.weight += torch.einsum("or,rcij->ocij", self.up.weight[:, :, 0, 0], self.down.weight)
        return self.convolution


def add_adapters(model: ResNet50, rank: int) -> None:
    """Freeze a model, and train only an adapter beside every convolution, and the head.

    Parameters
    ----------
    model : ResNet50
        Changed in place. Give its parameters to the optimizer after this.
    rank : int
        Filters of each adapter; 1 or more.

    Raises
    ------
    ValueError
        If the rank is not positive, or the model has adapters already.
    """
    if rank < 1:
        raise ValueError(f"rank is {rank}; it must be 1 or more")
    if any(isinstance(module, AdaptedConv2d) for module in model.modules()):
        raise ValueError("the model has adapters already; merge_adapters makes them part of its weights")
    freeze(model)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Conv2d):
            model.set_submodule(name, AdaptedConv2d(module, rank))
    unfreeze(model.fc)


def merge_adapters(model: nn.Module) -> None:
    """Make every adapter part of its convolution: the old names, shapes and speed, and what was learned.

    Parameters
    ----------
    model : nn.Module
        Changed in place. What is frozen stays so.

    Raises
    ------
    ValueError
        If the model has no adapters.
    """
    adapted = {name: module for name, module in model.named_modules() if isinstance(module, AdaptedConv2d)}
    if not adapted:
        raise ValueError("the model has no adapters; add_adapters gives it some")
    for name, module in adapted.items():
        model.set_submodule(name, module.merge())
