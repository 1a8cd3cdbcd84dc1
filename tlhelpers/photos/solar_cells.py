"""Solar cells in electroluminescence: real photos, far from those of ImageNet, that come with pip."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from tlhelpers.photos.datasets import PhotoDataset, Photos

CLASSES = ["functional", "defective"]
# The cells of a module have neighboring numbers, and all cells of a module are of one kind. So the rows of the table
# are runs of one kind; these are the modules in each run, 18 mono and 26 poly, as the authors say.
MODULES = (1, 5, 3, 6, 12, 9, 1, 3, 1, 3)
AGAIN = "install it again: pip install --force-reinstall --no-deps elpv-dataset"
PARTS = ("train", "val", "test", "train", "train", "test")  # of the modules of one kind, in turns


@dataclass(frozen=True)
class SolarCells(Photos):
    """Photos for training, validation and test, and those whose class the experts doubted.

    Parameters
    ----------
    test : PhotoDataset
    doubtful : PhotoDataset
        With the class that is more probable. ``about["part"]`` names the part that their module belongs to.
    """

    test: PhotoDataset
    doubtful: PhotoDataset


@dataclass(frozen=True)
class Cell:
    """A row of the table of the cells."""

    path: Path
    probability: float
    kind: str
    module: int
    part: str


def solar_cells(folder: str | Path | None = None) -> SolarCells:
    """Return photos of solar cells, functional and defective, in three parts, and print one line about them.

    A current makes a solar cell glow in the infrared; cracks and broken contacts stay dark. Experts judged each of the
    2,624 cells; ``about["probability"]`` is the probability that it is defective: 0, 1/3, 2/3 or 1. The parts hold the
    cells with 0 (functional) and 1 (defective). ``about["kind"]`` is "mono" or "poly": made of one crystal or of many;
    ``about["module"]`` is the number of the module that the cell was cut from, as far as the order of the photos tells.

    All cells of a module are in one part, because cells of one module look alike, and a network that was trained on
    some of them would be judged too well on the others.

    Source: S. Deitsch et al., "Automatic classification of defective photovoltaic module cells in electroluminescence
    images", Solar Energy 185, 2019. The photos come with the package ``elpv-dataset``; their license is CC BY-NC-SA
    4.0, which forbids commercial use.

    Parameters
    ----------
    folder : str or Path, optional
        The folder with ``labels.csv`` and ``images``, if it is not that of the package.

    Returns
    -------
    SolarCells

    Raises
    ------
    RuntimeError
        If the package is not installed, or photos are missing in it.
    """
    root = Path(folder) if folder else folder_of_package()
    cells = read_table(root)
    certain = [cell for cell in cells if cell.probability in (0, 1)]
    parts = {part: _dataset([cell for cell in certain if cell.part == part]) for part in ("train", "val", "test")}
    found = SolarCells(**parts, doubtful=_dataset([cell for cell in cells if cell not in certain]))
    print(
        f"Solar cells: {len(found.train)} photos to train with, {len(found.val)} to validate with and "
        f"{len(found.test)} to test with; {len(found.doubtful)} doubtful ones apart (Deitsch et al. 2019, CC BY-NC-SA)."
    )
    return found


def folder_of_package() -> Path:
    """Return the folder with the table and the photos of the package; raise RuntimeError if it is not installed."""
    try:
        return Path(str(files("elpv_dataset"))) / "data"
    except ModuleNotFoundError as error:
        raise RuntimeError(
            "the solar cells come with the package elpv-dataset, which is not installed; install it: "
            "pip install elpv-dataset"
        ) from error


def read_table(root: Path) -> list[Cell]:
    """Return the cells of the table, each with the part that its module belongs to."""
    try:
        lines = (root / "labels.csv").read_text(encoding="utf-8").splitlines()
        rows = [(root / path, float(probability), kind) for path, probability, kind in map(str.split, lines)]
    except (OSError, ValueError) as error:
        raise RuntimeError(f"{root / 'labels.csv'} is not the table of the solar cells ({error}); {AGAIN}") from error
    runs = [(kind, len(list(run))) for kind, run in groupby(kind for _, _, kind in rows)]
    if len(runs) != len(MODULES):
        raise RuntimeError(f"{root / 'labels.csv'} does not have the rows of the solar cells; {AGAIN}")
    missing = [path.name for path, _, _ in rows if not path.is_file()]
    if missing:
        raise RuntimeError(f"{len(missing)} photos are missing in {root}, such as {missing[0]}; {AGAIN}")
    return [Cell(*row, *place) for row, place in zip(rows, _places(runs), strict=True)]


def _places(runs: list[tuple[str, int]]) -> Iterator[tuple[int, str]]:
    """Yield module and part of each row of the table, which has runs of one kind; modules of a run are equally long."""
    done = dict.fromkeys((kind for kind, _ in runs), 0)  # modules of each kind
    for (kind, length), modules in zip(runs, MODULES, strict=True):
        before = sum(done.values())
        for row in range(length):
            module = row * modules // length
            yield before + module, PARTS[(done[kind] + module) % len(PARTS)]
        done[kind] += modules


def _dataset(cells: list[Cell]) -> PhotoDataset:
    about = {name: [getattr(cell, name) for cell in cells] for name in ("kind", "probability", "module", "part")}
    return PhotoDataset(
        [cell.path for cell in cells], [round(cell.probability) for cell in cells], CLASSES, about=about
    )
