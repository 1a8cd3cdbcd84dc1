"""A file or folder appears whole or not at all, and an error names the way out that fits the place."""

import os
from pathlib import Path

import platformdirs
import pytest

from tlhelpers.files import cache_dir, photos_dir, replacing, set_aside


def test_a_file_appears_at_the_end_and_replaces_the_old_one(tmp_path):
    """Until the block ends, the old content is there; afterwards the new one, and nothing else."""
    path = tmp_path / "new folder" / "file.npy"
    for content in ("first", "second"):
        before = path.read_text() if path.exists() else None
        with replacing(path) as new:
            new.write_text(content)
            assert new.name == path.name and (path.read_text() if path.exists() else None) == before
        assert path.read_text() == content and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("old", [None, "old"])
def test_an_error_in_the_block_leaves_all_as_it_was(tmp_path, old):
    """The error passes through, what was there stays, and half a file is not left behind."""
    path = tmp_path / "file"
    if old:
        path.write_text(old)
    with pytest.raises(KeyError), replacing(path) as new:
        new.write_text("half of it")
        raise KeyError
    assert [file.read_text() for file in tmp_path.iterdir()] == ([old] if old else [])


def test_a_folder_appears_whole_and_that_of_another_process_is_kept(tmp_path):
    """A folder is moved with all that is in it; one that appeared in the meantime stays as it is."""
    path = tmp_path / "drawn"
    with replacing(path) as new:
        (new / "train").mkdir(parents=True)
    assert [file.name for file in path.iterdir()] == ["train"]
    with replacing(path) as new:
        (new / "val").mkdir(parents=True)
    assert [file.name for file in path.iterdir()] == ["train"] and list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named(tmp_path):
    """The sentence says what the system said, and what to do."""
    sentence = "cannot write to .*No space left on device.*; free some space, or let TLHELPERS_CACHE name"
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(RuntimeError, match=sentence),
        replacing(tmp_path / "file"),
    ):
        full.write(b"content")


def test_the_way_out_fits_the_place(tmp_path):
    """A place that TLHELPERS_CACHE has nothing to do with names another way out."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RuntimeError) as caught, replacing(tmp_path / "file" / "run", way_out="name another folder"):
        pass
    assert str(caught.value).endswith("free some space, or name another folder")


def test_the_cache_folder_is_the_one_named_and_asking_does_not_create_it(monkeypatch, tmp_path):
    """Without the variable it is the user's cache folder for tlhelpers."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine" and not cache_dir().exists()
    monkeypatch.delenv("TLHELPERS_CACHE")
    assert cache_dir() == Path(platformdirs.user_cache_dir("tlhelpers")) and cache_dir().name == "tlhelpers"


def test_an_empty_name_is_no_name(monkeypatch):
    """TLHELPERS_PHOTOS set to nothing is the same as not set."""
    monkeypatch.setenv("TLHELPERS_PHOTOS", "")
    assert photos_dir() is None


@pytest.mark.parametrize("variable", ["TLHELPERS_CACHE", "TLHELPERS_PHOTOS"])
@pytest.mark.parametrize(
    ("named", "reason"), [("~nobody-of-this-name/x", "home"), ("/" + "a" * 5000, "too long"), ("/" + "a" * 300, "long")]
)
def test_a_name_of_no_use_is_reported_with_its_variable(monkeypatch, variable, named, reason):
    """One sentence of a bearable length has the name, the reason and the way out."""
    monkeypatch.setenv(variable, named)
    ask = {"TLHELPERS_CACHE": cache_dir, "TLHELPERS_PHOTOS": photos_dir}[variable]
    with pytest.raises(ValueError, match=f"{variable} names .*{reason}.*; name another folder") as caught:
        ask()
    assert len(str(caught.value)) < 250


def test_an_unreadable_folder_is_reported_with_its_variable(monkeypatch, tmp_path):
    """The system's refusal to list the folder becomes the same sentence."""

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ValueError, match="TLHELPERS_CACHE names .*cannot be used .Permission denied.; name another"):
        cache_dir()


def test_content_is_on_the_disk_before_it_has_its_name(monkeypatch, tmp_path):
    """After a power failure there is the old file or the new one, and not an empty one: flush first, then rename."""
    path, flushed, fsync = tmp_path / "folder", [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (flushed.append(path.exists()), fsync(file)))
    with replacing(path) as new:
        new.mkdir()
        for name in "abc":
            (new / name).write_text(name)
    assert flushed[:3] == [False] * 3  # the files; Windows does not flush folders
    assert os.name == "nt" or flushed == [False] * 4 + [True]


def test_what_is_set_aside_is_kept(tmp_path):
    """Every damaged file gets a name of its own."""
    for content in ("first", "second"):
        (tmp_path / "file").write_text(content)
        set_aside(tmp_path / "file")
    contents = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert contents == {"file.damaged-1": "first", "file.damaged-2": "second"}
