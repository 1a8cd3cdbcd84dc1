"""What frozen layers say: record them in a ``with`` block, extract features once, keep them, ask the nearest."""

import hashlib
from pathlib import Path

import numpy as np
from torch import nn
from torch.utils.data import DataLoader

from tlhelpers.machine import pick_device, pick_dtype


def cache_key(model: nn.Module, loader: DataLoader, layer: str) -> str:
    precision = pick_dtype(pick_device())
    whole = hashlib.sha256(repr((layer, precision, loader.dataset.transform)).encode())
    for value in model.state_dict().values():
        whole.update(np.ascontiguousarray(value.detach().cpu().numpy()))
    whole.update(repr([getattr(module, "stride", None) for module in model.modules()]).encode())
    for path in loader.dataset.paths:
        whole.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return whole.hexdigest()[:32]
