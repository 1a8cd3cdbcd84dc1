"""Drawn ants and bees: the right number, the same every time, without a network, complete or not at all."""

import errno
import hashlib
import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tlhelpers.photos import drawn
from tlhelpers.photos.canvas import Canvas
from tlhelpers.photos.datasets import image_folder
from tlhelpers.photos.drawn import (
    BACKGROUNDS,
    COUNTS,
    cut_background,
    draw_photo,
    draw_scene,
    drawn_folder,
    open_background,
    photo_rng,
)

FEW = {"train": {"ants": 2}, "val": {"ants": 1, "bees": 1}}


def blank(rng, kind):
    """Return an image without anything on it, in the place of ``draw_photo``."""
    return Image.new("RGB", (4, 3))


def contents(root):
    """Return the content of every image in a folder by its path."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.jpg"))}


def test_classes_and_counts_are_those_of_the_photos(tmp_path, monkeypatch):
    """There are 123 ants and 121 bees to train with, 70 and 83 to validate with."""
    monkeypatch.setattr(drawn, "draw_photo", blank)
    photos = image_folder(drawn_folder(tmp_path / "drawn"))
    assert {"train": photos.train.counts(), "val": photos.val.counts()} == COUNTS
    assert [*COUNTS["train"].values(), *COUNTS["val"].values()] == [123, 121, 70, 83]


def test_the_same_seed_draws_the_same_bytes_and_another_seed_other_images(tmp_path):
    """Files are equal to the byte for equal seeds, and all different otherwise."""
    first, again, other = (contents(drawn_folder(tmp_path / str(n), seed=n // 2, counts=FEW)) for n in range(3))
    assert first == again and first.keys() == other.keys()
    assert len(set(first.values()) | set(other.values())) == 8  # no image is there twice


def test_an_existing_folder_is_left_alone(tmp_path, monkeypatch):
    """What was drawn once is not drawn again."""
    (tmp_path / "drawn").mkdir()
    monkeypatch.setattr(drawn, "draw_photo", None)
    assert drawn_folder(tmp_path / "drawn") == tmp_path / "drawn"


def test_sizes_are_like_the_photos():
    """The longer side has 500 pixels and the other 300 to 500; most images, finished ones too, are wider than high."""
    sizes = [cut_background(np.random.default_rng(number)).size for number in range(20)]
    assert all(max(size) == 500 and 300 <= min(size) <= 500 for size in sizes)
    assert sum(width > height for width, height in sizes) > 10 and len(set(sizes)) > 2
    assert draw_photo(np.random.default_rng(0), "bees").size == sizes[0]


def test_the_background_does_not_depend_on_the_class(monkeypatch):
    """With the same random numbers an ant and a bee are drawn on the same scene."""
    scenes = []

    def remember(rng):
        scenes.append(draw_scene(rng).copy())
        return scenes[-1].copy()

    monkeypatch.setattr(drawn, "draw_scene", remember)
    ant, bee = (draw_photo(np.random.default_rng(3), kind) for kind in ("ants", "bees"))
    assert scenes[0].tobytes() == scenes[1].tobytes()
    assert ant.tobytes() != bee.tobytes()


def test_ants_and_bees_have_the_same_colors(monkeypatch):
    """With the same random numbers an ant and a bee get the same colors, and are seen from the same side."""
    found = {}

    def remember(kind):
        return lambda canvas, rng, colors, side: found.setdefault(kind, (colors.tolist(), side))

    monkeypatch.setattr(drawn, "draw_ant", remember("ants"))
    monkeypatch.setattr(drawn, "draw_bee", remember("bees"))
    monkeypatch.setattr(Canvas, "paste", lambda *arguments: None)
    for kind in ("ants", "bees"):
        draw_photo(np.random.default_rng(5), kind)
    assert found["ants"] == found["bees"]


@pytest.mark.parametrize("kind", ["ants", "bees"])
def test_there_is_an_insect_near_the_center(kind, monkeypatch):
    """The pixels that differ from the background lie in the center crop that a network sees."""
    monkeypatch.setattr(drawn, "photograph", lambda scene, rng: scene)
    for number in range(2):
        empty, photo = draw_scene(np.random.default_rng(number)), draw_photo(np.random.default_rng(number), kind)
        rows, columns = np.nonzero((np.asarray(empty) != np.asarray(photo)).any(axis=2))
        assert len(rows) > 500
        across, down = abs(columns.mean() - photo.width / 2), abs(rows.mean() - photo.height / 2)
        assert max(across, down) < 0.45 * min(photo.size)


def test_drawing_needs_no_network(monkeypatch):
    """All backgrounds are installed with scikit-image."""

    def refuse(*arguments):
        raise AssertionError("something used the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    open_background.cache_clear()
    assert all(open_background(name).mode == "RGB" for name in BACKGROUNDS)
    draw_photo(np.random.default_rng(0), "bees")


def test_a_failure_half_way_leaves_nothing(tmp_path, monkeypatch):
    """After an error at the fourth image there is no folder, and no temporary one."""
    drawings = iter([Image.new("RGB", (4, 3))] * 3)
    monkeypatch.setattr(drawn, "draw_photo", lambda rng, kind: next(drawings))
    with pytest.raises(StopIteration):
        drawn_folder(tmp_path / "drawn", counts=FEW)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_explained_in_one_sentence(tmp_path, monkeypatch):
    """The error names the folder and what to do, and nothing is left."""

    def no_space(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(drawn, "draw_photo", blank)
    monkeypatch.setattr(Image.Image, "save", no_space)
    with pytest.raises(RuntimeError, match=f"cannot write to {tmp_path} .No space left.*free some space"):
        drawn_folder(tmp_path / "drawn", counts=FEW)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_explained_in_one_sentence(tmp_path):
    """The error names TLHELPERS_CACHE as the way out."""
    (tmp_path / "file").write_text("is where the cache folder should be")
    with pytest.raises(RuntimeError, match="cannot write to .*file .*TLHELPERS_CACHE"):
        drawn_folder(tmp_path / "file" / "drawn")


def test_another_process_draws_the_same():
    """The images depend on the seed alone: not on what was drawn before, nor on Python's own hashing."""
    code = (
        "import hashlib; from tlhelpers.photos.drawn import draw_photo, photo_rng; "
        "print(hashlib.sha256(draw_photo(photo_rng(7, 'val', 'bees', 3), 'bees').tobytes()).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert there == hashlib.sha256(draw_photo(photo_rng(7, "val", "bees", 3), "bees").tobytes()).hexdigest()
