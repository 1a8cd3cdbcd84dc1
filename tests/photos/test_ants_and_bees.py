"""The ants and bees come from the named folder, the cache or the host; or an error says what to do."""

import dataclasses
import io
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.servers import head, nobody, scripted, serving
from tests.tiny import write_folder, write_photo
from tlhelpers.photos.ants_and_bees import TUTORIAL, PhotoSet, ants_and_bees, cached_photos, fingerprint

FEW = {"train": {"ants": 2, "bees": 2}, "val": {"ants": 1, "bees": 1}}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """Let the cache folder be a new one, and no folder of photos be named."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TLHELPERS_PHOTOS", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path) -> Path:
    """Return a folder of few photos that stand for the ants and bees."""
    return write_folder(tmp_path / "hymenoptera_data", train=2, val=1, classes=("ants", "bees"))


@pytest.fixture
def photo_set(root) -> PhotoSet:
    """Return the row of these photos, with an address at which nobody listens."""
    return PhotoSet(url=f"{nobody()}/set.zip", sha256=fingerprint(root), counts=FEW)


def zipped(root: Path) -> bytes:
    """Return the folder as a zip archive with one more file, as the tutorial has it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in root.rglob("*.*"):
            archive.write(path, path.relative_to(root.parent))
        archive.writestr("hymenoptera_data/train/ants/imageNotFound.gif", b"GIF89a")
    return buffer.getvalue()


def test_photos_come_from_the_named_folder(root, photo_set, monkeypatch, capsys):
    """One line says how many they are."""
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(root))
    photos = ants_and_bees(photo_set=photo_set)
    assert photos.train.paths[0].is_relative_to(root)
    assert capsys.readouterr().out == "Ants and bees: 4 photos to train with, 0 to validate with and 2 to test with.\n"


def test_photos_are_downloaded_once_and_then_come_from_the_cache(root, photo_set, cache):
    """The second call needs no host, and nothing but the photos stays in the cache."""
    with serving({"/set.zip": zipped(root)}) as host:
        online = dataclasses.replace(photo_set, url=f"{host}/set.zip")
        assert len(ants_and_bees(photo_set=online).train) == 4
    assert len(ants_and_bees(photo_set=online).train) == 4
    assert list((cache / "photos").iterdir()) == [cached_photos()]


@pytest.mark.parametrize("content", ["not a zip archive", "other photos"])
def test_another_archive_is_refused_and_not_kept(root, photo_set, cache, content):
    """The error names the address, and the cache stays empty."""
    write_photo(root / "train" / "ants" / "0.png", seed=77)
    archive = zipped(root) if content == "other photos" else b"<html>please log in</html>"
    with serving({"/set.zip": archive}) as host:
        online = dataclasses.replace(photo_set, url=f"{host}/set.zip")
        with pytest.raises(RuntimeError, match=f"{host}/set.zip gave something else"):
            ants_and_bees(photo_set=online)
    assert not list((cache / "photos").iterdir())


def test_eight_at_once_download_once_and_all_get_the_photos(root, photo_set):
    """Nobody is refused because another one was quicker."""
    archive = zipped(root)
    with scripted([head(200, content_length=len(archive)), 0.1, archive]) as (host, requests):
        online = dataclasses.replace(photo_set, url=f"{host}/set.zip")
        with ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(ants_and_bees, photo_set=online) for _ in range(8)]
    assert [len(call.result().train) for call in calls] == [4] * 8 and len(requests) == 1


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:50])])
def test_damaged_photos_are_set_aside_and_fetched_again(root, photo_set, cache, capsys, change):
    """A photo is missing or truncated: the line says which, and what was there is kept."""
    shutil.copytree(root, cached_photos())
    change(cached_photos() / "train" / "ants" / "0.png")
    with serving({"/set.zip": zipped(root)}) as host:
        photos = ants_and_bees(photo_set=dataclasses.replace(photo_set, url=f"{host}/set.zip"))
    assert len(photos.train) == 4 and fingerprint(cached_photos()) == photo_set.sha256
    assert f"{cached_photos()} was damaged (" in capsys.readouterr().out
    assert sorted(path.name for path in cached_photos().parent.iterdir()) == [
        "hymenoptera_data",
        "hymenoptera_data.damaged-1",
    ]


