"""Split photos into folds for cross-validation."""

from tlhelpers.arguments import check_whole
from tlhelpers.photos.datasets import PhotoDataset, check_photos


def stratified_folds(
    dataset: PhotoDataset, count: int = 5, *, seed: int = 0
) -> list[tuple[PhotoDataset, PhotoDataset]]:
    """Split photos into folds, each with the same share of every class.

    Each photo is in the validation part of exactly one fold, so a network that was not trained on it judges it once.

    Parameters
    ----------
    dataset : PhotoDataset
        The photos for training; those of the test set must not be among them.
    count : int
        The number of folds.
    seed : int
        The seed of the shuffling.

    Returns
    -------
    list of (PhotoDataset, PhotoDataset)
        The training part and the validation part of each fold.

    Raises
    ------
    ValueError
        If there are fewer than two folds, or a class has fewer photos than there are folds.
    """
    from sklearn.model_selection import StratifiedKFold

    check_photos(dataset, "dataset")
    check_whole(2, count=count)
    for name, photos in dataset.counts().items():
        if photos < count:
            raise ValueError(
                f"class {name!r} has {photos} photos; it must have {count} or more, one for each fold; add photos or "
                "use fewer folds"
            )
    splits = StratifiedKFold(count, shuffle=True, random_state=seed).split(dataset.labels, dataset.labels)
    return [(dataset.subset(train), dataset.subset(val)) for train, val in splits]
