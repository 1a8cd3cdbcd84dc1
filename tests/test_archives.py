"""An archive of unknown origin writes only into its folder, only what it says, and only within bounds."""

import io
import os
import stat
import struct
import zipfile

import pytest

from tlhelpers.archives import unpack


def member(name, *, kind=stat.S_IFREG):
    """Return the description of a member, whose name is not corrected as zipfile would do."""
    info = zipfile.ZipInfo("x")
    info.filename, info.orig_filename, info.external_attr = name, name, (kind | 0o644) << 16
    return info


def write_zip(path, members):
    """Write members with their contents."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in members:
            archive.writestr(info, content)
    return path


BAD_MEMBERS = [  # what is wrong, the members, the words of the sentence
    ("absolute path", [member("/tmp/evil")], "'/tmp/evil', which names a place outside"),
    ("parent folder", [member("a/../../evil")], "leads out of the folder"),
    ("drive letter", [member("C:evil")], "names a place outside"),
    ("alternate stream", [member("a.jpg:evil")], "names a place outside"),
    ("server", [member(r"\\server\share\evil")], "names a place outside"),
    ("backslash", [member("..\\evil")], "leads out of the folder"),
    ("line break", [member("a\nb")], "has a character"),
    ("long name", [member("x" * 256)], "is longer than file names may be"),
    ("symbolic link", [member("link", kind=stat.S_IFLNK)], "is a link or a device"),
    ("device", [member("device", kind=stat.S_IFCHR)], "is a link or a device"),
    ("equal but for case", [member("Ants/1.jpg"), member("ants/1.JPG")], "are one file on some systems"),
    ("folders equal but for case", [member("Ants/1.jpg"), member("ants/2.jpg")], "are one file on some systems"),
    ("twice the same", [member("1.jpg"), member("1.jpg")], "are one file on some systems"),
    ("file and folder", [member("a"), member("a/1.jpg")], "are one file on some systems"),
    ("equal but for Unicode form", [member("\u00e9"), member("e\u0301")], "are one file on some systems"),
]


@pytest.mark.parametrize(("members", "words"), [row[1:] for row in BAD_MEMBERS], ids=[row[0] for row in BAD_MEMBERS])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_bad_member_is_refused_before_anything_is_written(tmp_path, members, words):
    """The good members before it are not unpacked either."""
    path = write_zip(tmp_path / "set.zip", [(member("good.jpg"), b"1"), *((info, b"2") for info in members)])
    with pytest.raises(ValueError, match="^set.zip holds") as caught:
        unpack(path, tmp_path / "out", max_bytes=100)
    assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == [path]


def test_a_bomb_is_refused_before_anything_is_written(tmp_path):
    """A megabyte of zeros has a kilobyte in the archive."""
    path = write_zip(tmp_path / "bomb.zip", [(member(f"{i}"), bytes(10**6)) for i in range(3)])
    with pytest.raises(ValueError, match="bomb.zip unpacks to 3,000,000 bytes; it must be at most 2,000,000"):
        unpack(path, tmp_path / "out", max_bytes=2 * 10**6)
    assert not (tmp_path / "out").exists()


def test_a_bomb_that_lies_about_its_size_is_stopped(tmp_path):
    """The directory of the archive says 9 bytes; no more than that is written."""
    path = write_zip(tmp_path / "bomb.zip", [(member("a"), bytes(10**6))])
    content = path.read_bytes().replace(struct.pack("<I", 10**6), struct.pack("<I", 9))
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a zip archive that can be unpacked"):
        unpack(path, tmp_path / "out", max_bytes=100)
    assert sum(file.stat().st_size for file in (tmp_path / "out").iterdir()) <= 9


def test_an_unusual_compression_is_refused(tmp_path):
    """Not every installation of Python can read it."""
    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("file", b"1")
    with pytest.raises(ValueError, match="'file', which is compressed in an unusual way"):
        unpack(tmp_path / "set.zip", tmp_path / "out", max_bytes=10)


def test_too_many_members_are_refused(tmp_path):
    """A million empty files fill a disk too."""
    path = write_zip(tmp_path / "set.zip", [(member(f"{i}"), b"") for i in range(5)])
    with pytest.raises(ValueError, match="set.zip holds 5 members; it must hold at most 4"):
        unpack(path, tmp_path / "out", max_bytes=10, max_members=4)


def test_only_what_is_wanted_is_unpacked(tmp_path):
    """Other members stay in the archive, and folders of the archive do not matter."""
    path = write_zip(
        tmp_path / "set.zip",
        [(member("a/", kind=stat.S_IFDIR), b""), (member("a/1.jpg"), b"1"), (member(".evil.sh"), b"2")],
    )
    assert unpack(path, tmp_path / "out", max_bytes=10, wanted=lambda name: name.endswith(".jpg")) == [
        tmp_path / "out" / "a" / "1.jpg"
    ]
    assert [file.name for file in (tmp_path / "out").rglob("*")] == ["a", "1.jpg"]


def test_a_file_that_is_there_is_never_replaced(tmp_path):
    """Nothing of the user's is lost."""
    (tmp_path / "mine.txt").write_text("mine")
    path = write_zip(tmp_path / "set.zip", [(member("mine.txt"), b"theirs")])
    with pytest.raises(FileExistsError):
        unpack(path, tmp_path, max_bytes=10)
    assert (tmp_path / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("damage", [lambda content: content[:40], lambda content: content[:36] + content[40:]])
def test_a_damaged_archive_is_named(tmp_path, damage, compression):
    """Truncated, or without some bytes in the middle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        archive.writestr("file", b"AAAABBBBCCCC")
    (tmp_path / "set.zip").write_bytes(damage(buffer.getvalue()))
    with pytest.raises(
        ValueError, match="set.zip is not a zip archive that can be unpacked|is not where the archive says"
    ):
        unpack(tmp_path / "set.zip", tmp_path / "out", max_bytes=100)


def test_a_name_that_is_no_text_is_one_sentence(tmp_path):
    """The archive says that its names are UTF-8, and they are not."""
    path = write_zip(tmp_path / "set.zip", [(member("\u00e9.jpg"), b"1")])
    path.write_bytes(path.read_bytes().replace(b"\xc3\xa9", b"\xc3\xff"))
    with pytest.raises(ValueError, match="set.zip is not a zip archive that can be unpacked") as caught:
        unpack(path, tmp_path / "out", max_bytes=10)
    assert caught.type is ValueError


def test_what_an_archive_holds_is_not_in_the_sentence(tmp_path):
    """The error of the library quotes a name that takes all of the file."""
    path = write_zip(tmp_path / "set.zip", [(member("a.jpg"), os.urandom(5000))])
    content = bytearray(path.read_bytes())
    content[26:28] = struct.pack("<H", 5000)  # the length of the name before the content
    path.write_bytes(content)
    with pytest.raises(ValueError, match="set.zip is not a zip archive that can be unpacked") as caught:
        unpack(path, tmp_path / "out", max_bytes=10_000)
    assert len(str(caught.value)) < 300
