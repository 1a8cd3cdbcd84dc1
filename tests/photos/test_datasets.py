"""A folder becomes a dataset with the right labels, or one sentence says what is wrong with it."""

import shutil

import pytest

from tlhelpers.photos.datasets import PhotoDataset, image_folder


def test_a_folder_becomes_labeled_photos(folder):
    """The labels are the numbers of the sub-folders in the order of their names."""
    photos = image_folder(folder)
    assert photos.classes == ["dark", "light"]
    assert photos.train.labels.tolist() == [0] * 6 + [1] * 6 and len(photos.val) == 8
    assert photos.val.counts() == {"dark": 4, "light": 4}
    labeled = zip(photos.val.paths, photos.val.labels, strict=True)
    assert all(path.parent.name == photos.classes[label] for path, label in labeled)
    image, label = photos.train[7]
    assert image.size == (30, 24) and image.mode == "RGB" and label == 1


def test_other_files_and_hidden_folders_are_ignored(folder):
    """Only files with the ending of an image count, in capital letters too."""
    (folder / "train" / "dark" / "notes.txt").write_text("no image")
    (folder / "train" / "dark" / "stray.svg").write_bytes(b"<svg>")
    (folder / "train" / ".hidden").mkdir()
    (folder / "train" / "dark" / "0.png").rename(folder / "train" / "dark" / "a space.PNG")
    assert len(image_folder(folder).train) == 12


def test_a_subset_keeps_paths_with_their_labels(folder):
    """A subset is a dataset of the photos at the given indices, in that order."""
    photos = image_folder(folder)
    part = photos.train.subset([7, 0, 11])
    assert part.labels.tolist() == [1, 0, 1] and part.paths[1] == photos.train.paths[0]
    assert isinstance(part, PhotoDataset) and part.classes == photos.classes


def empty_class(root):
    """Leave the folder of one class without photos."""
    shutil.rmtree(root / "train" / "dark")
    (root / "train" / "dark").mkdir()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (shutil.rmtree, "has no folder 'train'"),
        (lambda root: shutil.rmtree(root / "val"), "has no folder 'val'; put photos into train/CLASS/"),
        (empty_class, "train.dark holds no images; put files ending in .jpg"),
        (lambda root: shutil.rmtree(root / "train" / "dark"), "has 1 classes .'light'.; it needs two or more"),
        (lambda root: (root / "val" / "dark").rename(root / "val" / "gray"), "they must be the same"),
    ],
)
def test_an_unsuitable_folder_is_explained(folder, spoil, sentence):
    """The error names the folder, what is missing in it, and what to do."""
    spoil(folder)
    with pytest.raises(ValueError, match=sentence):
        image_folder(folder)
