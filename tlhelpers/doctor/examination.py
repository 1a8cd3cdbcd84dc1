"""The table of what is examined, one row for each line of ``tlhelpers doctor``, and how the result is shown."""

import json
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial

from tlhelpers.doctor import hardware, software, stored
from tlhelpers.doctor.findings import Finding

ANY = ("missing", "wrong", "unknown")
WIDTH = 120  # characters of a line


@dataclass(frozen=True)
class Check:
    """A row of the table.

    Parameters
    ----------
    name : str
    find : callable
        Examines, and returns what it found.
    harmless : tuple of str
        The states, besides "ok", with which all notebooks run.
    """

    name: str
    find: Callable[[], Finding]
    harmless: tuple[str, ...] = ()


CHECKS = (
    Check("Python", software.find_python),
    Check("torch", partial(software.find_package, "torch")),
    Check("torchvision", partial(software.find_package, "torchvision")),
    Check("pair", software.find_pair),
    Check("Jupyter", software.find_jupyter),
    Check("kernel", software.find_kernel),
    Check("processor", hardware.find_processor, ANY),
    Check("GPU", hardware.find_gpu, ANY),
    Check("device", hardware.find_device),
    Check("memory", hardware.find_memory),
    Check("disk", hardware.find_disk),
    Check("cache", stored.find_cache),
    Check("weights", stored.find_weights),
    Check("photos", stored.find_photos, ("missing",)),  # without them the notebooks use the solar cells
    Check("solar cells", stored.find_solar_cells),
)
ONLINE = (Check("network", stored.find_hosts, ANY),)  # what is stored needs no network
FULL = (Check("files", stored.find_damage),)


def choose(*, offline: bool, verify: bool) -> tuple[Check, ...]:
    """Return the rows to examine.

    Parameters
    ----------
    offline : bool
        Whether no host is asked.
    verify : bool
        Whether every file in the cache folder is read in full.
    """
    return (*CHECKS, *(() if offline else ONLINE), *(FULL if verify else ()))


def examine(checks: Iterable[Check]) -> Iterator[tuple[Check, Finding]]:
    """Yield each row with what was found. If an examination fails, its state is "unknown", and the next one follows."""
    for check in checks:
        try:
            yield check, check.find()
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            yield (
                check,
                Finding("unknown", reason, "put the lines above in order first; then ask for help with this one"),
            )


def is_ready(results: Iterable[tuple[Check, Finding]]) -> bool:
    """Return whether everything is there that the notebooks need."""
    return all(finding.state in ("ok", *check.harmless) for check, finding in results)


def as_line(check: Check, finding: Finding) -> str:
    """Return what a person reads: name, state and what was found in columns, with the remedy below."""
    lines = _fill(finding.found, f"{check.name:12} {finding.state:8} ")
    return lines + ("\n" + _fill(finding.remedy, f"{'-> ':>25}") if finding.remedy else "")


def _fill(text: str, first: str) -> str:
    """Return a text in lines, the first of which begins as given; paths are not divided."""
    wrapper = textwrap.TextWrapper(WIDTH, first, " " * len(first), break_long_words=False, break_on_hyphens=False)
    return wrapper.fill(text)


def as_json(results: Iterable[tuple[Check, Finding]]) -> str:
    """Return a list of objects, each with ``name``, ``state``, ``found`` and ``remedy``."""
    return json.dumps([{"name": check.name, **asdict(finding)} for check, finding in results], indent=2)
