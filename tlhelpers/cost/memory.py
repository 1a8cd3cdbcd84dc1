"""The memory of training: what a forward pass keeps for the backward pass, and how to keep less."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor, UntypedStorage, nn
from torch.utils.checkpoint import checkpoint

from tlhelpers.arguments import check_network, check_tensor, shown
from tlhelpers.byhand.arguments import require
from tlhelpers.machine import pick_device
from tlhelpers.network.resnet import Bottleneck, ResNet50
from tlhelpers.precision import autocast
from tlhelpers.training.freezing import train_mode


def saved_bytes(model: nn.Module, images: Tensor) -> int:
    """Return how many bytes one training step keeps from the forward pass for the backward pass.

    The parameters and buffers of the model do not count. None of them changes, not even the running statistics of batch
    norms. Afterwards the model is in training mode, as after ``train_one_epoch``.

    Parameters
    ----------
    model : nn.Module
    images : Tensor
        One batch, (N, 3, H, W).

    Returns
    -------
    int
        Bytes.
    """
    check_network(model)
    check_tensor(images, "images")
    device = pick_device()
    train_mode(model.to(device))
    with _statistics_kept(model), record_saved(model) as saved:
        with autocast(device):
            output = model(images.to(device))
        return sum(sizes(saved).values()) if output.requires_grad else 0


@contextmanager
def record_saved(model: nn.Module) -> Iterator[list[UntypedStorage]]:
    """Yield a list that grows by the storage of each tensor that autograd saves in the ``with`` block.

    The model's parameters and buffers are left out. A storage that is saved twice is listed twice. Only forward passes
    are possible in the block.
    """
    own = {values.untyped_storage().data_ptr() for values in (*model.parameters(), *model.buffers())}
    saved: list[UntypedStorage] = []

    def record(values: Tensor) -> None:  # the graph saves None: a layer that holds its own output would never be freed
        storage = values.untyped_storage()
        if storage.data_ptr() not in own:
            saved.append(storage)  # held, so that its address is not given to another tensor

    with torch.autograd.graph.saved_tensors_hooks(record, lambda nothing: nothing):
        yield saved


def sizes(storages: list[UntypedStorage]) -> dict[int, int]:
    """Return the bytes of each storage by its address, so that each counts once."""
    return {storage.data_ptr(): storage.nbytes() for storage in storages}


def recompute_blocks(model: ResNet50) -> None:
    """Keep only the input of each block of a ResNet, and compute the rest again in the backward pass.

    A training step takes about a third longer and needs much less memory. Gradients, and the running statistics of the
    batch norms, are the same as without it.

    Source: Chen, Xu, Zhang and Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016.

    Parameters
    ----------
    model : ResNet50
        Changed in place, for all training that follows; the names and values of its parameters stay.
    """
    check_network(model)
    blocks = [module for module in model.modules() if isinstance(module, Bottleneck)]
    require(
        bool(blocks),
        "model",
        f"{shown(model)} without blocks",
        "be a ResNet50 of this package",
        "make it with load_resnet50",
    )
    for block in blocks:
        forward, contexts = partial(Bottleneck.forward, block), partial(_contexts, block)
        recompute = partial(checkpoint, forward, use_reentrant=False, context_fn=contexts)
        block.forward = recompute  # type: ignore[method-assign]


def _contexts(block: nn.Module) -> tuple[AbstractContextManager, AbstractContextManager]:
    """Return the contexts of the first computation and of the second, which must not change the statistics again."""
    return nullcontext(), _statistics_kept(block)


@contextmanager
def _statistics_kept(model: nn.Module) -> Iterator[None]:
    """Let batch norms update their running statistics in the ``with`` block, and restore the old values at its end."""
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, values in before:
            buffer.copy_(values)
