"""The photos that the notebooks teach with: ants and bees, or solar cells where those cannot be had."""

from tlhelpers.photos.ants_and_bees import TUTORIAL, PhotoSet, obtain
from tlhelpers.photos.datasets import Photos
from tlhelpers.photos.solar_cells import solar_cells


def tutorial_photos(*, photo_set: PhotoSet = TUTORIAL) -> Photos:
    """Return the ants and bees, or the solar cells if the ants and bees are not available; a line says which.

    The texts of the notebooks quote the numbers of the ants and bees.

    Parameters
    ----------
    photo_set : PhotoSet
        Where the ants and bees are, and how to recognize them.

    Returns
    -------
    Photos

    Raises
    ------
    ValueError
        If ``TLHELPERS_PHOTOS`` names a folder that does not hold the ants and bees.
    RuntimeError
        If the solar cells are not available either.
    """
    try:
        return obtain(photo_set)
    except RuntimeError as error:
        return _solar_cells_because(error)


def _solar_cells_because(reason: RuntimeError) -> Photos:
    """Return the solar cells, and say why they take the place of the ants and bees."""
    try:
        photos = solar_cells()
    except RuntimeError as error:
        raise RuntimeError(
            f"there are neither ants and bees ({reason}; try another network, or let TLHELPERS_PHOTOS name a folder "
            f"that holds them) nor solar cells ({error})"
        ) from error
    print(
        f"Solar cells take the place of the ants and bees, which are not available ({reason}); numbers in the text are "
        "those of the ants and bees."
    )
    return photos
