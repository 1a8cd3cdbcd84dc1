"""Unpack a zip archive of unknown origin: names are checked before anything is written, and sizes are bounded.

An archive can name files outside the folder that it is unpacked into, links to such files, or a few kilobytes that
unpack to terabytes.
"""

import shutil
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath, PureWindowsPath

from tlhelpers.arguments import first_line

MAX_MEMBERS = 100_000
MAX_NAME = 255  # bytes, which every file system allows


def unpack(
    archive: Path,
    folder: Path,
    *,
    max_bytes: int,
    max_members: int = MAX_MEMBERS,
    wanted: Callable[[str], bool] = lambda name: True,
) -> list[Path]:
    """Unpack the files of a zip archive into a folder, and return their paths.

    Parameters
    ----------
    archive : Path
    folder : Path
        Created if it is missing. Files of the same name in it are not replaced.
    max_bytes : int
        How many bytes all unpacked files may have together.
    max_members : int
        How many files and folders the archive may hold.
    wanted : callable
        Called with the name of each file, such as "photos/train/ants/0.jpg"; the others are left out.

    Raises
    ------
    ValueError
        If it is not a zip archive, is damaged, or holds what a set of photos never does. Nothing has been written
        then, unless the content of a file is damaged.
    FileExistsError
        If a file is there already.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            files = _check(archive.name, opened.infolist(), max_bytes, max_members)
            return _write(opened, [member for member in files if wanted(member.filename)], folder)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{archive.name} is not a zip archive that can be unpacked ({first_line(error)}); get it again"
        ) from error


def _check(archive: str, members: list[zipfile.ZipInfo], max_bytes: int, max_members: int) -> list[zipfile.ZipInfo]:
    """Return the files among the members; raise ValueError if one of them must not be unpacked."""
    if len(members) > max_members:
        raise ValueError(f"{archive} holds {len(members):,} members; it must hold at most {max_members:,}")
    for member in members:
        if reason := _reason_against(member):
            raise ValueError(
                f"{archive} holds {member.orig_filename[:MAX_NAME]!r}, which {reason}; get it from another place"
            )
    files = [member for member in members if not member.is_dir()]
    _check_collisions(archive, (member.filename for member in files))
    if (size := sum(member.file_size for member in files)) > max_bytes:
        raise ValueError(f"{archive} unpacks to {size:,} bytes; it must be at most {max_bytes:,}")
    return files


def _reason_against(member: zipfile.ZipInfo) -> str | None:
    name, kind = member.orig_filename, stat.S_IFMT(member.external_attr >> 16)
    path = PureWindowsPath(name)  # reads "/" and "\\" as separators, and knows drive letters
    reasons = (
        (bool(path.anchor) or ":" in name, "names a place outside of the folder"),
        (".." in path.parts, "leads out of the folder"),
        ("\\" in name or not name.isprintable(), "has a character that file names here must not have"),
        (len(name.encode()) > MAX_NAME, "is longer than file names may be"),
        (kind not in (0, stat.S_IFREG, stat.S_IFDIR), "is a link or a device and not a file"),
        (bool(member.flag_bits & 1), "needs a password"),
        (member.header_offset < 0, "is not where the archive says"),
        (member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED), "is compressed in an unusual way"),
    )
    return next((reason for found, reason in reasons if found), None)


def _check_collisions(archive: str, names: Iterable[str]) -> None:
    """Raise ValueError if two names are one for a system that ignores case, such as Windows and macOS."""
    seen: dict[str, tuple[str, bool]] = {}
    for name in names:
        path = PurePosixPath(name)
        for part in (path, *path.parents):
            entry, key = (str(part), part == path), unicodedata.normalize("NFC", str(part)).casefold()
            if seen.setdefault(key, entry) is not entry and (part == path or seen[key] != entry):
                raise ValueError(f"{archive} holds {seen[key][0]!r} and {name!r}, which are one file on some systems")


def _write(opened: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path) -> list[Path]:
    paths = [folder / member.filename for member in members]
    for member, path in zip(members, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(member) as source, path.open("xb") as target:
            shutil.copyfileobj(source, target)  # never more bytes than the archive says: zipfile sees to that
    return paths
