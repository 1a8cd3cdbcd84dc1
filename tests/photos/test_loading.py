"""Batches hold the photos that they should hold, however many threads or processes read them."""

import time

import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import pil_to_tensor

from tests.tiny import ENTRY, transform, write_folder, write_photo
from tlhelpers.photos import loading
from tlhelpers.photos.datasets import PhotoDataset, image_folder
from tlhelpers.photos.loading import MIN_PHOTOS_FOR_PROCESSES, make_loader, pick_workers
from tlhelpers.photos.transforms import train_transform


def test_the_loader_gives_every_photo_once_and_does_not_change_the_dataset(folder):
    """Batches come in the order of the photos; the last one is smaller."""
    train = image_folder(folder).train
    batches = list(make_loader(train, transform(), batch_size=5))
    assert [tuple(images.shape) for images, _ in batches] == [(5, 3, 16, 16), (5, 3, 16, 16), (2, 3, 16, 16)]
    assert torch.equal(torch.cat([labels for _, labels in batches]), train.labels)
    assert train.transform is None


def test_threads_change_neither_the_order_nor_the_random_numbers(folder, monkeypatch):
    """Although the first photo takes longest to read, batches are those of photos read one after the other."""
    photos, read = image_folder(folder).train, loading.open_photo

    def read_late(path):
        time.sleep(0.05 * (path == photos.paths[0]))
        return read(path)

    def batches(threads: int) -> torch.Tensor:
        monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
        torch.manual_seed(0)
        return torch.cat([images for images, _ in make_loader(photos, train_transform(ENTRY), batch_size=5)])

    monkeypatch.setattr(loading, "open_photo", read_late)
    assert batches(4).equal(batches(1))


TRANSFORMS = {
    "of validation": transform(),
    "without pixelwise steps": v2.Compose([v2.CenterCrop(12), v2.ToImage()]),
    "with a pixelwise step in the middle": v2.Compose(
        [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.CenterCrop(12), v2.Normalize([0.5], [0.1])]
    ),
    "with a step of one's own": v2.Compose([v2.CenterCrop(12), v2.Lambda(pil_to_tensor), v2.ToDtype(torch.float32)]),
    "that is a function": lambda photo: pil_to_tensor(photo)[:, :9, :9] / 255,
}


@pytest.mark.parametrize("prepare", TRANSFORMS.values(), ids=TRANSFORMS.keys())
def test_a_batch_holds_the_same_images_as_the_dataset(prepare, folder):
    """Whatever is done in threads or for the whole batch, the images are those that are prepared one by one."""
    photos = image_folder(folder).train
    images, labels = next(iter(make_loader(photos, prepare, batch_size=len(photos))))
    expected = PhotoDataset(photos.paths, photos.labels, photos.classes, prepare)
    assert images.equal(torch.stack([image for image, _ in expected])) and labels.equal(photos.labels)
    assert images.dtype == expected[0][0].dtype


def test_shuffling_follows_the_seed(folder):
    """The same seed gives the same order, and different seeds do not all give the same one."""
    train = image_folder(folder).train

    def order(seed: int) -> list[int]:
        torch.manual_seed(seed)
        return torch.cat([labels for _, labels in make_loader(train, transform(), shuffle=True)]).tolist()

    assert order(0) == order(0)
    assert len({tuple(order(seed)) for seed in range(5)}) > 1


def test_other_processes_read_the_same_batches(folder):
    """Processes are forked, and their batches are those of this process."""
    dataset = image_folder(folder).train
    alone, helped = (make_loader(dataset, transform(), batch_size=5, workers=workers) for workers in (0, 2))
    assert helped.num_workers == 2 and helped.multiprocessing_context.get_start_method() == "fork"
    for (images, labels), (others, same) in zip(alone, helped, strict=True):
        assert images.equal(others) and labels.equal(same)


def test_only_a_gpu_with_many_photos_gets_processes():
    """With few photos, or on a CPU, this process reads."""
    cpu, gpu, many = torch.device("cpu"), torch.device("cuda"), MIN_PHOTOS_FOR_PROCESSES
    assert pick_workers(many, gpu) > 0
    assert pick_workers(many - 1, gpu) == pick_workers(many, cpu) == 0


def test_the_loader_takes_the_number_of_processes_from_pick_workers(folder, monkeypatch):
    """Without the argument, the number of photos and the device decide."""
    dataset = image_folder(folder).train
    assert make_loader(dataset, transform()).num_workers == 0
    monkeypatch.setattr(loading, "pick_workers", {len(dataset): 1}.get)
    assert make_loader(dataset, transform()).num_workers == 1


def test_an_empty_batch_is_refused(folder):
    """The error names the argument."""
    with pytest.raises(ValueError, match="batch_size is 0"):
        make_loader(image_folder(folder).train, transform(), batch_size=0)


def test_a_damaged_photo_is_named_by_the_loader(folder):
    """An error in a thread arrives with the name of the file."""
    (folder / "train" / "dark" / "0.png").write_bytes(b"")
    with pytest.raises(ValueError, match="0.png cannot be read as an image"):
        next(iter(make_loader(image_folder(folder).train, transform())))


@pytest.mark.parametrize(
    ("steps", "kinds"),
    [
        ([v2.Identity()], "makes PngImageFile of photos"),
        ([v2.CenterCrop(0), v2.ToImage()], r"makes \(3, 0, 0\) of photos"),
        ([v2.ToImage()], r"makes \(3, 24, 30\) and \(3, 30, 24\) of photos"),
    ],
)
def test_a_transform_that_makes_no_batch_is_named(tmp_path, steps, kinds):
    """It has to end in tensors of one size."""
    for number, size in enumerate([(30, 24), (24, 30)]):
        write_photo(tmp_path / f"{number}.png", number, size)
    photos = PhotoDataset([tmp_path / "0.png", tmp_path / "1.png"], [0, 1], ["a", "b"])
    with pytest.raises(ValueError, match=f"the transform {kinds}; it must make tensors of one shape with pixels; end"):
        next(iter(make_loader(photos, v2.Compose(steps))))


def test_as_many_batches_come_as_are_wanted(tmp_path):
    """All are full, and every photo is taken once before any is taken again."""
    train = image_folder(write_folder(tmp_path / "set", train=5)).train
    labels = torch.cat([labels for _, labels in make_loader(train, transform(), batch_size=4, steps=7)])
    photos = PhotoDataset(train.paths, range(len(train)), train.classes)
    taken = torch.cat([numbers for _, numbers in make_loader(photos, transform(), batch_size=4, steps=7)])
    assert len(labels) == len(taken) == 28
    passes = [set(part.tolist()) for part in taken.split(len(train))]
    assert all(len(each) == len(train) for each in passes[:-1])
    assert len(make_loader(train, transform(), batch_size=100, steps=2)) == 2
    with pytest.raises(ValueError, match="steps is 0; it must be an integer of 1 or more"):
        make_loader(train, transform(), steps=0)
