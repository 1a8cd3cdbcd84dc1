"""Give damaged inputs to everything that reads what others made: ``python -m benchmarks.fuzz``.

Ten thousand inputs for each reader of ``tests/damaged.py``, or for one: ``python -m benchmarks.fuzz archives``. Besides
what is a fault there, a crash is one, and so are an input that takes more than two gigabytes and one without an answer
after a minute: its process is killed. The minute is long, because other programs may share the processor.
"""

import json
import multiprocessing
import resource
import sys
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import torch

import tlhelpers as tl
from benchmarks import store
from tests.damaged import Reader, outcome, readers, surroundings

INPUTS = 10_000  # for each reader
AT_ONCE = 250  # in one process
PATIENCE = 60  # seconds without an answer
BYTES = 2_000_000_000  # that an input may take
FORK = multiprocessing.get_context("fork")  # a new process has everything imported
MEASURED = ("read", "refused")


def try_inputs(reader: Reader, numbers: range, sender: Connection) -> None:
    """Read some inputs, and send what came of each."""
    resource.setrlimit(resource.RLIMIT_AS, (_address_space() + 4 * BYTES,) * 2)  # to protect other programs
    before = _peak()
    with surroundings() as base:
        for number in numbers:
            found = outcome(reader, number, base)
            sender.send(found if _peak() - before < BYTES else "fault: took more than two gigabytes")


def _address_space() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def outcomes(reader: Reader, numbers: range) -> Iterator[str]:
    """Yield what came of the inputs, in the order of their numbers, until one ends the process or does not answer."""
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=try_inputs, args=(reader, numbers, sender))
    process.start()
    sender.close()
    for _ in numbers:
        if not receiver.poll(PATIENCE):
            yield f"fault: no answer in {PATIENCE} s"
            break
        try:
            yield receiver.recv()
        except EOFError:
            process.join()
            yield f"fault: the process ended with {process.exitcode}"
            break
    process.kill()  # if it still runs
    process.join()


def measure(reader: Reader, inputs: int) -> dict:
    """Return how many inputs were read, refused, or a fault, and the faults by the numbers of their inputs."""
    found: list[str] = []
    while len(found) < inputs:
        found += outcomes(reader, range(len(found), min(len(found) + AT_ONCE, inputs)))
    faults = {number: each for number, each in enumerate(found) if each not in MEASURED}
    counts = Counter(found)
    return {"read": counts["read"], "refused": counts["refused"], "faults": len(faults), "list": faults}


def main(names: list[str], inputs: int = INPUTS) -> dict:
    """Return the outcomes of some readers, or of all."""
    torch.set_num_threads(1)  # threads of a parent are not there in a forked process
    tl.pick_dtype(torch.device("cpu"))
    known = readers()
    return {"inputs": inputs, "outcomes": {name: measure(known[name], inputs) for name in names or known}}


if __name__ == "__main__":
    result = main(sys.argv[1:])
    print(json.dumps(result, indent=2))
    if not sys.argv[1:]:
        print(store("fuzz", result))
