"""What is read of others may be damaged in any way: it is read, or refused in one sentence that names the file."""

import pytest

from tests.damaged import outcome, readers, surroundings


def faults(inputs: int) -> list[str]:
    """Return the faults of the first inputs for each reader."""
    with surroundings() as base:
        ends = [(name, n, outcome(reader, n, base)) for name, reader in readers().items() for n in range(inputs)]
    return [f"{name}, input {number}: {end}" for name, number, end in ends if end.startswith("fault")]


@pytest.mark.filterwarnings("ignore")  # of Pillow and zipfile, about what is odd in a file
def test_a_few_damaged_inputs_are_read_or_refused():
    """Ten for each reader; ``python -m benchmarks.fuzz`` tries ten thousand."""
    assert faults(10) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_many_damaged_inputs_are_read_or_refused():
    """Three hundred for each reader."""
    assert faults(300) == []
