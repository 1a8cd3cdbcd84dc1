"""Photos in, labels right, and one sentence for every folder that will not do."""

import hashlib
import io
import shutil
import time
import zipfile

import pytest
import torch
from PIL import Image, ImageChops
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import pil_to_tensor

from tests.servers import nobody, serving
from tests.tiny import ENTRY, transform, write_folder, write_photo
from tlhelpers.photos import ants_and_bees as data
from tlhelpers.photos.ants_and_bees import ants_and_bees
from tlhelpers.photos.datasets import PhotoDataset, image_folder
from tlhelpers.photos.folds import stratified_folds
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import train_transform


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TLHELPERS_PHOTOS", raising=False)
    return tmp_path / "cache"


def test_a_folder_becomes_labelled_photos(tmp_path):
    photos = image_folder(write_folder(tmp_path / "set"))
    assert photos.classes == ["dark", "light"]
    assert photos.train.labels.tolist() == [0] * 6 + [1] * 6 and len(photos.val) == 8
    assert all(
        path.parent.name == photos.classes[label]
        for path, label in zip(photos.val.paths, photos.val.labels, strict=True)
    )
    image, label = photos.train[7]
    assert image.size == (30, 24) and image.mode == "RGB" and label == 1


def test_other_files_hidden_folders_and_case_do_not_matter(tmp_path):
    root = write_folder(tmp_path / "set")
    (root / "train" / "dark" / "notes.txt").write_text("no image")
    (root / "train" / "dark" / "stray.gif").write_bytes(b"GIF89a")
    (root / "train" / ".hidden").mkdir()
    (root / "train" / "dark" / "0.png").rename(root / "train" / "dark" / "a space.PNG")
    assert len(image_folder(root).train) == 12


def test_grey_and_transparent_photos_become_rgb(tmp_path):
    for mode in ("L", "RGBA", "P", "CMYK", "1"):
        path = tmp_path / f"{mode}.{'tif' if mode == 'CMYK' else 'png'}"
        Image.new(mode, (5, 4)).save(path)
        assert data.open_photo(path).mode == "RGB"


def test_a_photo_taken_sideways_stands_upright(tmp_path):
    image, exif = Image.new("RGB", (6, 4)), Image.Exif()
    exif[0x0112] = 6  # turn by a quarter
    image.save(tmp_path / "sideways.jpg", exif=exif)
    assert data.open_photo(tmp_path / "sideways.jpg").size == (4, 6)


@pytest.mark.parametrize(("side", "kept"), [(500, 500), (1000, 1000), (1100, 550), (4200, 525)])
def test_large_photos_are_read_at_a_fraction_of_their_size(tmp_path, side, kept):
    """Never below what is enough, and they show the same."""
    ramp = Image.linear_gradient("L").resize((side, side + 8))
    ramp.convert("RGB").save(tmp_path / "large.jpg", quality=95)
    found = data.open_photo(tmp_path / "large.jpg")
    assert found.size == (kept, kept * (side + 8) // side)
    assert ImageChops.difference(found.convert("L"), ramp.resize(found.size)).getextrema()[1] <= 4


def test_the_loader_gives_every_photo_once_and_leaves_the_dataset_alone(tmp_path):
    photos = image_folder(write_folder(tmp_path / "set"))
    batches = list(make_loader(photos.train, transform(), batch_size=5))
    assert [tuple(images.shape) for images, _ in batches] == [(5, 3, 16, 16), (5, 3, 16, 16), (2, 3, 16, 16)]
    assert torch.equal(torch.cat([labels for _, labels in batches]), photos.train.labels)
    assert photos.train.transform is None


def test_threads_that_read_leave_order_and_chance_alone(tmp_path, monkeypatch):
    """The first photo is slow to come: batches and random numbers are those of photos read one after the other."""
    photos, slow = image_folder(write_folder(tmp_path / "set")).train, data.open_photo

    def late(path):
        time.sleep(0.05 * (path == photos.paths[0]))
        return slow(path)

    def batches(threads: int) -> torch.Tensor:
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
        torch.manual_seed(0)
        return torch.cat([images for images, _ in make_loader(photos, train_transform(ENTRY), batch_size=5)])

    monkeypatch.setattr(data, "open_photo", late)
    assert batches(4).equal(batches(1))


PREPARED = (
    transform(),
    v2.Compose([v2.CenterCrop(12), v2.ToImage()]),  # nothing is left for the batch
    v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.CenterCrop(12), v2.Normalize([0.5], [0.1])]),
    v2.Compose([v2.CenterCrop(12), v2.Lambda(pil_to_tensor), v2.ToDtype(torch.float32)]),  # a step of the user's own
    lambda photo: pil_to_tensor(photo)[:, :9, :9] / 255,  # no Compose
)


