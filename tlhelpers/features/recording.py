"""Record what layers compute, in a ``with`` block."""

import difflib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from tlhelpers.arguments import check_kind, check_network


@contextmanager
def record_layers(model: nn.Module, *names: str) -> Iterator[dict[str, Tensor]]:
    """Record the outputs of layers while a ``with`` block runs; no hook is left behind.

    Parameters
    ----------
    model : nn.Module
    names : str
        Names of layers as in ``model.named_modules()``, such as "layer4.2" or "avgpool".

    Yields
    ------
    dict
        For each name, a copy of the output of the last forward pass, without its gradient.

    Raises
    ------
    ValueError
        If there is no such layer; the message lists similar names, or the first layers if there are none.
    """
    check_network(model)
    layers = dict(model.named_modules())
    recorded: dict[str, Tensor] = {}
    handles = []
    for name in names:
        check_kind("name", name, str, "be the name of a layer", "give a str such as 'avgpool'")
        if name not in layers:
            near = difflib.get_close_matches(name, layers, n=3) or list(layers)[1:6]
            raise ValueError(f"the model has no layer {name!r}; near names: {', '.join(near)}")
    try:
        for name in names:
            handles.append(layers[name].register_forward_hook(_recorder(recorded, name)))
        yield recorded
    finally:
        for handle in handles:
            handle.remove()


def _recorder(recorded: dict[str, Tensor], name: str) -> Callable:
    def hook(module: nn.Module, inputs: tuple, output: Tensor) -> None:
        recorded[name] = output.detach().clone()  # the next layer may overwrite it, as ReLU(inplace=True) does

    return hook
