"""Draw images of ants and bees, for a machine that cannot get the photos.

The backgrounds are cut from the photos that scikit-image installs, and the insects on them are drawn. Ants and bees
differ only in their shape: background, colors, light, size and number are drawn in the same way for both, so that
neither the background nor the colors tell the class.
"""

from functools import cache, partial
from importlib.resources import files
from math import pi
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from tlhelpers.kept import kept
from tlhelpers.photos.canvas import Canvas, ink, jitter
from tlhelpers.photos.insects import BODY_COLORS, draw_ant, draw_bee
from tlhelpers.photos.plants import PLANT_COLORS, Draw, draw_flower, draw_leaf, draw_twig

Counts = dict[str, dict[str, int]]  # by part and class
COUNTS: Counts = {"train": {"ants": 123, "bees": 121}, "val": {"ants": 70, "bees": 83}}  # those of the photos
BACKGROUNDS = (
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
)


def drawn_folder(root: Path, *, seed: int = 0, counts: Counts = COUNTS) -> Path:
    """Draw ants and bees as JPEG files in train/ants, train/bees, val/ants and val/bees, once.

    Parameters
    ----------
    root : Path
        The folder. It appears complete or not at all. If it exists, nothing is done. If another process is drawing
        it, this one waits.
    seed : int
        The same seed gives the same images.
    counts : dict
        How many images to draw for each class of each part.

    Returns
    -------
    Path
        ``root``.

    Raises
    ------
    RuntimeError
        If the images cannot be stored.
    """
    return kept(root, partial(_draw_folder, seed=seed, counts=counts), lambda folder: None)


def _draw_folder(root: Path, seed: int, counts: Counts) -> None:
    for part, kinds in counts.items():
        for kind, count in kinds.items():
            folder = root / part / kind
            folder.mkdir(parents=True)
            for number in range(count):
                photo = draw_photo(photo_rng(seed, part, kind, number), kind)
                photo.save(folder / f"{number:03}.jpg", quality=85)


def photo_rng(seed: int, part: str, kind: str, number: int) -> np.random.Generator:
    """Return the generator of random numbers for one image of the folder."""
    return np.random.default_rng([seed, *map(ord, f"{part}/{kind}"), number])


def draw_photo(rng: np.random.Generator, kind: str) -> Image.Image:
    """Return one image in RGB.

    Parameters
    ----------
    rng : np.random.Generator
        The same state gives the same image.
    kind : str
        "ants" or "bees".

    Examples
    --------
    >>> draw_photo(np.random.default_rng(0), "ants").size
    (500, 333)
    """
    scene = draw_scene(rng)
    count = rng.choice([1, 2, 3], p=[0.75, 0.18, 0.07])
    side, colors = rng.random() < 0.35, jitter(rng, rng.permutation(BODY_COLORS)[:2])
    colors[1] += rng.uniform(0, 0.5) * (colors[0] - colors[1])  # so that some insects have hardly any pattern
    for _ in range(count):
        size = min(scene.size) * rng.uniform(0.26, 0.7) / count**0.5
        canvas = Canvas(size, rng.normal(0, 0.35) if side else rng.uniform(0, 2 * pi), mirror=rng.random() < 0.5)
        {"ants": draw_ant, "bees": draw_bee}[kind](canvas, rng, colors, side)
        center = np.array(scene.size) / 2 + rng.normal(0, 0.1 * count**0.5, 2) * min(scene.size)
        canvas.paste(scene, center, rng)
        if rng.random() < 0.5:  # a plant in front of the insect
            draw = (draw_leaf, draw_twig)[rng.choice(2)]
            _add_plant(scene, rng, draw, size * rng.uniform(0.2, 0.7), center + rng.normal(0, 0.3 * size, 2))
    return photograph(scene, rng)


def draw_scene(rng: np.random.Generator) -> Image.Image:
    """Return the background of an image with leaves, twigs and flowers, without insects."""
    scene = cut_background(rng)
    for _ in range(rng.integers(0, 5)):
        draw = (draw_leaf, draw_twig, draw_flower)[rng.choice(3)]
        _add_plant(scene, rng, draw, min(scene.size) * rng.uniform(0.25, 0.8), rng.uniform(0, scene.size))
    return scene


def _add_plant(scene: Image.Image, rng: np.random.Generator, draw: Draw, size: float, center: np.ndarray) -> None:
    canvas = Canvas(size, rng.uniform(0, 2 * pi))
    draw(canvas, rng)
    canvas.paste(scene, center, rng)


def cut_background(rng: np.random.Generator) -> Image.Image:
    """Return a random part of a random photo, mirrored, tinted and enlarged to the usual size of a photo."""
    shorter = int(rng.choice([333, 375, int(rng.integers(300, 500))], p=[0.45, 0.4, 0.15]))
    size = (500, shorter) if rng.random() < 0.85 else (shorter, 500)
    photo = open_background(BACKGROUNDS[rng.integers(len(BACKGROUNDS))])
    share = rng.uniform(0.35, 0.9)
    width, height = (int(side * share * min(photo.width / size[0], photo.height / size[1])) for side in size)
    left, top = int(rng.integers(0, photo.width - width + 1)), int(rng.integers(0, photo.height - height + 1))
    part = photo.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        part = ImageOps.mirror(part)
    tint = Image.new("RGB", size, ink(jitter(rng, PLANT_COLORS[rng.integers(len(PLANT_COLORS))])))
    return Image.blend(part, tint, rng.uniform(0.05, 0.5)).filter(ImageFilter.GaussianBlur(rng.uniform(0, 4)))


@cache
def open_background(name: str) -> Image.Image:
    """Return one of the photos that scikit-image installs, in RGB."""
    with (files("skimage") / "data" / name).open("rb") as file:
        return Image.open(file).convert("RGB")


def photograph(scene: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Return the scene as a camera would record it: exposed, tinted by the light, slightly blurred, with noise."""
    scene = ImageEnhance.Contrast(scene).enhance(rng.uniform(0.6, 1.15))
    scene = scene.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.5)))
    light = rng.uniform(0.7, 1.25) * rng.uniform(0.9, 1.1, 3)  # (3,): one factor for each channel
    pixels = np.asarray(scene, dtype=np.float32) * light.astype(np.float32)  # (H, W, 3)
    pixels += rng.uniform(1, 8) * rng.standard_normal(pixels.shape, dtype=np.float32)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
