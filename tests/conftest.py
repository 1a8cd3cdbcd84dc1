"""Every test starts from the same random numbers, and the precision that it chooses ends with it."""

from collections.abc import Iterator

import pytest
import torch

from tlhelpers import pick_device, pick_dtype, set_seed
from tlhelpers.precision import keep_dtype


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Set the seed."""
    set_seed(0)


@pytest.fixture(autouse=True)
def own_precision() -> Iterator[None]:
    """Restore the precision of the device, which a test or a checkpoint may change with ``keep_dtype``."""
    before = {device: pick_dtype(device) for device in {torch.device("cpu"), pick_device()}}
    yield
    for device, dtype in before.items():
        keep_dtype(device, dtype)
