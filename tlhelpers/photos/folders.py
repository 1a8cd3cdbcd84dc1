"""Find the photos of a folder with one sub-folder for each class, and note what is left out there."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tlhelpers.photos.formats import readable_endings

NEAR_NAMES = {  # of parts, as other sets of photos call them
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validation", "dev", "test", "testing", "holdout"),
}
NOT_BY_PEOPLE = ("__MACOSX", "Thumbs.db", "desktop.ini")  # written by the system, like names that begin with a dot
PLACEHOLDER = "imageNotFound.gif"  # comes with the ants and bees of PyTorch's tutorial, and shows no insect
HIDDEN, NO_FILE, NO_CLASS = "hidden", "not a regular file", "in no folder of a class"


@dataclass
class Part:
    """The photos of one part of a folder with their labels, and what is left out, by the reason."""

    folder: Path
    classes: list[str] = field(default_factory=list)
    paths: list[Path] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    left_out: dict[str, list[Path]] = field(default_factory=dict)

    def leave_out(self, reason: str, path: Path) -> None:
        """Note that a file or a hidden folder is not used; the reason may be the ending of its name."""
        self.left_out.setdefault(reason, []).append(path)


def find_part(root: Path, name: str) -> Part:
    """Return the photos in the sub-folder ``name`` of a folder, which has one sub-folder for each class.

    Raises
    ------
    ValueError
        If a folder is missing, empty or cannot be opened, or there are fewer than two classes.
    """
    if not (root / name).is_dir():
        raise ValueError(f"{root} has no folder {name!r}{_near_name(root, name)}")
    part = Part(root / name)
    try:
        for label, (class_name, folder) in enumerate(_class_folders(part).items()):
            found = sorted(_photos(part, folder))
            if not found:
                raise ValueError(_nothing_in(part, folder))
            part.classes.append(class_name)
            part.paths += found
            part.labels += [label] * len(found)
    except OSError as error:
        raise ValueError(
            f"{error.filename or part.folder} cannot be opened ({error.strerror or error}); change its permissions, or "
            "take it out of the folder"
        ) from error
    return part


def _near_name(root: Path, name: str) -> str:
    """Return how to rename a folder that probably is the one that is missing, or else what to do."""
    names = {entry.name.casefold(): entry for entry in root.iterdir() if entry.is_dir()} if root.is_dir() else {}
    near = next((names[other] for other in NEAR_NAMES[name] if other in names), None)
    if near is None:
        return "; put photos into train/CLASS/ and val/CLASS/ there"
    return f", but it has {near.name!r}; rename that: Path({str(near)!r}).rename({str(root / name)!r})"


def _class_folders(part: Part) -> dict[str, Path]:
    """Return the folders of the classes by their names, in one Unicode form, in the order of the names."""
    folders: dict[str, Path] = {}
    for entry in sorted(part.folder.iterdir()):
        name = unicodedata.normalize("NFC", entry.name)
        if _is_hidden(entry):
            part.leave_out(HIDDEN, entry)
        elif not entry.is_dir():
            _leave_out_beside(part, entry)
        elif name in folders:
            raise ValueError(
                f"{part.folder} has two folders {name!r}, whose names differ in their Unicode form only; put the "
                "photos of both into one"
            )
        else:
            folders[name] = entry
    if len(folders) < 2:
        raise ValueError(
            f"{part.folder} has {len(folders)} classes {sorted(folders)}; it needs two or more sub-folders, one for "
            "each class"
        )
    return dict(sorted(folders.items()))


def _leave_out_beside(part: Part, entry: Path) -> None:
    """Note a photo or a broken link beside the folders of the classes; lists and texts are usual there."""
    if not entry.exists():
        part.leave_out(NO_FILE, entry)
    elif entry.suffix.lower() in readable_endings():
        part.leave_out(NO_CLASS, entry)


def _photos(part: Part, folder: Path) -> Iterator[Path]:
    endings = readable_endings()
    for entry in _entries(folder, set(folder.resolve().parents)):
        ending = entry.suffix.lower()
        if _is_hidden(entry):
            part.leave_out(HIDDEN, entry)
        elif ending not in endings:
            part.leave_out(ending or "without an ending", entry)
        elif not entry.is_file():  # a FIFO or a device could be read for ever
            part.leave_out(NO_FILE, entry)
        elif entry.name != PLACEHOLDER:
            yield entry


def _entries(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Yield what is in a folder and in its folders, links too, each folder once; hidden folders are not opened."""
    real = folder.resolve()
    if real in seen:  # a link to a folder above, with photos of other classes
        return
    seen.add(real)
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not _is_hidden(entry):
            yield from _entries(entry, seen)
        else:
            yield entry


def _is_hidden(entry: Path) -> bool:
    return entry.name.startswith(".") or entry.name in NOT_BY_PEOPLE


def _nothing_in(part: Part, folder: Path) -> str:
    there = [reason for reason, paths in part.left_out.items() if any(folder in path.parents for path in paths)]
    but = f" but files that are left out ({', '.join(there)})" if there else ""
    return f"{folder} holds no images{but}; put files ending in {', '.join(readable_endings())} there or delete it"
