"""Changes of a network's graph of operations (torch.fx): fold batch norms into convolutions, and cut it in two."""

from collections import Counter
from typing import TypeGuard

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

MAX_EARLY_SHARE = 0.1  # of a network's weights, before the cut


def fold_batch_norms(network: fx.GraphModule) -> None:
    """Fold batch norms into the convolutions before them; in eval mode both are linear.

    A convolution with weights w, followed by a batch norm with mean m, variance v, scale g and shift b, is together a
    convolution with weights w g / sqrt(v + eps) and bias b - m g / sqrt(v + eps).

    Parameters
    ----------
    network : fx.GraphModule
        In eval mode. Changed in place; a convolution whose output is used elsewhere too keeps its batch norm.
    """
    modules = dict(network.named_modules())
    calls = Counter(node.target for node in network.graph.nodes if node.op == "call_module")
    for node in list(network.graph.nodes):
        before = node.args[0] if node.args else None
        if not (is_call(node, modules, nn.BatchNorm2d) and is_call(before, modules, nn.Conv2d)):
            continue
        if len(before.users) > 1 or calls[before.target] > 1:  # something else uses the convolution alone
            continue
        name = str(before.target)
        network.set_submodule(name, fuse_conv_bn_eval(modules[name], modules[str(node.target)]))
        node.replace_all_uses_with(before)
        network.graph.erase_node(node)
    network.graph.lint()
    network.recompile()


def cut(network: fx.GraphModule, *, max_early_share: float = MAX_EARLY_SHARE) -> tuple[fx.GraphModule, fx.GraphModule]:
    """Cut a network into two: its early layers, and the late ones, which take the output of the early ones.

    Early layers have large feature maps, so they are fastest with few images at a time. Late layers have most of the
    weights, which are read from memory once for all images at hand. The cut is the last position at which only one
    tensor is passed on to later layers, and at most ``max_early_share`` of the weights lies before it.

    Parameters
    ----------
    network : fx.GraphModule
        With one input. The two parts share its layers.
    max_early_share : float
        From 0 to 1.
    """
    nodes = list(network.graph.nodes)
    end = _last_cut(network, nodes, max_early_share) + 1
    early, late = fx.Graph(), fx.Graph()
    in_early: dict[fx.Node, fx.Node] = {}
    for node in nodes[:end]:
        in_early[node] = early.node_copy(node, in_early.__getitem__)
    early.output(in_early[nodes[end - 1]])
    in_late = {nodes[end - 1]: late.placeholder("images")}
    for node in nodes[end:]:
        in_late[node] = late.node_copy(node, in_late.__getitem__)
    return fx.GraphModule(network, early), fx.GraphModule(network, late)


def _last_cut(network: fx.GraphModule, nodes: list[fx.Node], max_early_share: float) -> int:
    """Return the position of the last node after which the network may be cut."""
    modules, position = dict(network.named_modules()), {node: i for i, node in enumerate(nodes)}
    weights = [_weights_of(node, modules) for node in nodes]
    last_use = best = 0  # the last position that uses an output of the nodes so far
    for i, node in enumerate(nodes[:-1]):
        if last_use <= i and sum(weights[: i + 1]) <= max_early_share * sum(weights):
            best = i
        last_use = max([last_use, *(position[user] for user in node.users)])
    return best


def _weights_of(node: fx.Node, modules: dict[str, nn.Module]) -> int:
    if node.op != "call_module":
        return 0
    return sum(parameter.numel() for parameter in modules[str(node.target)].parameters())


def is_call(node: object, modules: dict[str, nn.Module], kind: type) -> TypeGuard[fx.Node]:
    """Tell whether a node of a graph calls a layer of this kind."""
    return isinstance(node, fx.Node) and node.op == "call_module" and isinstance(modules[str(node.target)], kind)
