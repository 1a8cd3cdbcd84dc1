"""Solar cells are in three parts by module, with what is known about each, or one sentence says what is wrong."""

import re
import sys

import pytest
from PIL import Image

from tlhelpers.photos.datasets import PhotoDataset
from tlhelpers.photos.solar_cells import MODULES, solar_cells

CELLS = 6  # of each module
PROBABILITIES = ("0.0", "1.0", "0.3333333333333333", "0.0", "0.6666666666666666", "0.0")


@pytest.fixture
def folder(tmp_path):
    """Write a table of 44 modules with small gray photos."""
    (tmp_path / "images").mkdir()
    kinds = [kind for modules, kind in zip(MODULES, 5 * ("mono", "poly"), strict=True) for _ in range(modules * CELLS)]
    lines = []
    for number, kind in enumerate(kinds):
        name = f"images/cell{number:04}.png"
        Image.new("L", (8, 8), number % 256).save(tmp_path / name)
        lines.append(f"{name}   {PROBABILITIES[number % CELLS]} {kind}\n")
    (tmp_path / "labels.csv").write_text("".join(lines))
    return tmp_path


def modules_of(part: PhotoDataset) -> set[int]:
    """Return the numbers of the modules that a part has photos of."""
    return {int(re.search(r"\d{4}", path.name)[0]) // CELLS for path in part.paths}


def test_a_module_is_in_one_part(folder, capsys):
    """Half of the modules train, a sixth validate, a third test; each part has both kinds and both classes."""
    photos = solar_cells(folder)
    parts = [modules_of(part) for part in (photos.train, photos.val, photos.test)]
    for part, modules in zip((photos.train, photos.val, photos.test), parts, strict=True):
        assert set(part.about["module"]) == modules
    assert [len(part) for part in parts] == [22, 8, 14] and len(set.union(*parts)) == sum(MODULES)
    for part in (photos.train, photos.val, photos.test):
        assert min(part.counts().values()) > 0 and set(part.about["kind"]) == {"mono", "poly"}
    assert (
        "Solar cells: 88 photos to train with, 32 to validate with and 56 to test with; 88" in capsys.readouterr().out
    )


def test_certain_cells_have_classes_and_doubtful_ones_probabilities(folder):
    """0 is functional, 1 is defective; the others stand apart with the more probable class and the part they are of."""
    photos = solar_cells(folder)
    for part in (photos.train, photos.val, photos.test):
        assert part.about["probability"] == part.labels.tolist()
    assert set(photos.doubtful.about["probability"]) == {1 / 3, 2 / 3}
    assert photos.doubtful.labels.tolist() == [int(p > 0.5) for p in photos.doubtful.about["probability"]]
    parts = {"train": photos.train, "val": photos.val, "test": photos.test}
    for name, part in parts.items():
        assert modules_of(photos.doubtful.where(part=name)) == modules_of(part)


def test_photos_are_chosen_by_what_is_known_about_them(folder):
    """``where`` keeps paths, labels and facts together; an unknown name or value is named with the known ones."""
    train = solar_cells(folder).train
    poly = train.where(kind="poly", probability=1.0)
    assert (
        0 < len(poly) < len(train) and set(poly.about["kind"]) == {"poly"} and poly.labels.tolist() == [1] * len(poly)
    )
    assert [train.labels[train.paths.index(path)].item() for path in poly.paths] == poly.labels.tolist()
    with pytest.raises(ValueError, match="kind is 'thin'; it must be one of 'mono', 'poly'"):
        train.where(kind="thin")
    with pytest.raises(ValueError, match="'age' is not known about these photos; it must be one of kind, probability"):
        train.where(age=3)


def test_what_is_missing_or_damaged_is_named(folder, monkeypatch):
    """The package, its table, rows of it, a photo: each is one sentence that says how to install it."""
    (folder / "images" / "cell0003.png").unlink()
    with pytest.raises(RuntimeError, match="1 photos are missing in .*, such as cell0003.png; install it again: pip"):
        solar_cells(folder)
    lines = (folder / "labels.csv").read_text().splitlines()
    (folder / "labels.csv").write_text("\n".join(line for line in lines if "poly" in line))
    with pytest.raises(
        RuntimeError, match="labels.csv does not have the rows of the solar cells; install it again: pip"
    ):
        solar_cells(folder)
    (folder / "labels.csv").write_text("images/cell0001.png 1.0")
    with pytest.raises(
        RuntimeError, match=r"labels.csv is not the table of the solar cells \(.+\); install it again: pip"
    ):
        solar_cells(folder)
    monkeypatch.setitem(sys.modules, "elpv_dataset", None)
    with pytest.raises(
        RuntimeError, match="package elpv-dataset, which is not installed; install it: pip install elpv"
    ):
        solar_cells()


def test_a_damaged_photo_is_named(folder):
    """Its path is in the sentence, as for any other photo."""
    photos = solar_cells(folder)
    photos.train.paths[0].write_bytes(b"no photo")
    with pytest.raises(ValueError, match=photos.train.paths[0].name):
        photos.train[0]


def test_the_photos_of_the_package_are_those_of_the_paper(capsys):
    """As many cells of each class and each kind as the authors count, and each part has enough of all."""
    photos = solar_cells()
    parts = (photos.train, photos.val, photos.test)
    assert sum(part.counts()["functional"] for part in parts) == 1508
    assert sum(part.counts()["defective"] for part in parts) == 715
    assert len(photos.doubtful) == 295 + 106
    kinds = [kind for part in (*parts, photos.doubtful) for kind in part.about["kind"]]
    assert (kinds.count("mono"), kinds.count("poly")) == (1074, 1550)
    assert min(count for part in parts for count in part.where(kind="mono").counts().values()) >= 30
    assert capsys.readouterr().out.startswith("Solar cells: 1158 photos to train with, 367 to validate with and 698")
    assert photos.train[0][0].size == (300, 300)
