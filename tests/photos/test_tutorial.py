"""The notebooks get the ants and bees, or real photos of solar cells; a line says which, or a sentence what to do."""

import re
import sys

import pytest

from tests.servers import nobody
from tests.tiny import write_folder
from tlhelpers.photos.ants_and_bees import PhotoSet, fingerprint
from tlhelpers.photos.tutorial import tutorial_photos


@pytest.fixture
def photo_set(tmp_path, monkeypatch) -> PhotoSet:
    """Return the row of few photos in ``tmp_path / "named"``; an empty cache, and nobody listens at the address."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TLHELPERS_PHOTOS", raising=False)
    root = write_folder(tmp_path / "named", train=5, val=1, classes=("ants", "bees"))
    counts = {"train": {"ants": 5, "bees": 5}, "val": {"ants": 1, "bees": 1}}
    return PhotoSet(url=f"{nobody()}/set.zip", sha256=fingerprint(root), counts=counts)


def test_ants_and_bees_that_are_there_are_used(photo_set, tmp_path, monkeypatch, capsys):
    """No word of solar cells."""
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(tmp_path / "named"))
    assert tutorial_photos(photo_set=photo_set).classes == ["ants", "bees"]
    assert capsys.readouterr().out == "Ants and bees: 8 photos to train with, 2 to validate with and 2 to test with.\n"


def test_solar_cells_take_the_place_of_photos_that_cannot_be_had(photo_set, capsys):
    """One line says why, and which photos the numbers in the text are of."""
    photos = tutorial_photos(photo_set=photo_set)
    assert photos.classes == ["functional", "defective"] and [len(photos.train), len(photos.test)] == [1158, 698]
    lines = capsys.readouterr().out.splitlines()
    said = "Solar cells take the place of the ants and bees, which are not available .* cannot be reached .*; numbers"
    assert lines[0].startswith("Solar cells: 1158 photos") and re.match(said, lines[1]) and len(lines) == 2


def test_without_any_photos_one_sentence_names_both_ways_out(photo_set, monkeypatch):
    """What is wrong with the ants and bees, and what with the solar cells."""
    monkeypatch.setitem(sys.modules, "elpv_dataset", None)
    said = (
        r"^there are neither ants and bees \(http://127.0.0.1:\d+/set.zip cannot be reached .*; try another network, "
        r"or let TLHELPERS_PHOTOS name a folder that holds them\) nor solar cells \(.*: pip install elpv-dataset\)$"
    )
    with pytest.raises(RuntimeError, match=said):
        tutorial_photos(photo_set=photo_set)


def test_a_wrong_folder_is_not_answered_with_other_photos(photo_set, tmp_path, monkeypatch):
    """A typing error in TLHELPERS_PHOTOS is reported, although the solar cells are there."""
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="TLHELPERS_PHOTOS names .*nowhere, which is not a folder"):
        tutorial_photos(photo_set=photo_set)
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(tmp_path))
    with pytest.raises(ValueError, match="TLHELPERS_PHOTOS names a folder without the ants and bees"):
        tutorial_photos(photo_set=photo_set)
