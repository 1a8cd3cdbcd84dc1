"""A frozen network made fast: a copy cut off at a layer, batch norms folded in, layers joined, in few bits."""

import copy
from collections import Counter

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.feature_extraction import create_feature_extractor

from tlhelpers.machine import pick_device, pick_dtype
from tlhelpers.network.joined import is_call, join_layers

EARLY, LATE = 8, 32  # images at once on a CPU, before and after the cut: what they need stays near the processor
LIGHT = 0.1  # of a network's weights, at most, lie before the cut


class FrozenNetwork:
    """A copy of a network that ends at a layer, and says what the network says there, sooner.

    What comes after the layer is left out, every batch norm is folded into the convolution before it, and the weights
    are kept in the precision of ``pick_dtype`` instead of being converted for every batch. On a CPU a convolution also
    does the addition and the ReLU that follow, with weights that lie ready in the order it reads them; a few images go
    through the early layers at once, and more through the late ones. Nothing that happens to the network afterwards
    reaches the copy: make a new one for every use.

    Parameters
    ----------
    model : nn.Module
        Left as it is.
    layer : str
        A name as in ``model.named_modules()``.

    Raises
    ------
    Exception
        Of torch's, if the network's way depends on what it sees, so that it cannot be written down.
    """

    def __init__(self, model: nn.Module, layer: str) -> None:
        self.layer, self.device = layer, pick_device()
        self.dtype = pick_dtype(self.device)
        network = create_feature_extractor(copy.deepcopy(model).eval(), [layer])
        fold_batch_norms(network)
        self.network = network.to(self.device, self.dtype, memory_format=torch.channels_last)
        if self.device.type == "cpu" and torch.backends.mkldnn.is_available():
            join_layers(self.network)
        self.early, self.late = cut(self.network)

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Return the layer's output of (N, 3, H, W) images, in float32 on the fastest device."""
        early, late = (EARLY, LATE) if self.device.type == "cpu" else (len(images), len(images))
        return torch.cat([self._look(part, early) for part in images.split(late)])

    def _look(self, images: Tensor, early: int) -> Tensor:
        parts = [part.to(self.device, self.dtype, memory_format=torch.channels_last) for part in images.split(early)]
        return self.late(torch.cat([self.early(part) for part in parts]))[self.layer].float()


def fold_batch_norms(network: fx.GraphModule) -> None:
    """Fold every batch norm that follows a convolution into its weights; in eval mode both are linear.

    A convolution w and a batch norm of mean m, variance v, scale g and shift b are together a convolution of weights
    w g / sqrt(v + eps) with the bias b - m g / sqrt(v + eps).

    Parameters
    ----------
    network : fx.GraphModule
        In eval mode. Changed in place.
    """
    modules = dict(network.named_modules())
    calls = Counter(node.target for node in network.graph.nodes if node.op == "call_module")
    for node in list(network.graph.nodes):
        before = node.args[0] if node.args else None
        if not (is_call(node, modules, nn.BatchNorm2d) and is_call(before, modules, nn.Conv2d)):
            continue
        if len(before.users) > 1 or calls[before.target] > 1:  # the convolution alone is wanted elsewhere
            continue
        network.set_submodule(before.target, fuse_conv_bn_eval(modules[before.target], modules[node.target]))
        node.replace_all_uses_with(before)
        network.graph.erase_node(node)
    network.graph.lint()
    network.recompile()


def cut(network: fx.GraphModule) -> tuple[fx.GraphModule, fx.GraphModule]:
    """Return a network's early layers and its late ones: the second called with what the first returns is the network.

    Early layers have large images, so that few at once are best; late ones have most of the weights, which are fetched
    once for all images at hand. The cut is the last place where one tensor is all that goes on, and at most the share
    ``LIGHT`` of the weights lies behind.

    Parameters
    ----------
    network : fx.GraphModule
        With one input. Its layers are in one of the two.
    """
    nodes, modules = list(network.graph.nodes), dict(network.named_modules())
    place = {node: i for i, node in enumerate(nodes)}
    weights = [
        sum(p.numel() for p in modules[node.target].parameters()) if node.op == "call_module" else 0 for node in nodes
    ]
    wanted = best = 0
    for i, node in enumerate(nodes[:-1]):
        if wanted <= i and sum(weights[: i + 1]) <= LIGHT * sum(weights):
            best = i
        wanted = max([wanted, *(place[user] for user in node.users)])
    early, late, of_early = fx.Graph(), fx.Graph(), {}
    for node in nodes[: best + 1]:
        of_early[node] = early.node_copy(node, of_early.get)
    early.output(of_early[nodes[best]])
    of_late = {nodes[best]: late.placeholder("images")}
    for node in nodes[best + 1 :]:
        of_late[node] = late.node_copy(node, of_late.get)
    return fx.GraphModule(network, early), fx.GraphModule(network, late)