def test_damaged_photos_without_a_host_are_called_damaged(root, photo_set):
    """The error names the folder, and the photos that are left stay there."""
    shutil.copytree(root, cached_photos())
    (cached_photos() / "val" / "bees" / "0.png").unlink()
    with pytest.raises(RuntimeError, match="hymenoptera_data is damaged .*, and a new one could not be made"):
        ants_and_bees(photo_set=photo_set)
    assert len(list(cached_photos().rglob("*.png"))) == 5


def test_only_photos_leave_the_archive(root, photo_set, cache):
    """Further files of a right archive, such as scripts and other folders, do not reach the cache."""
    (root / "train" / "ants" / ".evil.sh").write_text("rm")
    (root / "train" / "ants" / "._0.png").write_text("of macOS")
    write_photo(root / "train" / "more" / "0.png", seed=3)
    with serving({"/set.zip": zipped(root)}) as host:
        ants_and_bees(photo_set=dataclasses.replace(photo_set, url=f"{host}/set.zip"))
    assert len([path for path in cache.rglob("*") if path.is_file()]) == 6


def test_an_archive_of_another_size_is_stopped(root, photo_set, cache):
    """Neither the archive nor what it unpacks to may exceed the bound."""
    archive = zipped(root)
    with serving({"/set.zip": archive}) as host:
        online = dataclasses.replace(photo_set, url=f"{host}/set.zip", size=len(archive) - 1)
        with pytest.raises(RuntimeError, match="was stopped: it has more than"):
            ants_and_bees(photo_set=online)
    assert not list((cache / "photos").iterdir())


def test_photos_that_cannot_be_had_are_an_error_with_ways_out(photo_set, cache):
    """One sentence says what is wrong and names three ways out; nothing is left in the cache."""
    said = (
        r"^the ants and bees are not available \(http://127.0.0.1:\d+/set.zip cannot be reached .*\); try another "
        r"network, let TLHELPERS_PHOTOS name a folder that holds them, or use tl.solar_cells\(\), which come with pip$"
    )
    with pytest.raises(RuntimeError, match=said):
        ants_and_bees(photo_set=photo_set)
    assert not list((cache / "photos").iterdir())


def test_a_named_folder_with_too_few_photos_is_an_error(root, photo_set, monkeypatch):
    """Nothing is downloaded in place of photos that were named; the error has the numbers."""
    (root / "val" / "bees" / "0.png").rename(root / "val" / "ants" / "1.png")
    write_photo(root / "val" / "bees" / "1.png", seed=3)
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(root))
    sentence = "TLHELPERS_PHOTOS names .*val holds {'ants': 2, 'bees': 1} photos instead of {'ants': 1, 'bees': 1}"
    with pytest.raises(ValueError, match=sentence):
        ants_and_bees(photo_set=photo_set)


def test_a_named_folder_that_does_not_exist_is_an_error(tmp_path, photo_set, monkeypatch):
    """A typing error in the variable is reported."""
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="TLHELPERS_PHOTOS names .*nowhere, which is not a folder; correct it"):
        ants_and_bees(photo_set=photo_set)


def test_changed_photos_are_noticed(root, photo_set, monkeypatch):
    """The number of photos is right, but one has another content."""
    write_photo(root / "train" / "ants" / "0.png", seed=77)
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(root))
    with pytest.raises(ValueError, match="right number of photos, but other photos"):
        ants_and_bees(photo_set=photo_set)


def test_the_row_of_the_tutorial_is_complete():
    """Its hash is a SHA-256, and its numbers are those of the two folders of the tutorial."""
    assert len(bytes.fromhex(TUTORIAL.sha256)) == 32
    assert [sum(kinds.values()) for kinds in TUTORIAL.counts.values()] == [244, 153]


def test_every_fifth_photo_of_the_first_folder_validates_and_the_second_folder_tests(tmp_path, monkeypatch):
    """No photo is in two parts, and each part has both classes."""
    root = write_folder(tmp_path / "more", train=11, val=4, classes=("ants", "bees"))
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(root))
    counts = {"train": {"ants": 11, "bees": 11}, "val": {"ants": 4, "bees": 4}}
    photos = ants_and_bees(photo_set=PhotoSet(url="", sha256=fingerprint(root), counts=counts))
    assert [len(part) for part in (photos.train, photos.val, photos.test)] == [18, 4, 8]
    assert all(min(part.counts().values()) > 0 for part in (photos.train, photos.val, photos.test))
    assert len({*photos.train.paths, *photos.val.paths, *photos.test.paths}) == 30
