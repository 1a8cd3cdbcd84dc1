"""Fast copies of a network leave nothing behind, and graphs of others keep their texts."""

import gc
import linecache

import pytest
import torch
from torch import nn
from torch.fx import symbolic_trace

import tlhelpers as tl
from tlhelpers.network.frozen import FrozenNetwork


def texts():
    """Return the names of the graphs whose texts Python keeps."""
    return [name for name in linecache.cache if "eval_with_key" in name]


@pytest.mark.slow
def test_copies_leave_nothing_behind():
    """Neither texts nor objects: after five further copies there are as many as after the first."""
    model, images = tl.ResNet50(2).eval(), torch.ones(2, 3, 8, 8)
    FrozenNetwork(model, "layer1")(images)
    gc.collect()
    before = texts(), len(gc.get_objects())
    for _ in range(5):
        FrozenNetwork(model, "layer1")(images)
    gc.collect()
    assert texts() == before[0] and len(gc.get_objects()) < before[1] + 5


def test_graphs_of_others_keep_their_texts():
    """An error in a graph that somebody else made quotes its line as before."""
    symbolic_trace(nn.Linear(2, 2))
    before = texts()
    assert before
    FrozenNetwork(nn.Sequential(nn.ReLU()).eval(), "0")
    assert texts() == before
