"""The drawn stand-in: the right number of images, the same every time, drawn without a network, whole or not at all."""

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
from tlhelpers.photos.ants_and_bees import COUNTS
from tlhelpers.photos.datasets import image_folder
from tlhelpers.photos.drawn import draw_photo, draw_scene, drawn_folder, photo_rng

FEW = {"train": {"ants": 2}, "val": {"ants": 1, "bees": 1}}


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(drawn, "COUNTS", FEW)


def blank(rng, kind):
    return Image.new("RGB", (4, 3))


def contents(root):
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*.jpg"))}


def test_classes_and_counts_are_those_of_the_photos(tmp_path, monkeypatch):
    monkeypatch.setattr(drawn, "draw_photo", blank)
    photos = image_folder(drawn_folder(tmp_path / "drawn"))
    assert photos.classes == ["ants", "bees"]
    for part, expected in COUNTS.items():
        assert tuple(getattr(photos, part).labels.bincount().tolist()) == expected


def test_the_same_seed_draws_the_same_bytes_and_another_one_other_images(tmp_path, few):
    first, again, other = (contents(drawn_folder(tmp_path / str(n), seed=n // 2)) for n in range(3))
    assert first == again and first.keys() == other.keys()
    assert len(set(first.values()) | set(other.values())) == 8  # no image is there twice


def test_what_was_drawn_is_not_drawn_again(tmp_path, monkeypatch):
    (tmp_path / "drawn").mkdir()
    monkeypatch.setattr(drawn, "draw_photo", None)
    assert drawn_folder(tmp_path / "drawn") == tmp_path / "drawn"


def test_sizes_are_like_the_photos():
    """500 pixels on the longer side, 300 to 500 on the other, most wider than high; the finished photo too."""
    sizes = [drawn._cut_ground(np.random.default_rng(number)).size for number in range(20)]
    assert all(max(size) == 500 and 300 <= min(size) <= 500 for size in sizes)
    assert sum(width > height for width, height in sizes) > 10 and len(set(sizes)) > 2
    assert draw_photo(np.random.default_rng(0), "bees").size == sizes[0]


def test_the_ground_does_not_depend_on_the_class(monkeypatch):
    """With the same random numbers an ant and a bee are drawn on the same scene."""
    scenes = []

    def remember(rng):
        scenes.append(draw_scene(rng).copy())
        return scenes[-1].copy()

    monkeypatch.setattr(drawn, "draw_scene", remember)
    ant, bee = (draw_photo(np.random.default_rng(3), kind) for kind in ("ants", "bees"))
    assert scenes[0].tobytes() == scenes[1].tobytes()
    assert ant.tobytes() != bee.tobytes()


def test_ants_and_bees_take_their_colours_from_the_same_draws(monkeypatch):
    tints = {"ants": [], "bees": []}
    monkeypatch.setattr(drawn, "draw_ant", lambda canvas, rng, tint, side: tints["ants"].append((tint.tolist(), side)))
    monkeypatch.setattr(drawn, "draw_bee", lambda canvas, rng, tint, side: tints["bees"].append((tint.tolist(), side)))
    monkeypatch.setattr(drawn.Canvas, "paste", lambda *anything: None)
    for kind in tints:
        draw_photo(np.random.default_rng(5), kind)
    assert tints["ants"][0] == tints["bees"][0]


@pytest.mark.parametrize("kind", ["ants", "bees"])
def test_there_is_an_insect_near_the_middle(kind, monkeypatch):
    """What the insect changes lies in the centre crop that a network sees."""
    monkeypatch.setattr(drawn, "_photograph", lambda scene, rng: scene)
    for number in range(2):
        empty, photo = draw_scene(np.random.default_rng(number)), draw_photo(np.random.default_rng(number), kind)
        rows, columns = np.nonzero((np.asarray(empty) != np.asarray(photo)).any(axis=2))
        assert len(rows) > 500
        across, down = abs(columns.mean() - photo.width / 2), abs(rows.mean() - photo.height / 2)
        assert max(across, down) < 0.45 * min(photo.size)


def test_drawing_asks_no_network(monkeypatch):
    def refuse(*anything):
        raise AssertionError("something asked for the network")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    drawn._open_ground.cache_clear()
    assert all(drawn._open_ground(name).mode == "RGB" for name in drawn.GROUNDS)
    draw_photo(np.random.default_rng(0), "bees")


def test_a_failure_half_way_leaves_nothing(tmp_path, few, monkeypatch):
    drawings = iter([Image.new("RGB", (4, 3))] * 3)
    monkeypatch.setattr(drawn, "draw_photo", lambda rng, kind: next(drawings))
    with pytest.raises(StopIteration):
        drawn_folder(tmp_path / "drawn")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_in_one_sentence(tmp_path, few, monkeypatch):
    def no_space(*anything, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(drawn, "draw_photo", blank)
    monkeypatch.setattr(Image.Image, "save", no_space)
    with pytest.raises(RuntimeError, match=f"cannot write to {tmp_path} .No space left.*free some space"):
        drawn_folder(tmp_path / "drawn")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(tmp_path, few):
    (tmp_path / "file").write_text("stands where the cache folder should be")
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
