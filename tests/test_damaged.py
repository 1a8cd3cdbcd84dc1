"""What is read of others may be damaged in any way: it is read, or refused in one sentence that names the file."""

from pathlib import Path

import pytest

from tests.damaged import Reader, outcome, readers, surroundings

NAMES = ("folder reader", "archives", "converter", "checkpoint loader", "command line")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Pillow and zipfile, about what is odd in a file


@pytest.fixture(scope="module")
def known() -> dict[str, Reader]:
    """Return the readers by name."""
    return readers()


def faults(reader: Reader, inputs: int) -> list[str]:
    """Return the faults among the first inputs."""
    with surroundings() as base:
        ends = [(number, outcome(reader, number, base)) for number in range(inputs)]
    return [f"input {number}: {end}" for number, end in ends if end.startswith("fault")]


def test_every_reader_has_a_test(known):
    """The names below are those of all readers."""
    assert tuple(known) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_few_damaged_inputs_are_read_or_refused(known, name):
    """Ten for each reader; ``python -m benchmarks.fuzz`` tries ten thousand."""
    assert faults(known[name], 10) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_many_damaged_inputs_are_read_or_refused(known, name):
    """Three hundred for each reader."""
    assert faults(known[name], 300) == []


def test_what_is_no_plain_refusal_is_a_fault():
    """Another type of error, two lines, a sentence without the file, a lack of memory, or a file outside: all count."""

    def out_of_memory(folder):
        try:
            raise MemoryError
        except MemoryError as error:
            raise ValueError("a.bin is damaged") from error

    def raising(error):
        def read(folder):
            raise error

        return read

    ends = {
        "refused": (raising(ValueError("a.bin is damaged")), raising(RuntimeError("a.bin is damaged"))),
        "fault": (
            raising(KeyError("a.bin")),
            raising(UnicodeError("a.bin")),
            raising(ValueError("a.bin\nis damaged")),
            raising(ValueError("it is damaged")),
            out_of_memory,
            lambda folder: (folder.parent / "evil").write_text("outside"),
            lambda folder: (folder / "a.bin").write_text("changed"),
        ),
        "read": (lambda folder: Path("inside").touch(),),
    }
    for end, reads in ends.items():
        for read in reads:
            with surroundings() as base:
                assert outcome(Reader([b"abc"], ("a.bin",), ("a.bin",), (read,)), 0, base).startswith(end)
