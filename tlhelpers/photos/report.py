"""What to know about a folder of photos: what was left out, and which photos are there twice."""

import hashlib
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

from tlhelpers.photos.folders import Part
from tlhelpers.photos.formats import REMEDIES

SAMPLE = 4096  # bytes from the middle of a file that are compared before all of it is read


def print_report(root: Path, parts: list[Part]) -> None:
    """Print what was left out of a folder and which photos are in it twice; nothing if there is nothing to say."""
    lines = [*_left_out(root, parts), *_twice(root, parts)]
    if lines:
        text = "\n".join([f"In {root}:", *(f"- {line}" for line in lines)])
        print(text.encode("utf-8", "backslashreplace").decode())  # names of files need not be valid text


def _left_out(root: Path, parts: list[Part]) -> list[str]:
    found: dict[str, list[Path]] = {}
    for part in parts:
        for reason, paths in part.left_out.items():
            found.setdefault(reason, []).extend(paths)
    return [
        f"left out: {len(paths)} {reason}" + _remedy(reason, paths[0].relative_to(root))
        for reason, paths in sorted(found.items())
    ]


def _remedy(reason: str, example: Path) -> str:
    return f": {REMEDIES[reason]}" if reason in REMEDIES else f", such as {example.as_posix()}"


def _twice(root: Path, parts: list[Part]) -> list[str]:
    """Return lines about photos with equal bytes: in several parts, in several classes, or in one class.

    All of them can stand on both sides of a split, and then the model is judged on photos that it was trained on.
    """
    labeled = [
        (number, *pair) for number, part in enumerate(parts) for pair in zip(part.paths, part.labels, strict=True)
    ]
    places = {path: (number, label) for number, path, label in labeled}
    found: dict[str, list[tuple[Path, Path]]] = {}
    for equal in equal_files(places):
        firsts: dict[
            tuple[int, int], Path
        ] = {}  # in each place, so that a thousand equal photos are not a million pairs
        for path in sorted(equal, key=places.__getitem__):
            for place, first in firsts.items():
                found.setdefault(_where(parts, place, places[path]), []).append((first, path))
            firsts.setdefault(places[path], path)
    return [_line(root, where, pairs) for where, pairs in found.items()]


def _where(parts: list[Part], one: tuple[int, int], other: tuple[int, int]) -> str:
    name, other_name = parts[one[0]].folder.name, parts[other[0]].folder.name
    if one[0] != other[0]:
        return f"in {name} and in {other_name}"
    return f"in one class of {name}" if one == other else f"in two classes of {name}"


def _line(root: Path, where: str, pairs: list[tuple[Path, Path]]) -> str:
    count = len({other for _, other in pairs})
    one, other = (path.relative_to(root).as_posix() for path in pairs[0])
    return f"{where}: {count} equal photo{'s' * (count > 1)}, such as {one} and {other}; take one of each pair out"


def equal_files(paths: Iterable[Path]) -> list[list[Path]]:
    """Return the groups of files with equal bytes; almost all files are told apart by their sizes alone."""
    groups = [list(paths)]
    for key in (_size, _sample, _content):
        groups = [split for group in groups for split in _split(group, key) if len(split) > 1]
    return groups


def _split(paths: list[Path], key: Callable[[Path], Hashable]) -> list[list[Path]]:
    groups: dict[Hashable, list[Path]] = {}
    for path in paths:
        try:
            groups.setdefault(key(path), []).append(path)
        except OSError:  # it cannot be read, which is said when it is opened as a photo
            continue
    return list(groups.values())


def _size(path: Path) -> int:
    return path.stat().st_size


def _sample(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(_size(path) // 2)
        return file.read(SAMPLE)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
