"""Fused convolutions: faster, through private calls of torch. Nothing here is needed to understand the series.

torch's compiler makes the same calls on a CPU, but they have no public name, so a new version of torch may change them.
Whoever uses this module compares the results with those of the network itself, and does without it if they differ
(``tlhelpers.features.extraction``).
"""

import operator
from collections import Counter

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from tlhelpers.network.graphs import is_call

ADDITIONS, RELUS = (operator.add, operator.iadd, torch.add), (torch.relu, F.relu)


class FusedConv2d(nn.Module):
    """A convolution that also adds a second input and applies ReLU, while the values are in the processor's cache.

    Its weights are put once into the memory layout in which the processor reads them.

    Parameters
    ----------
    convolution : nn.Conv2d
        Not changed; a copy of its weights is stored in the processor's layout.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution, self.relu = convolution, False
        self.packed: Tensor | None = None  # the weights in the processor's layout, once the size of the images is known

    def forward(self, images: Tensor, added: Tensor | None = None) -> Tensor:
        one, calls = self.convolution, torch.ops.mkldnn
        options = (one.padding, one.stride, one.dilation, one.groups)
        if self.packed is None:
            self.packed = calls._reorder_convolution_weight(one.weight, *options, images.shape)
        if added is None:
            then = "relu" if self.relu else "none"
            return calls._convolution_pointwise(images, self.packed, one.bias, *options, then, [], None)
        with_sum = calls._convolution_pointwise.binary
        and_then = "relu" if self.relu else None
        return with_sum(images, added, self.packed, one.bias, *options, "add", 1.0, and_then, [], None)


def fuse_convolutions(network: fx.GraphModule) -> None:
    """Let every convolution do the addition and the ReLU that follow it, where nothing else uses its output.

    Parameters
    ----------
    network : fx.GraphModule
        In eval mode, on a CPU. Changed in place.
    """
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d):
            network.set_submodule(name, FusedConv2d(module))
    modules, position = dict(network.named_modules()), {node: i for i, node in enumerate(network.graph.nodes)}
    calls = Counter(node.target for node in network.graph.nodes if node.op == "call_module")
    for node in list(network.graph.nodes):
        inputs = [each for each in node.args if isinstance(each, fx.Node)]
        last = max(inputs, key=position.__getitem__, default=None)
        if not is_call(last, modules, FusedConv2d) or calls[last.target] > 1 or len(last.users) > 1:
            continue
        fused = modules[str(last.target)]
        if node.target in ADDITIONS and len(inputs) == 2 and len(last.args) == 1 and not fused.relu:
            last.args = (last.args[0], min(inputs, key=position.__getitem__))
        elif node.target in RELUS or is_call(node, modules, nn.ReLU):
            fused.relu = True
        else:
            continue
        node.replace_all_uses_with(last)
        network.graph.erase_node(node)
    network.graph.lint()
    network.recompile()
