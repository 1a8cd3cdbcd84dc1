"""A drawn stand-in for the photos of ants and bees, for a machine that can get no photos.

The ground is cut from the photos that scikit-image installs; the insects on it are drawn. An ant and a bee
differ in their build alone: ground, colours, light, size and number come from the same draws for both, so
that neither the ground nor the colours give the class away.
"""

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from math import pi
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from tlhelpers.files import replacing
from tlhelpers.photos.insects import (
    BODY,
    PLANT,
    Canvas,
    draw_ant,
    draw_bee,
    draw_flower,
    draw_leaf,
    draw_twig,
    ink,
    jitter,
)

COUNTS = {"train": {"ants": 123, "bees": 121}, "val": {"ants": 70, "bees": 83}}
GROUNDS = [
    "astronaut.png",
    "brick.png",
    "camera.png",
    "chelsea.png",
    "coffee.png",
    "coins.png",
    "grass.png",
    "gravel.png",
    "hubble_deep_field.jpg",
    "motorcycle_left.png",
    "motorcycle_right.png",
    "retina.jpg",
    "rocket.jpg",
]


def drawn_folder(root: Path, *, seed: int = 0) -> Path:
    """Draw ants and bees into ``root``, once: train/ants, train/bees, val/ants, val/bees.

    Parameters
    ----------
    root : Path
        Appears whole or not at all. If it exists, nothing is done.
    seed : int
        The same seed gives the same images.

    Returns
    -------
    Path
        ``root``: 123 ants and 121 bees to train with, 70 and 83 to validate with, as JPEG.

    Raises
    ------
    RuntimeError
        If the images cannot be stored.
    """
    if root.exists():
        return root
    with replacing(root) as new:
        for part, counts in COUNTS.items():
            for kind, count in counts.items():
                folder = new / part / kind
                folder.mkdir(parents=True)
                for number in range(count):
                    photo = draw_photo(photo_rng(seed, part, kind, number), kind)
                    photo.save(folder / f"{number:03}.jpg", quality=85)
    return root


def photo_rng(seed: int, part: str, kind: str, number: int) -> np.random.Generator:
    """Return the random numbers that one photo of the folder is drawn with."""
    return np.random.default_rng([seed, *map(ord, f"{part}/{kind}"), number])


def draw_photo(rng: np.random.Generator, kind: str) -> Image.Image:
    """Return one photo in RGB.

    Parameters
    ----------
    rng : np.random.Generator
        The same state gives the same photo.
    kind : str
        "ants" or "bees".

    Examples
    --------
    >>> draw_photo(np.random.default_rng(0), "ants").size
    (500, 333)
    """
    scene = draw_scene(rng)
    count = rng.choice([1, 2, 3], p=[0.75, 0.18, 0.07])
    side, tints = rng.random() < 0.35, jitter(rng, rng.permutation(BODY)[:2])
    tints[1] += rng.uniform(0, 0.5) * (tints[0] - tints[1])  # some have hardly any pattern
    for _ in range(count):
        size = min(scene.size) * rng.uniform(0.26, 0.7) / count**0.5
        canvas = Canvas(size, rng.normal(0, 0.35) if side else rng.uniform(0, 2 * pi), mirror=rng.random() < 0.5)
        {"ants": draw_ant, "bees": draw_bee}[kind](canvas, rng, tints, side)
        middle = np.array(scene.size) / 2 + rng.normal(0, 0.1 * count**0.5, 2) * min(scene.size)
        canvas.paste(scene, middle, rng)
        if rng.random() < 0.5:  # something in front
            draw = rng.choice([draw_leaf, draw_twig])
            _add_plant(scene, rng, draw, size * rng.uniform(0.2, 0.7), middle + rng.normal(0, 0.3 * size, 2))
    return _photograph(scene, rng)


def draw_scene(rng: np.random.Generator) -> Image.Image:
    """Return the ground of a photo, with leaves, twigs and flowers, before any insect sits on it."""
    scene = _cut_ground(rng)
    for _ in range(rng.integers(0, 5)):
        draw = rng.choice([draw_leaf, draw_twig, draw_flower])
        _add_plant(scene, rng, draw, min(scene.size) * rng.uniform(0.25, 0.8), rng.uniform(0, scene.size))
    return scene


def _add_plant(scene: Image.Image, rng: np.random.Generator, draw: Callable, size: float, middle: np.ndarray) -> None:
    canvas = Canvas(size, rng.uniform(0, 2 * pi))
    draw(canvas, rng)
    canvas.paste(scene, middle, rng)


def _cut_ground(rng: np.random.Generator) -> Image.Image:
    """Return a random part of a random photo, turned, tinted and enlarged to a usual photo's size."""
    shorter = int(rng.choice([333, 375, rng.integers(300, 500)], p=[0.45, 0.4, 0.15]))
    size = (500, shorter) if rng.random() < 0.85 else (shorter, 500)
    ground = _open_ground(GROUNDS[rng.integers(len(GROUNDS))])
    share = rng.uniform(0.35, 0.9)
    width, height = (int(side * share * min(ground.width / size[0], ground.height / size[1])) for side in size)
    left, top = rng.integers(0, ground.width - width + 1), rng.integers(0, ground.height - height + 1)
    part = ground.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        part = ImageOps.mirror(part)
    tint = Image.new("RGB", size, ink(jitter(rng, PLANT[rng.integers(len(PLANT))])))
    return Image.blend(part, tint, rng.uniform(0.05, 0.5)).filter(ImageFilter.GaussianBlur(rng.uniform(0, 4)))


@cache
def _open_ground(name: str) -> Image.Image:
    return Image.open(files("skimage") / "data" / name).convert("RGB")


def _photograph(scene: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the scene as a camera sees it: exposed, in the colour of the light, a little blurred, with noise."""
    scene = ImageEnhance.Contrast(scene).enhance(rng.uniform(0.6, 1.15))
    scene = scene.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.5)))
    light = rng.uniform(0.7, 1.25) * rng.uniform(0.9, 1.1, 3)  # (3,): one factor a channel
    pixels = np.asarray(scene, dtype=np.float32) * light.astype(np.float32)  # (H, W, 3)
    pixels += rng.uniform(1, 8) * rng.standard_normal(pixels.shape, dtype=np.float32)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
