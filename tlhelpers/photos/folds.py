"""Photos: ants and bees, or any folder with one sub-folder a class; splits and loaders."""

from tlhelpers.photos.datasets import PhotoDataset


def stratified_folds(
    dataset: PhotoDataset, count: int = 5, *, seed: int = 0
) -> list[tuple[PhotoDataset, PhotoDataset]]:
    """Divide photos for cross-validation: every photo is judged once, by a network that was not trained on it.

    Parameters
    ----------
    dataset : PhotoDataset
        Photos to train with; those of the test stay out of it.
    count : int
        Of the folds. Each has as large a share of every class as the whole.
    seed : int
        Of the shuffling.

    Returns
    -------
    list of (PhotoDataset, PhotoDataset)
        For each fold the photos to train with, and those to judge with.

    Raises
    ------
    ValueError
        If there are fewer than two folds, or a class has fewer photos than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold

    if count < 2:
        raise ValueError(f"count is {count}; there must be 2 or more folds")
    for name, photos in zip(dataset.classes, dataset.labels.bincount(minlength=len(dataset.classes)), strict=True):
        if photos < count:
            raise ValueError(
                f"class {name!r} has {photos} photos, too few for {count} folds; add some or take fewer folds"
            )
    splits = StratifiedKFold(count, shuffle=True, random_state=seed).split(dataset.labels, dataset.labels)
    return [(dataset.subset(train), dataset.subset(judged)) for train, judged in splits]
