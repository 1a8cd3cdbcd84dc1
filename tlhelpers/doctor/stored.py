"""Weights and photos: the cache folder, whether what is in it is whole, and whether the rest can be downloaded.

Each function imports what it needs, so that a package that does not load costs its own lines only.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tlhelpers.doctor.findings import Finding, missing, ok, wrong

if TYPE_CHECKING:
    from tlhelpers.network.weights import WeightsEntry

PREFETCH = "fetch what is missing, where there is a network: tlhelpers prefetch"
NEEDED = "he2015"  # notebook 05 compares these weights with the others, and all notebooks run with them alone
ANOTHER_CACHE = "make it readable, or let TLHELPERS_CACHE name another folder"
SECONDS = 3.0  # in which all hosts have to answer


def describe_cache() -> str:
    """Return the cache folder and the size of all files in it that can be read."""
    from tlhelpers.files import cache_dir

    return f"{cache_dir()} ({sum(_sizes(cache_dir())) / 1e6:,.0f} MB)"


def _sizes(folder: Path) -> Iterator[int]:
    """Yield the size of each file in a folder; what cannot be read is left out."""
    for inside, _, names in os.walk(folder):
        for name in names:
            try:
                yield Path(inside, name).stat().st_size
            except OSError:
                continue


def find_cache() -> Finding:
    """Examine whether the cache folder can be read, and whether something can be stored in it."""
    from tlhelpers.files import cache_dir

    try:
        folder = cache_dir()
    except ValueError as error:
        return wrong(str(error), "correct TLHELPERS_CACHE, or unset it")
    if not folder.exists():
        return ok(f"{folder}, which is made when something is first stored")
    unreadable = [str(error.filename) for error in _errors(folder)]
    if unreadable:
        return wrong(f"{unreadable[0]} cannot be read", ANOTHER_CACHE)
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return ok(f"{describe_cache()}, read-only: what is in it can be used, nothing can be added")
    return ok(describe_cache())


def _errors(folder: Path) -> list[OSError]:
    """Return the errors of reading a folder and the folders in it."""
    errors: list[OSError] = []
    for _ in os.walk(folder, onerror=errors.append):
        pass
    return errors


def find_weights() -> Finding:
    """Examine which weights are in the cache folder, and whether each file has the expected hash."""
    from tlhelpers.network.pretrained import cached_file
    from tlhelpers.network.weights import list_weights

    present = [entry for entry in list_weights() if cached_file(entry).exists()]
    faults = {entry.name: fault for entry in present if (fault := _fault(entry))}
    if faults:
        damaged = "; ".join(f"{name} is damaged: {fault}" for name, fault in faults.items())
        return wrong(damaged, "make it anew, where there is a network: tlhelpers prefetch")
    names = [entry.name for entry in present]
    if NEEDED not in names:
        return missing(f"{', '.join(names) or 'none'} in the cache folder; {NEEDED} is needed", PREFETCH)
    return ok(f"{', '.join(names)}, verified")


def _fault(entry: "WeightsEntry") -> str | None:
    """Return what is wrong with the file of some weights, or None."""
    from tlhelpers.fetch import file_hash
    from tlhelpers.network import he2015
    from tlhelpers.network.pretrained import cached_file

    path = cached_file(entry)
    if entry.contents:
        return he2015.find_fault(path, entry.contents)
    return None if file_hash(path) == entry.sha256 else f"its SHA-256 is not {entry.sha256}"


def find_photos() -> Finding:
    """Examine the photos of ants and bees that the notebooks would use."""
    from tlhelpers.files import photos_dir
    from tlhelpers.photos.ants_and_bees import TUTORIAL, cached_photos, find_fault

    try:
        named = photos_dir()
    except ValueError as error:
        return wrong(str(error), "correct TLHELPERS_PHOTOS, or unset it")
    folder = named or cached_photos()
    if not named and not folder.exists():
        return missing("none yet; the notebooks use the solar cells in their place", PREFETCH)
    fault = find_fault(TUTORIAL, folder)
    if fault is None:
        return ok(f"{folder}, verified")
    return wrong(fault, "correct TLHELPERS_PHOTOS, or unset it" if named else PREFETCH)


def find_solar_cells() -> Finding:
    """Examine whether the package with the photos of solar cells is there, and all of its photos."""
    from tlhelpers.photos.solar_cells import folder_of_package, read_table

    try:
        return ok(f"{len(read_table(folder_of_package())):,} photos")
    except RuntimeError as error:
        found, _, remedy = str(error).rpartition("; ")
        return wrong(found, remedy)


def find_hosts(urls: Sequence[str] = (), seconds: float = SECONDS) -> Finding:
    """Ask the hosts of weights and photos, all at once, whether they answer.

    Parameters
    ----------
    urls : sequence of str
        By default those of the weights and of the photos.
    seconds : float
        In which they have to answer.
    """
    urls = urls or _addresses()
    with ThreadPoolExecutor(len(urls)) as pool:
        failures = [failure for failure in pool.map(lambda url: _failure(url, seconds), urls) if failure]
    if not failures:
        return ok(f"{', '.join(sorted({urlsplit(url).netloc for url in urls}))} can be reached")
    remedy = "needed only for what is not stored yet: run tlhelpers prefetch elsewhere, and copy its cache folder"
    return missing("; ".join(dict.fromkeys(failures)), remedy)


def _addresses() -> list[str]:
    """Return one address for each host."""
    from tlhelpers.network.weights import list_weights
    from tlhelpers.photos.ants_and_bees import TUTORIAL

    urls = [TUTORIAL.url, *(entry.url for entry in list_weights() if entry.url)]
    return list({urlsplit(url).netloc: url for url in urls}.values())


def _failure(url: str, seconds: float) -> str | None:
    from tlhelpers.download import check_host

    try:
        check_host(url, seconds)
    except RuntimeError as error:
        return str(error).replace(url, urlsplit(url).netloc)
    return None


def find_damage() -> Finding:
    """Read all weights, photos and features in the cache folder in full, and compare them with their hashes."""
    from tlhelpers.features import cache as features
    from tlhelpers.files import cache_dir
    from tlhelpers.storage import KINDS

    cache, checked, damaged = cache_dir(), 0, []
    for kind in KINDS:
        for path in sorted(cache.glob(kind.pattern)):
            checked += 1
            has_hash = kind.name == "features" and "-" in path.stem  # version 0.2 stored features without one
            if not kind.is_ours(path) or (has_hash and features.find_fault(path)):
                damaged.append(str(path.relative_to(cache)))
    if damaged:
        remedy = "delete what is not yours; it is made anew when it is needed"
        return wrong(f"not as it was stored: {', '.join(damaged)}", remedy)
    return ok(f"{checked} files and folders read in full, none is damaged")
