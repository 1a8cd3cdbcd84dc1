"""The memory of training: what a forward pass keeps for the way back, and how to keep less."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from tlhelpers.machine import autocast, pick_device
from tlhelpers.network.resnet import ResNet50
from tlhelpers.training.freezing import train_mode


def saved_bytes(model: nn.Module, images: Tensor) -> int:
    """Return how many bytes a step of training keeps from the forward pass for the way back.

    Parameters
    ----------
    model : nn.Module
        Its own parameters and buffers do not count. They stay as they are, running statistics too; it ends in training
        mode, as ``train_one_epoch`` leaves it.
    images : Tensor
        (N, 3, H, W), one batch.

    Returns
    -------
    int
    """
    device = pick_device()
    train_mode(model.to(device))
    own = {values.untyped_storage().data_ptr() for values in (*model.parameters(), *model.buffers())}
    kept = {}

    def note(values: Tensor) -> None:  # the graph gets nothing, for a layer that held its own output would never go
        storage = values.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage  # held, so that its place in memory is not given away

    with _statistics_kept(model), torch.autograd.graph.saved_tensors_hooks(note, lambda nothing: nothing):
        with autocast(device):
            output = model(images.to(device))
        return sum(storage.nbytes() for storage in kept.values()) * bool(output.requires_grad)


def recompute_blocks(model: ResNet50) -> None:
    """Keep only what enters each block of a ResNet, and compute the rest once more on the way back.

    A step takes a third longer and needs much less memory (Chen and others, "Training deep nets with sublinear memory
    cost", 2016). Gradients, and the batch norms' statistics, are those of a step without it.

    Parameters
    ----------
    model : ResNet50
        Changed in place, for all training to come; its names and weights stay.
    """
    for name in ("layer1", "layer2", "layer3", "layer4"):
        for block in getattr(model, name):
            forward = type(block).forward
            contexts = partial(_contexts, block)
            block.forward = partial(checkpoint, partial(forward, block), use_reentrant=False, context_fn=contexts)


def _contexts(block: nn.Module) -> tuple:
    """Return the ``with`` blocks for the first pass and for the one on the way back, which leaves statistics alone."""
    return nullcontext(), _statistics_kept(block)


@contextmanager
def _statistics_kept(model: nn.Module) -> Iterator[None]:
    """Let batch norms work as they do, and put their running statistics back in the end."""
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, values in before:
            buffer.copy_(values)
