"""Every test starts from the same random numbers."""

import pytest

from tlhelpers import set_seed


@pytest.fixture(autouse=True)
def seeded() -> None:
    set_seed(0)