@pytest.mark.parametrize("prepare", PREPARED)
def test_a_batch_is_its_photos(prepare, tmp_path):
    """Whatever is done in threads or for the whole batch, the images are those of each photo by itself."""
    photos = image_folder(write_folder(tmp_path / "set")).train
    images, labels = next(iter(make_loader(photos, prepare, batch_size=len(photos))))
    expected = PhotoDataset(photos.paths, photos.labels, photos.classes, prepare)
    assert images.equal(torch.stack([image for image, _ in expected])) and labels.equal(photos.labels)
    assert images.dtype == expected[0][0].dtype


def test_shuffling_follows_the_seed(tmp_path):
    photos = image_folder(write_folder(tmp_path / "set"))

    def order(seed: int) -> list[int]:
        torch.manual_seed(seed)
        return torch.cat([labels for _, labels in make_loader(photos.train, transform(), shuffle=True)]).tolist()

    assert order(0) == order(0)
    assert len({tuple(order(seed)) for seed in range(5)}) > 1


def test_a_gpu_does_not_wait_for_the_photos(tmp_path, monkeypatch):
    """With one, and enough photos, other processes read them, the same; with few photos, or none, this one does."""
    dataset = image_folder(write_folder(tmp_path / "set")).train
    plain = make_loader(dataset, transform(), batch_size=5)
    monkeypatch.setattr("tlhelpers.data.pick_device", lambda: torch.device("cuda"))
    assert plain.num_workers == make_loader(dataset, transform()).num_workers == 0
    monkeypatch.setattr("tlhelpers.photos.loading.MANY", len(dataset))
    helped = make_loader(dataset, transform(), batch_size=5)
    assert helped.num_workers > 0 and helped.multiprocessing_context.get_start_method() == "fork"
    for (images, labels), (others, same) in zip(plain, helped, strict=True):
        assert images.equal(others) and labels.equal(same)


def test_a_subset_keeps_paths_with_their_labels(tmp_path):
    photos = image_folder(write_folder(tmp_path / "set"))
    part = photos.train.subset([7, 0, 11])
    assert part.labels.tolist() == [1, 0, 1] and part.paths[1] == photos.train.paths[0]
    assert isinstance(part, PhotoDataset) and part.classes == photos.classes


def test_an_empty_batch_is_refused(tmp_path):
    with pytest.raises(ValueError, match="batch_size is 0"):
        make_loader(image_folder(write_folder(tmp_path / "set")).train, transform(), batch_size=0)


def empty_class(root):
    shutil.rmtree(root / "train" / "dark")
    (root / "train" / "dark").mkdir()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (shutil.rmtree, "has no folder 'train'"),
        (lambda root: shutil.rmtree(root / "val"), "has no folder 'val'"),
        (empty_class, "train.dark holds no images; put files ending in .jpg"),
        (lambda root: shutil.rmtree(root / "train" / "dark"), "has 1 classes .'light'.; it needs two or more"),
        (lambda root: (root / "val" / "dark").rename(root / "val" / "grey"), "they must be the same"),
    ],
)
def test_a_folder_that_will_not_do_is_explained(tmp_path, spoil, sentence):
    root = write_folder(tmp_path / "set")
    spoil(root)
    with pytest.raises(ValueError, match=sentence):
        image_folder(root)


@pytest.mark.parametrize("keep", [0, 30, 300])
def test_a_broken_photo_is_named(tmp_path, keep):
    """Nothing of the file, its header, or half of it: the sentence names the file and what to do."""
    root = write_folder(tmp_path / "set")
    path = root / "train" / "dark" / "0.png"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="0.png cannot be read as an image .*replace it or take it out"):
        next(iter(make_loader(image_folder(root).train, transform())))


def test_a_text_that_calls_itself_a_photo_is_named(tmp_path):
    root = write_folder(tmp_path / "set")
    (root / "val" / "light" / "letter.jpg").write_text("Dear reader")
    with pytest.raises(ValueError, match="letter.jpg cannot be read as an image"):
        list(make_loader(image_folder(root).val, transform()))


@pytest.fixture
def little_set(tmp_path, monkeypatch):
    """A small set in the role of the ants and bees."""
    root = write_folder(tmp_path / "hymenoptera_data", train=3, val=2, classes=("ants", "bees"))
    monkeypatch.setattr(data, "COUNTS", {"train": (3, 3), "val": (2, 2)})
    monkeypatch.setattr(data, "ANTS_AND_BEES_SHA256", data._fingerprint(root, image_folder(root)))
    monkeypatch.setattr(data, "ANTS_AND_BEES_URL", f"{nobody()}/hymenoptera_data.zip")
    return root


