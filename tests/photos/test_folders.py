"""Photos are found whatever else lies there, and nothing is left out or counted twice without a word."""

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from tests.tiny import write_folder, write_photo
from tlhelpers.photos.datasets import image_folder, read_folder
from tlhelpers.photos.report import equal_files


def test_a_usual_folder_prints_nothing(folder, capsys):
    """A list beside the classes is usual too, and so is the placeholder in the archive of ants and bees."""
    (folder / "train" / "labels.csv").write_text("")
    (folder / "train" / "dark" / "imageNotFound.gif").write_bytes(b"GIF89a")
    assert len(image_folder(folder).train) == 12
    assert capsys.readouterr().out == ""


def test_what_is_left_out_is_said_once_with_its_number(folder, capsys, monkeypatch):
    """By ending with what reads it, hidden, no file, and in no class; the quiet reader says nothing."""
    monkeypatch.setattr("tlhelpers.photos.formats.find_spec", lambda name: None)  # pillow-heif is not installed
    dark, light = folder / "train" / "dark", folder / "val" / "light"
    for name in ("a.heic", "b.HEIC", "._0.jpg", "Thumbs.db", "c.txt", "d"):
        (dark / name).write_bytes(b"no image")
    (light / "e.heic").write_bytes(b"no image")
    for name in (".ipynb_checkpoints", "__MACOSX"):
        write_photo(light / name / "0.png", 0)
    write_photo(folder / "val" / ".ipynb_checkpoints" / "0.png", 0)
    write_photo(folder / "val" / "stray.png", 0)
    (light / "gone.png").symlink_to(folder / "nowhere.png")
    quiet = read_folder(folder)
    assert capsys.readouterr().out == ""
    photos = image_folder(folder)
    assert photos.train.paths + photos.val.paths == quiet.train.paths + quiet.val.paths and len(photos.train) == 12
    assert capsys.readouterr().out.splitlines() == [
        f"In {folder}:",
        "- left out: 3 .heic: pip install pillow-heif",
        "- left out: 1 .txt, such as train/dark/c.txt",
        "- left out: 5 hidden, such as train/dark/._0.jpg",
        "- left out: 1 in no folder of a class, such as val/stray.png",
        "- left out: 1 not a regular file, such as val/light/gone.png",
        "- left out: 1 without an ending, such as train/dark/d",
    ]


@pytest.mark.parametrize("ending", ["jfif", "gif", "JPG", "webp", "tiff"])
def test_photos_with_these_endings_count(folder, ending):
    """In small and in capital letters."""
    (folder / "train" / "dark" / "0.png").rename(folder / "train" / "dark" / f"0.{ending}")
    assert len(image_folder(folder).train) == 12


@pytest.mark.parametrize(("installed", "count"), [(True, 13), (False, 12)])
def test_heic_counts_if_it_can_be_read(folder, monkeypatch, installed, count):
    """Whether its package is installed decides."""
    monkeypatch.setattr("tlhelpers.photos.formats.find_spec", lambda name: installed or None)
    (folder / "train" / "dark" / "phone.heic").write_bytes(b"no image")
    assert len(read_folder(folder).train) == count


def test_photos_that_are_there_twice_are_said(folder, capsys):
    """In both parts, in two classes of one part, or in one class, where a split could put one of them on each side."""
    train, val = folder / "train", folder / "val"
    shutil.copy(train / "dark" / "1.png", val / "dark" / "8.png")
    shutil.copy(train / "dark" / "1.png", val / "dark" / "9.png")
    shutil.copy(train / "light" / "2.png", train / "dark" / "7.png")
    shutil.copy(train / "light" / "3.png", train / "light" / "7.png")
    image_folder(folder)
    out = "; take one of each pair out"
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"- in train and in val: 2 equal photos, such as train/dark/1.png and val/dark/8.png{out}",
        f"- in one class of val: 1 equal photo, such as val/dark/8.png and val/dark/9.png{out}",
        f"- in two classes of train: 1 equal photo, such as train/dark/7.png and train/light/2.png{out}",
        f"- in one class of train: 1 equal photo, such as train/light/3.png and train/light/7.png{out}",
    ]


def test_equal_files_have_equal_bytes(tmp_path):
    """Files of one size, of one size and one middle, and equal ones; a missing file is equal to none."""
    contents = {"a": b"x" * 9000, "b": b"x" * 9000, "c": b"y" + b"x" * 8999, "d": b"z" * 9000, "e": b"x"}
    paths = [tmp_path / name for name in contents]
    for path in paths:
        path.write_bytes(contents[path.name])
    assert equal_files([*paths, tmp_path / "none"]) == [[tmp_path / "a", tmp_path / "b"]]


