"""A frozen network made fast: a copy cut off at a layer, batch norms folded in, in the faster precision, compiled."""

import copy
import logging
import shutil
import warnings
from collections import Counter

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.feature_extraction import create_feature_extractor

from tlhelpers.runtime import pick_device, pick_dtype


class FrozenNetwork:
    """A copy of a network that ends at a layer, and says what the network says there, sooner.

    What comes after the layer is left out, every batch norm is folded into the convolution before it, and the weights
    are kept in the precision of ``pick_dtype`` instead of being converted for every batch. Nothing that happens to the
    network afterwards reaches the copy: make a new one for every use.

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
        self.batch_size = 0  # once compiled, smaller batches are filled up to it

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Return the layer's output of (N, 3, H, W) images, in float32 on the fastest device."""
        missing = max(0, self.batch_size - len(images))
        filled = torch.cat([images, images.new_zeros(missing, *images.shape[1:])]) if missing else images
        filled = filled.to(self.device, self.dtype, memory_format=torch.channels_last)
        return self.network(filled)[self.layer][: len(images)].float()

    def compile(self, images: Tensor) -> None:
        """Make it into code for this machine and for images of this shape, if a C++ compiler is there; 20 to 60 s."""
        if not any(map(shutil.which, ("g++", "clang++", "cl"))):
            return
        network, self.batch_size = self.network, len(images)
        self.network = torch.compile(network, dynamic=False, options={"freezing": True})
        logging.disable()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self(images)
        except Exception:  # compilers fail in many ways, and without one the network is right all the same
            self.network, self.batch_size = network, 0
        finally:
            logging.disable(logging.NOTSET)


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
        if not (_is(node, modules, nn.BatchNorm2d) and _is(before, modules, nn.Conv2d)):
            continue
        if len(before.users) > 1 or calls[before.target] > 1:  # the convolution alone is wanted elsewhere
            continue
        network.set_submodule(before.target, fuse_conv_bn_eval(modules[before.target], modules[node.target]))
        node.replace_all_uses_with(before)
        network.graph.erase_node(node)
    network.graph.lint()
    network.recompile()


def _is(node: object, modules: dict[str, nn.Module], kind: type) -> bool:
    return isinstance(node, fx.Node) and node.op == "call_module" and isinstance(modules[node.target], kind)