def zipped(root) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in root.rglob("*.*"):
            archive.write(path, path.relative_to(root.parent))
        archive.writestr("hymenoptera_data/train/ants/imageNotFound.gif", b"GIF89a")
    return buffer.getvalue()


def test_photos_come_from_the_folder_that_is_named(little_set, monkeypatch, capsys):
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(little_set))
    photos = ants_and_bees()
    assert photos.source == "photos" and photos.train.paths[0].is_relative_to(little_set)
    assert capsys.readouterr().out == "Ants and bees: 6 photos to train with, 4 to validate with.\n"


def test_photos_come_from_the_zip_once_and_then_from_the_cache(little_set, monkeypatch, cache):
    with serving({"/set.zip": zipped(little_set)}) as host:
        monkeypatch.setattr(data, "ANTS_AND_BEES_URL", f"{host}/set.zip")
        assert ants_and_bees("photos").source == "photos"
    assert len(ants_and_bees("photos").train) == 6
    assert [path.name for path in (cache / "photos").iterdir()] == ["hymenoptera_data"]


@pytest.mark.parametrize("content", [b"no zip", b""])
def test_a_zip_of_something_else_is_refused_and_not_kept(little_set, monkeypatch, cache, content):
    if not content:
        write_photo(little_set / "train" / "ants" / "0.png", seed=77)
        content = zipped(little_set)
    with serving({"/set.zip": content}) as host:
        monkeypatch.setattr(data, "ANTS_AND_BEES_URL", f"{host}/set.zip")
        with pytest.raises(RuntimeError, match="did not give the ants and bees"):
            ants_and_bees("photos")
    assert not list((cache / "photos").iterdir())


def test_without_photos_auto_draws_and_says_so(little_set, monkeypatch, capsys):
    monkeypatch.setattr(data, "drawn_folder", lambda root: write_folder(root, classes=("ants", "bees")))
    photos = ants_and_bees()
    assert photos.source == "drawn" and photos.classes == ["ants", "bees"]
    assert "DRAWN and not photographed" in capsys.readouterr().out


def test_photos_never_fall_back_to_drawings(little_set):
    with pytest.raises(RuntimeError, match="cannot be reached"):
        ants_and_bees("photos")


def test_a_named_folder_that_is_not_the_set_is_an_error_and_no_drawing(little_set, monkeypatch):
    (little_set / "val" / "bees" / "0.png").unlink()
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(little_set))
    with pytest.raises(ValueError, match="val holds .2, 1. photos a class instead of .2, 2."):
        ants_and_bees()


def test_changed_photos_are_noticed(little_set, monkeypatch):
    write_photo(little_set / "train" / "ants" / "0.png", seed=77)
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(little_set))
    with pytest.raises(ValueError, match="not the right ones"):
        ants_and_bees()


def test_an_unknown_source_lists_the_sources():
    with pytest.raises(ValueError, match="source is 'web'; it must be 'auto', 'photos' or 'drawn'"):
        ants_and_bees("web")


def test_the_pinned_hash_is_one():
    assert len(bytes.fromhex(data.ANTS_AND_BEES_SHA256)) == hashlib.sha256().digest_size


def test_folds_judge_every_photo_once(tmp_path):
    """No photo trains and judges in the same fold, every one judges once, and classes keep their shares."""
    dataset = image_folder(write_folder(tmp_path / "set", train=10)).train
    folds = stratified_folds(dataset, 5)
    judged = [path for _, val in folds for path in val.paths]
    assert sorted(judged) == sorted(dataset.paths)
    for train, val in folds:
        assert not set(train.paths) & set(val.paths) and len(train) + len(val) == len(dataset)
        assert val.labels.bincount().tolist() == [2, 2] and val.classes == dataset.classes
    assert [val.paths for _, val in stratified_folds(dataset, 5)] == [val.paths for _, val in folds]
    assert [val.paths for _, val in stratified_folds(dataset, 5, seed=1)] != [val.paths for _, val in folds]


def test_folds_that_cannot_be_are_refused(tmp_path):
    """A class with too few photos is named, with their number; one fold is none."""
    dataset = image_folder(write_folder(tmp_path / "set", train=6)).train
    single = dataset.subset([0, 1, 2, 3, 4, 5, 6])
    with pytest.raises(ValueError, match="class 'light' has 1 photos, too few for 5 folds; add some"):
        stratified_folds(single)
    with pytest.raises(ValueError, match="count is 1; there must be 2 or more folds"):
        stratified_folds(dataset, 1)