def test_what_is_no_regular_file_never_hangs(folder):
    """A FIFO, a device, a link to itself, and a link to a folder above are left out."""
    dark = folder / "train" / "dark"
    os.mkfifo(dark / "fifo.jpg")
    (dark / "device.jpg").symlink_to("/dev/zero")
    (dark / "self.jpg").symlink_to(dark / "self.jpg")
    (dark / "above").symlink_to(folder, target_is_directory=True)
    (folder / "train" / "loop").symlink_to(folder / "train" / "loop")
    photos = image_folder(folder)
    assert photos.classes == ["dark", "light"] and len(photos.train) == 12


def test_links_to_folders_of_photos_are_followed(folder, tmp_path):
    """A class, or a folder in it, may lie somewhere else."""
    write_photo(tmp_path / "elsewhere" / "deep" / "x.png", 0)
    (folder / "train" / "dark" / "more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    shutil.move(folder / "train" / "light", tmp_path / "light")
    (folder / "train" / "light").symlink_to(tmp_path / "light", target_is_directory=True)
    assert image_folder(folder).train.counts() == {"dark": 7, "light": 6}


def test_a_class_that_cannot_be_opened_is_named_with_the_cause(folder, monkeypatch):
    """It is not called empty."""
    entries = Path.iterdir

    def refuse(path):
        if path.name == "dark":
            raise PermissionError(13, "Permission denied", str(path))
        return entries(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ValueError, match="train.dark cannot be opened .Permission denied.; change its permissions"):
        image_folder(folder)


@pytest.mark.parametrize(
    ("part", "near"), [("val", "valid"), ("val", "Validation"), ("val", "test"), ("val", "VAL"), ("train", "Train")]
)
def test_a_part_of_another_name_is_named(folder, part, near):
    """The error says how to rename it, and after that the folder is read."""
    (folder / part).rename(folder / "moved")
    (folder / "moved").rename(folder / near)
    if (folder / part).exists():
        pytest.skip("no difference between capital and small letters on this disk")
    with pytest.raises(ValueError, match=f"has no folder '{part}', but it has '{near}'; rename that: ") as refused:
        image_folder(folder)
    exec(str(refused.value).split("rename that: ")[1], {"Path": Path})
    assert len(image_folder(folder).train) == 12


def test_the_likeliest_of_several_near_names_is_named(folder):
    """``valid`` stands for validation, and ``test`` rather does not."""
    (folder / "val").rename(folder / "valid")
    (folder / "test").mkdir()
    with pytest.raises(ValueError, match="it has 'valid'"):
        image_folder(folder)


def test_classes_that_differ_in_their_unicode_form_are_the_same(tmp_path):
    """A Mac writes é as two characters, other systems as one."""
    composed, decomposed = (unicodedata.normalize(form, "abeille dorée") for form in ("NFC", "NFD"))
    write_folder(tmp_path, classes=(composed, "ant"))
    (tmp_path / "val" / composed).rename(tmp_path / "val" / decomposed)
    photos = image_folder(tmp_path)
    assert photos.classes == photos.val.classes == [composed, "ant"]
    assert all(path.exists() for path in photos.val.paths)


def test_two_classes_that_differ_in_their_unicode_form_only_are_refused(tmp_path):
    """Nobody could tell them apart."""
    names = tuple(unicodedata.normalize(form, "fourmi brûlée") for form in ("NFC", "NFD"))
    write_folder(tmp_path, classes=names)
    if len(list((tmp_path / "train").iterdir())) == 1:
        pytest.skip("both names are the same on this disk")
    with pytest.raises(ValueError, match="has two folders .*; put the photos of both into one"):
        image_folder(tmp_path)


def test_names_in_any_script_are_classes(tmp_path):
    """Chinese, Arabic, emoji, spaces, a dollar, and a new line."""
    names = ("猫 狗", "قطة", "🐝", "$5_bill_$x^", "two\nlines")
    write_folder(tmp_path, classes=names)
    photos = image_folder(tmp_path)
    assert photos.classes == sorted(names) and photos.train[29][0].size == (30, 24)


def test_a_class_whose_photos_are_all_left_out_says_so(folder):
    """What is there is named beside what should be there."""
    for path in (folder / "train" / "dark").iterdir():
        path.rename(path.with_suffix(".cr2"))
    with pytest.raises(
        ValueError, match=r"dark holds no images but files that are left out \(.cr2\); put files ending in"
    ):
        image_folder(folder)


@pytest.mark.parametrize("path", [None, 3, b"folder"])
def test_what_is_no_path_is_refused(path):
    """The error has the value."""
    with pytest.raises(ValueError, match="path is .*; it must be the path of a folder that holds train/ and val/"):
        image_folder(path)


def test_a_third_part_is_for_the_test(folder):
    """It is read if it is there, and must have the same classes."""
    assert image_folder(folder).test is None
    shutil.copytree(folder / "val", folder / "test")
    assert len(image_folder(folder).test) == len(image_folder(folder).val)
    (folder / "test" / "light").rename(folder / "test" / "bright")
    with pytest.raises(ValueError, match=r"\['dark', 'light'\] in train but \['bright', 'dark'\] in test; they must"):
        image_folder(folder)
