"""A frozen network made fast: a copy cut off at a layer, batch norms folded in, layers joined, in few bits."""

import operator
from collections import Counter

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

SUMS, RELUS = (operator.add, operator.iadd, torch.add), (torch.relu, F.relu)


class JoinedConv2d(nn.Module):
    """A convolution that adds a second input and cuts off what is negative, both while the numbers are at hand.

    torch's compiler makes the same calls for a CPU; there is no public name for them. The weights are put once into the
    order in which the processor reads them.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution, self.relu, self.packed = convolution, False, None

    def forward(self, images: Tensor, added: Tensor | None = None) -> Tensor:
        one, calls = self.convolution, torch.ops.mkldnn
        where = (one.padding, one.stride, one.dilation, one.groups)
        if self.packed is None:
            self.packed = calls._reorder_convolution_weight(one.weight, *where, images.shape)
        if added is None:
            then = "relu" if self.relu else "none"
            return calls._convolution_pointwise(images, self.packed, one.bias, *where, then, [], None)
        then = "relu" if self.relu else None
        sum_of = calls._convolution_pointwise.binary
        return sum_of(images, added, self.packed, one.bias, *where, "add", 1.0, then, [], None)


def join_layers(network: fx.GraphModule) -> None:
    """Let every convolution do the addition and the ReLU that follow it and want nothing else of it.

    Parameters
    ----------
    network : fx.GraphModule
        In eval mode, on a CPU. Changed in place.
    """
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.Conv2d):
            network.set_submodule(name, JoinedConv2d(module))
    modules, place = dict(network.named_modules()), {node: i for i, node in enumerate(network.graph.nodes)}
    calls = Counter(node.target for node in network.graph.nodes if node.op == "call_module")
    for node in list(network.graph.nodes):
        inputs = [each for each in node.args if isinstance(each, fx.Node)]
        last = max(inputs, key=place.get, default=None)
        if not is_call(last, modules, JoinedConv2d) or calls[last.target] > 1 or len(last.users) > 1:
            continue
        joined = modules[last.target]
        if node.target in SUMS and len(inputs) == 2 and len(last.args) == 1 and not joined.relu:
            last.args = (last.args[0], min(inputs, key=place.get))
        elif node.target in RELUS or is_call(node, modules, nn.ReLU):
            joined.relu = True
        else:
            continue
        node.replace_all_uses_with(last)
        network.graph.erase_node(node)
    network.graph.lint()
    network.recompile()


def is_call(node: object, modules: dict[str, nn.Module], kind: type) -> bool:
    return isinstance(node, fx.Node) and node.op == "call_module" and isinstance(modules[node.target], kind)
