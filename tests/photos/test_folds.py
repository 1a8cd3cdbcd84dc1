"""Folds for cross-validation: each photo is judged once, and classes keep their shares."""

import pytest

from tests.tiny import write_folder
from tlhelpers.photos.datasets import image_folder
from tlhelpers.photos.folds import stratified_folds


def test_every_photo_is_judged_once(tmp_path):
    """No photo is in both parts of a fold, each is in one validation part, and the seed decides which."""
    dataset = image_folder(write_folder(tmp_path / "set", train=10)).train
    folds = stratified_folds(dataset, 5)
    judged = [path for _, val in folds for path in val.paths]
    assert sorted(judged) == sorted(dataset.paths)
    for train, val in folds:
        assert not set(train.paths) & set(val.paths) and len(train) + len(val) == len(dataset)
        assert val.labels.bincount().tolist() == [2, 2] and val.classes == dataset.classes
    assert [val.paths for _, val in stratified_folds(dataset, 5)] == [val.paths for _, val in folds]
    assert [val.paths for _, val in stratified_folds(dataset, 5, seed=1)] != [val.paths for _, val in folds]


def test_impossible_folds_are_refused(folder):
    """A class with too few photos is named, with their number; a single fold is refused."""
    dataset = image_folder(folder).train
    with pytest.raises(ValueError, match="class 'light' has 1 photos; it must have 5 or more"):
        stratified_folds(dataset.subset([0, 1, 2, 3, 4, 5, 6]))
    with pytest.raises(ValueError, match="count is 1; it must be an integer of 2 or more"):
        stratified_folds(dataset, 1)
