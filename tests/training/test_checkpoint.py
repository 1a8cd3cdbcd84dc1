"""A training that was stopped goes on as if it had not been, and a checkpoint of another training is refused."""

import copy
import random
import signal
import subprocess
import sys
from functools import partial
from itertools import combinations
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.optim import lr_scheduler as schedules
from torch.utils.data import DataLoader, Subset, TensorDataset
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from tests.tiny import ENTRY, TinyNet, transform, write_folder, write_photo
from tlhelpers.network.resnet import ResNet50
from tlhelpers.photos.datasets import Photos, image_folder
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import train_transform
from tlhelpers.training.checkpoint import load_checkpoint, save_checkpoint
from tlhelpers.training.fitting import fit
from tlhelpers.training.functions import functions_in, hash_functions
from tlhelpers.training.loop import evaluate
from tlhelpers.training.settings import describe_training


@pytest.fixture
def photos(tmp_path):
    return image_folder(write_folder(tmp_path / "set", train=8))


def one_cycle(optimizer, epochs, steps, rate):
    return schedules.OneCycleLR(optimizer, rate, epochs=epochs, steps_per_epoch=steps)


def a_training(photos, epochs, folder, *, seed=3, batch_size=6, rate=0.1, decay=0.0, schedule=one_cycle, **options):
    """Train with all that has a state: shuffling, augmentation, momentum, a schedule."""
    torch.manual_seed(seed)
    model = options.pop("model", None) or TinyNet()
    train = make_loader(photos.train, train_transform(ENTRY), batch_size=batch_size, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9, weight_decay=decay)
    schedule = schedule(optimizer, options.pop("planned", 6), len(train), rate)
    val = make_loader(photos.val, transform())
    return model, fit(model, train, val, optimizer, epochs=epochs, schedule=schedule, folder=folder, **options)


def without_seconds(history):
    return [(r.epoch, r.train_loss, r.train_accuracy, r.val_loss, r.val_accuracy) for r in history]


def assert_same(model, other):
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_three_epochs_and_three_more_are_six(photos, tmp_path):
    """A run continued from its folder has the numbers and the weights of a run in one go, to the last bit."""
    whole, history = a_training(photos, 6, tmp_path / "whole")
    a_training(photos, 3, tmp_path / "halves")
    halves, continued = a_training(photos, 6, tmp_path / "halves")
    assert without_seconds(continued) == without_seconds(history)
    assert_same(halves, whole)


RUN = """
import os, signal, sys
from pathlib import Path
import torch
import tlhelpers.training.loop
from tests.training.test_checkpoint import a_training
from tlhelpers.machine import pick_device
from tlhelpers.precision import keep_dtype
from tlhelpers.photos.datasets import image_folder

torch.set_num_threads(2)
photos, folder, deadly = image_folder(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
keep_dtype(pick_device(), getattr(torch, sys.argv[4]))  # as if this process had measured it to be faster
plain, count = tlhelpers.training.loop.check_labels, [0]

def checked(*arguments):  # called once in every batch, and once after every evaluation
    count[0] += 1
    if count[0] == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    plain(*arguments)

tlhelpers.training.loop.check_labels = checked
model, _ = a_training(photos, 6, folder)
torch.save(model.state_dict(), folder / "end.pth")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize(
    ("deadly", "began", "faster_later"),  # killed in the middle of the third epoch, or in the fourth's first batch
    [(10, "bfloat16", "float32"), (13, "float32", "bfloat16")],
)
def test_a_killed_run_goes_on_bit_for_bit(photos, tmp_path, deadly, began, faster_later):
    """Killed in an epoch and started again in a fresh process, it ends with the weights of an undisturbed run.

    The fresh process would choose another precision by itself: it was timed while the machine had more to do.
    """

    def run(folder, deadly, dtype):
        command = [sys.executable, "-c", RUN, str(tmp_path / "set"), str(folder), str(deadly), dtype]
        return subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)

    assert run(tmp_path / "killed", deadly, began).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "end.pth").exists() and (tmp_path / "killed" / "last.pt").exists()
    for name, dtype in (("killed", faster_later), ("whole", began)):
        done = run(tmp_path / name, 0, dtype)
        assert done.returncode == 0, done.stderr[-2000:]
    ends = [torch.load(tmp_path / name / "end.pth", weights_only=True) for name in ("killed", "whole")]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[1])


def test_the_best_epoch_is_kept(photos, tmp_path):
    """best.pt has the weights of the epoch with the lowest validation loss, last.pt those of the last one."""
    model, history = a_training(photos, 6, tmp_path / "run")
    losses = {}
    for name in ("best", "last"):
        other = TinyNet()
        epochs = load_checkpoint(tmp_path / "run" / f"{name}.pt", other)
        losses[name] = evaluate(other, make_loader(photos.val, transform())).loss
        assert losses[name] == epochs[-1]["val_loss"]
    assert losses["best"] == min(result.val_loss for result in history)
    assert losses["last"] == history[-1].val_loss
    assert_same(other, model)


def test_a_finished_run_is_not_trained_again(photos, tmp_path):
    """A cell that is run twice gives the same history at once, and the weights of the first time."""
    model, history = a_training(photos, 2, tmp_path / "run")
    again, same = a_training(photos, 2, tmp_path / "run")
    assert same == history  # seconds included
    assert_same(again, model)


DIFFERENT = {
    "rate": ({"rate": 0.2}, r"learning rate 0.004.*, and now it is 0.008"),
    "decay": ({"decay": 0.1}, "optimizer settings weight_decay=0.0, and now it is weight_decay=0.1"),
    "schedule": ({"schedule": lambda o, *_: schedules.ConstantLR(o)}, "schedule OneCycleLR, and now it is ConstantLR"),
    "no schedule": ({"schedule": lambda *_: None}, "schedule OneCycleLR, and now it is none"),
    "shape of the schedule": ({"planned": 7}, "schedule settings total_steps=18, and now it is total_steps=21"),
    "batch size": ({"batch_size": 8}, "batch size 6, and now it is 8"),
    "seed": ({"seed": 4}, "seed 3, and now it is 4"),
    "label smoothing": ({"label_smoothing": 0.1}, "label smoothing 0.0, and now it is 0.1"),
    "accumulate": ({"accumulate": 2}, "accumulate 1, and now it is 2"),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_a_training_with_another_setting_is_not_resumed(name, photos, tmp_path):
    """The message names the setting, both values and both ways out, and nothing in the folder changes."""
    options, sentence = DIFFERENT[name]
    a_training(photos, 2, tmp_path / "run")
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(ValueError, match=f"last.pt belongs to .*{sentence}; train in a new folder.*new settings"):
        a_training(photos, 2, tmp_path / "run", **({"planned": 6} | options))
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def freeze_conv(model):
    model.conv1.weight.requires_grad = False
    return model


def test_other_photos_and_other_trained_layers_are_noticed(photos, tmp_path):
    """A photo more, a photo that was replaced, another label, another layer that is trained."""
    a_training(photos, 1, tmp_path / "run")
    fewer = Photos(photos.train.subset(range(1, 16)), photos.val, None)
    swapped = Photos(photos.train.subset([1, 0, *range(2, 16)]), photos.val, None)
    judged = Photos(photos.train, photos.val.subset([0, 5]), None)
    for other, part in ((fewer, "training"), (swapped, "training"), (judged, "validation")):
        with pytest.raises(ValueError, match=rf"with {part} photos \d+ photos \(\w+\), and now it is \d+ photos"):
            a_training(other, 1, tmp_path / "run", batch_size=6)
    write_photo(photos.train.paths[3], seed=8, size=(31, 24))
    with pytest.raises(ValueError, match="with training photos"):
        a_training(photos, 1, tmp_path / "run")
    with pytest.raises(ValueError, match="with trained parameters 5 tensors"):
        a_training(photos, 1, tmp_path / "run", model=freeze_conv(TinyNet()))


def in_memory(shift):
    """Return a loader of values in memory, as ``keep_below`` makes one."""
    images = torch.randn(12, 3, 16, 16, generator=torch.Generator().manual_seed(0)) + shift
    return DataLoader(TensorDataset(images, torch.arange(12) % 2), 4)


def image_folder_of_torchvision(name, size):
    write_photo(Path(name) / "dark" / "0.png", 0, size)
    write_photo(Path(name) / "light" / "1.png", 1)
    return DataLoader(ImageFolder(name, transform()), 2)


def test_other_photos_are_noticed_whatever_holds_them(tmp_path):
    """Values in memory, a folder of torchvision; and another transform for validation."""

    def a_training_of(loader, name, val_loader=None):
        torch.manual_seed(0)
        model = TinyNet()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        fit(model, loader, val_loader or loader, optimizer, epochs=1, folder=tmp_path / name)

    folders = [image_folder_of_torchvision(tmp_path / "a" / "t", (30, 24))]
    folders.append(image_folder_of_torchvision(tmp_path / "b" / "t", (31, 24)))
    for name, (one, other) in {"memory": (in_memory(0), in_memory(9)), "folder": folders}.items():
        a_training_of(one, name)
        a_training_of(one, name)
        with pytest.raises(ValueError, match="belongs to a training with training photos"):
            a_training_of(other, name)
    judged = DataLoader(ImageFolder(tmp_path / "a" / "t", train_transform(ENTRY)), 2)
    with pytest.raises(ValueError, match="belongs to a training with validation transform"):
        a_training_of(folders[0], "folder", judged)


def test_with_new_settings_the_weights_are_continued_alone(photos, tmp_path, capsys):
    """Epochs count from 1, the optimizer is new, and the earlier checkpoints are kept; asked again, it is resumed."""
    first, _ = a_training(photos, 2, tmp_path / "run", seed=3)
    old = (tmp_path / "run" / "last.pt").read_bytes()
    options = {"rate": 0.01, "resume": "with new settings"}
    second, history = a_training(photos, 1, tmp_path / "run", model=TinyNet(), **options)
    assert [result.epoch for result in history] == [1] and "earlier-1" in capsys.readouterr().out
    assert (tmp_path / "run" / "earlier-1" / "last.pt").read_bytes() == old
    alone, expected = a_training(photos, 1, None, model=copy.deepcopy(first), rate=0.01)
    assert without_seconds(history) == without_seconds(expected)
    assert_same(second, alone)
    assert a_training(photos, 1, tmp_path / "run", **options)[1] == history
    a_training(photos, 1, tmp_path / "run", rate=0.02, resume="with new settings")
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [
        "best.pt",
        "earlier-1",
        "earlier-2",
        "last.pt",
    ]
    with pytest.raises(ValueError, match="resume is 'yes'; it must be 'with the same settings' or 'with new settings'"):
        a_training(photos, 1, tmp_path / "run", resume="yes")


@pytest.mark.parametrize("number", [np.float64, np.float32, torch.tensor])
def test_numbers_of_numpy_and_torch_do_not_make_a_checkpoint_unreadable(number, photos, tmp_path):
    """A training with a rate of np.logspace is resumed; a history and classes of any such kind come back plain."""
    options = {"schedule": lambda *_: None, "rate": number(0.1)}
    a_training(photos, 1, tmp_path / "run", **options)
    assert len(a_training(photos, 2, tmp_path / "run", **options)[1]) == 2
    model, path = TinyNet(), tmp_path / "a.pt"
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    save_checkpoint(path, model, optimizer, history=[{"loss": number(0.5)}], classes=("ant", "bee"))
    assert load_checkpoint(path, model, classes=["ant", "bee"]) == [{"loss": 0.5}]


SCHEDULES = {
    "one cycle": one_cycle,
    "cosine": lambda optimizer, epochs, steps, rate: schedules.CosineAnnealingLR(optimizer, epochs * steps),
    "linear": lambda optimizer, epochs, steps, rate: schedules.LinearLR(optimizer, 1, 0.1, epochs * steps),
    "steps": lambda optimizer, epochs, steps, rate: schedules.StepLR(optimizer, steps * epochs // 2),
    "function": lambda optimizer, epochs, steps, rate: schedules.LambdaLR(optimizer, lambda i: 1 - i / epochs / steps),
    "warm-up": lambda optimizer, epochs, steps, rate: schedules.SequentialLR(
        optimizer,
        [schedules.LinearLR(optimizer, 0.1, 1, steps), schedules.CosineAnnealingLR(optimizer, (epochs - 1) * steps)],
        [steps],
    ),
    "restarts": lambda optimizer, epochs, steps, rate: schedules.CosineAnnealingWarmRestarts(optimizer, steps),
    "chained": lambda optimizer, epochs, steps, rate: schedules.ChainedScheduler(
        [schedules.LinearLR(optimizer, 0.1, 1, steps), schedules.ExponentialLR(optimizer, 0.9)], optimizer
    ),
    "none": lambda *_: None,
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_more_epochs_than_at_first_follow_the_longer_schedule(name, photos, tmp_path):
    """The rate after four epochs is that of the schedule for four, and an untouched run of the same length agrees."""
    options = {"schedule": SCHEDULES[name]}
    a_training(photos, 2, tmp_path / "run", planned=2, **options)
    _, history = a_training(photos, 4, tmp_path / "run", planned=4, **options)
    assert [result.epoch for result in history] == [1, 2, 3, 4]
    a_training(photos, 4, tmp_path / "whole", planned=4, **options)
    states = [torch.load(tmp_path / run / "last.pt", weights_only=True) for run in ("run", "whole")]
    assert states[0]["steps"] == states[1]["steps"] and states[0]["settings"] == states[1]["settings"]


@pytest.mark.parametrize("name", [name for name in SCHEDULES if name != "none"])
def test_a_schedule_is_resumed_bit_for_bit(name, photos, tmp_path):
    """Stopped after one of three epochs, it ends with the weights of a run in one go."""
    options = {"schedule": SCHEDULES[name], "planned": 3}
    whole, _ = a_training(photos, 3, None, **options)
    a_training(photos, 1, tmp_path / "run", **options)
    resumed, _ = a_training(photos, 3, tmp_path / "run", **options)
    assert_same(resumed, whole)


def test_fewer_epochs_than_there_are_train_nothing_and_say_so(photos, tmp_path, capsys):
    """All epochs come back, and one line says how many there are."""
    _, history = a_training(photos, 2, tmp_path / "run")
    assert a_training(photos, 1, tmp_path / "run")[1] == history
    assert "has 2 epochs already" in capsys.readouterr().out


class Stop(nn.Module):
    """Interrupts the training in one of its forward passes."""

    def __init__(self, after, error=None):
        super().__init__()
        torch.manual_seed(0)
        self.net, self.left, self.error = TinyNet(), after, error

    def forward(self, images):
        self.left -= 1
        if self.left == 0:
            raise self.error
        return self.net(images)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (KeyboardInterrupt(), "stopped in epoch 2; the model can be used .*last.pt holds the epochs .*same call"),
        (torch.OutOfMemoryError("CUDA out of memory"), "memory for batches of 6 photos.*batch_size=3.*epoch 2; .*last"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "batches of 6 .*batch_size=3.*epoch 2"),
        (MemoryError(), "not enough memory for batches of 6 photos; make the loader with batch_size=3"),
        (RuntimeError("something else"), "^something else .in epoch 2; .*last.pt holds the epochs before it"),
    ],
)
def test_what_stops_a_training_says_where_and_what_is_left(error, sentence, photos, tmp_path):
    """The epoch, the checkpoint, the way out; the same call then goes on to the numbers of an undisturbed run."""
    with pytest.raises(type(error) if isinstance(error, KeyboardInterrupt) else RuntimeError, match=sentence):
        a_training(photos, 2, tmp_path / "run", model=Stop(7, error))
    whole, _ = a_training(photos, 2, None, model=Stop(-1))
    again, _ = a_training(photos, 2, tmp_path / "run", model=Stop(-1))
    assert_same(again, whole)


def test_a_loss_that_is_not_finite_names_step_rate_and_checkpoint(photos, tmp_path):
    """What to lower, and what is left."""
    constant = {"schedule": lambda *_: None}
    a_training(photos, 1, tmp_path / "run", **constant)
    broken = TinyNet()
    nn.init.constant_(broken.fc.weight, float("inf"))
    with pytest.raises(
        RuntimeError, match=r"became nan in step 1, at a learning rate of 0.1; .*epoch 1; no checkpoint"
    ):
        a_training(photos, 1, tmp_path / "other", model=broken, **constant)


def test_patience_ends_a_run(photos, tmp_path):
    """It ends after so many epochs without a lower validation loss, and stays ended when it is asked to go on."""
    _, history = a_training(photos, 6, None, rate=2.0)
    losses = [result.val_loss for result in history]
    worse = next(epoch for epoch in range(1, 6) if losses[epoch] > min(losses[:epoch]))
    _, stopped = a_training(photos, 6, tmp_path / "run", patience=1, rate=2.0)
    assert without_seconds(stopped) == without_seconds(history[: worse + 1])
    _, again = a_training(photos, 6, tmp_path / "run", patience=1, rate=2.0)
    assert again == stopped


def test_all_random_states_come_back(tmp_path):
    """Python's, numpy's and torch's numbers after loading are those after saving."""
    model = TinyNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    np.random.standard_normal()  # numpy keeps a second number of the pair for later
    save_checkpoint(tmp_path / "a.pt", model, optimizer)
    draws = []
    for _ in range(2):
        load_checkpoint(tmp_path / "a.pt", model, optimizer)
        draws.append((random.random(), np.random.standard_normal(), torch.rand(1).item()))
    assert draws[0] == draws[1]


def test_another_number_of_threads_is_said(tmp_path, capsys):
    """Sums are divided otherwise among other threads: the last digits differ, and the reader is told."""
    model = TinyNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    threads = torch.get_num_threads()
    save_checkpoint(tmp_path / "a.pt", model, optimizer)
    load_checkpoint(tmp_path / "a.pt", model, optimizer)
    assert capsys.readouterr().out == ""
    torch.set_num_threads(threads + 1)
    try:
        load_checkpoint(tmp_path / "a.pt", model, optimizer)
    finally:
        torch.set_num_threads(threads)
    assert f"number of threads was {threads} and is {threads + 1} now" in capsys.readouterr().out


def adam(model):
    return torch.optim.AdamW([{"params": model.fc.parameters()}, {"params": model.conv1.parameters()}])


def falls_to(share):
    """Return a schedule with a function that keeps a number from outside."""
    return lambda optimizer, *_: schedules.LambdaLR(optimizer, lambda step: share**step)


def test_another_function_of_the_learning_rate_is_another_training(photos, tmp_path):
    """Also one of the same code that uses another number; the same function continues."""
    _, history = a_training(photos, 1, tmp_path / "run", planned=1, schedule=falls_to(0.9))
    with pytest.raises(ValueError, match="a training with schedule settings functions=.*, and now it is functions="):
        a_training(photos, 1, tmp_path / "run", planned=1, schedule=falls_to(0.8))
    assert a_training(photos, 1, tmp_path / "run", planned=1, schedule=falls_to(0.9))[1] == history


def half(step):
    return 0.5**step


def tenth(step):
    return 0.1**step


class Falling:
    """Has a method that can be a schedule."""

    def rate(self, step):
        return 0.7**step


def test_functions_are_told_apart_without_their_addresses():
    """A function inside of a partial counts by its code, and so does a method."""
    inner = [partial(map, function) for function in (half, tenth)]
    assert hash_functions(inner[:1]) != hash_functions(inner[1:])
    copied = FunctionType(half.__code__, half.__globals__)  # at another address, as in another process
    assert hash_functions([partial(map, copied)]) == hash_functions(inner[:1])
    assert list(functions_in([Falling().rate])) and hash_functions([Falling().rate]) == hash_functions([Falling.rate])


def test_a_history_of_another_program_is_refused(photos, tmp_path):
    """Fit would not know what its numbers mean."""
    a_training(photos, 1, tmp_path / "run")
    content = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    torch.save(content | {"history": [{"loss": 0.1}]}, tmp_path / "run" / "last.pt")
    with pytest.raises(ValueError, match="last.pt has a history with loss instead of epoch, train_loss"):
        a_training(photos, 2, tmp_path / "run")


def test_a_head_of_several_layers_is_saved_with_the_stride(tmp_path):
    """It is loaded into a network that has such a head; one with another stride is refused."""
    model = ResNet50(2)
    model.fc = nn.Sequential(nn.Dropout(0.5), nn.Linear(2048, 2))
    save_checkpoint(tmp_path / "a.pt", model, torch.optim.SGD(model.parameters(), lr=0.1), classes=["a", "b"])
    other = ResNet50(2, stride_in="conv1")
    other.fc = copy.deepcopy(model.fc)
    with pytest.raises(ValueError, match="stride_in='conv2', and the model has 'conv1'"):
        load_checkpoint(tmp_path / "a.pt", other)
    load_checkpoint(tmp_path / "a.pt", model)
    assert model.classes == ["a", "b"]


BAD = {
    "another head": (lambda: TinyNet(3), {}, r"another network: its 'fc.weight' has shape \(2, 4\), here it is \(3, 4"),
    "another precision": (lambda: TinyNet().double(), {}, "has type float32, here it is float64; build the network of"),
    "another network": (lambda: nn.Linear(2, 2), {}, r"another network: its 'weight' has shape none, here .*\(2, 2\)"),
    "other classes": (TinyNet, {"classes": ["cats", "dogs"]}, r"for the classes \['a', 'b'\], got \['cats', 'dogs'\]"),
    "another optimizer": (TinyNet, {"optimizer": adam}, "a training with optimizer SGD, and now it is AdamW"),
    "a schedule more": (TinyNet, {"schedule": True}, "a training with schedule none, and now it is ConstantLR"),
}


@pytest.mark.parametrize("name", BAD)
def test_another_training_is_refused(name, tmp_path):
    """Nothing is loaded by half: what does not belong together is named, and the model stays as it was."""
    make, options, sentence = BAD[name]
    first = TinyNet()
    save_checkpoint(tmp_path / "a.pt", first, torch.optim.SGD(first.parameters(), lr=0.1), classes=["a", "b"])
    model = make()
    optimizer = options.get("optimizer", lambda model: torch.optim.SGD(model.parameters(), lr=0.1))(model)
    schedule = schedules.ConstantLR(optimizer) if "schedule" in options else None
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=sentence):
        load_checkpoint(tmp_path / "a.pt", model, optimizer, schedule=schedule, classes=options.get("classes"))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no such file"),
        (b"no zip", "is not a checkpoint that torch can read"),
        ({"a": 1}, "does not hold a training"),
    ],
)
def test_what_is_no_checkpoint_is_refused(content, sentence, tmp_path):
    """A missing file, a file of something else, and weights alone, each in one sentence that names the file."""
    path = tmp_path / "a.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(ValueError, match=sentence) as caught:
        load_checkpoint(path, TinyNet())
    assert str(path) in str(caught.value)


DAMAGED = [  # a part of a checkpoint, and what is in its place
    ("model", {"fc.bias": 1}),
    ("model", {"fc.bias": torch.ones(2, device="meta")}),
    ("model", {"fc.bias": torch.tensor([1.0, float("nan")])}),
    ("network", {"num_classes": 2}),
    ("network", 1),
    ("classes", "ab"),
    ("classes", [1, 2]),
    ("optimizer", {"a": {}}),
    ("optimizer", {0: None}),
    ("steps", -1),
    ("steps", 10**20),  # it would be counted for ever
    ("settings", None),
    ("settings", {"optimizer": torch.ones(2)}),
    ("history", [1]),
    ("random", {}),
    ("arithmetic", {"number of threads": 1, "device": "cpu", "precision": "nn"}),
]


@pytest.mark.parametrize(("part", "value"), DAMAGED)
def test_a_damaged_part_is_named_and_nothing_is_loaded(part, value, tmp_path):
    """The sentence names file and part, and neither the model nor the random numbers have changed."""
    path, model = tmp_path / "a.pt", TinyNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    save_checkpoint(path, TinyNet(), optimizer)
    torch.save(torch.load(path, weights_only=True) | {part: value}, path)
    before, states = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    with pytest.raises(ValueError, match=f"a.pt holds a training whose '{part}' is not as") as caught:
        load_checkpoint(path, model, optimizer, schedule=schedules.ConstantLR(optimizer))
    assert caught.type is ValueError
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), states)


@pytest.mark.parametrize("name", ["python", "numpy", "torch"])
def test_a_damaged_random_state_is_noticed_before_any_other_is_set(name, tmp_path):
    """The states of the other generators are as they were."""
    path, model = tmp_path / "a.pt", TinyNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    save_checkpoint(path, model, optimizer)
    content = torch.load(path, weights_only=True)
    content["random"][name] = torch.zeros(3, dtype=torch.uint8)
    torch.save(content, path)
    random.random()
    torch.rand(1)
    before = random.getstate(), torch.get_rng_state().tolist()
    with pytest.raises(ValueError, match="a.pt holds a training whose 'random' is not as"):
        load_checkpoint(path, model, optimizer)
    assert (random.getstate(), torch.get_rng_state().tolist()) == before


def test_a_checkpoint_replaces_the_older_one_whole(tmp_path, monkeypatch):
    """A disk that fills up while writing leaves the older checkpoint as it was, and says so."""
    model = TinyNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    path = tmp_path / "a.pt"
    save_checkpoint(path, model, optimizer, history=[{"epoch": 1}])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RuntimeError, match="No space left on device.*name another folder for the checkpoints"):
        save_checkpoint(path, model, optimizer)
    assert load_checkpoint(path, model) == [{"epoch": 1}] and [file.name for file in tmp_path.iterdir()] == ["a.pt"]


def test_names_that_do_not_fit_the_head_are_not_stored(tmp_path):
    """They would be loaded as those of the network."""
    model = ResNet50(2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="classes has 3 names and the network has 2 outputs; there must be"):
        save_checkpoint(tmp_path / "a.pt", model, optimizer, classes=["a", "b", "c"])
    assert list(tmp_path.iterdir()) == []


def test_a_best_checkpoint_of_somebody_else_is_kept(photos, tmp_path):
    """It lies where fit writes its own."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "best.pt").write_bytes(b"of somebody else")
    a_training(photos, 1, tmp_path / "run")
    assert (tmp_path / "run" / "earlier-1" / "best.pt").read_bytes() == b"of somebody else"


def test_schedules_that_cannot_last_are_refused_before_the_training(photos):
    """One that ends too early, and one that needs a loss with each step."""
    with pytest.raises(ValueError, match="schedule is made for 9 steps; the training has 12; make it for 12 steps"):
        a_training(photos, 4, None, planned=3)
    with pytest.raises(ValueError, match="schedule is a ReduceLROnPlateau; it must step with every batch"):
        a_training(photos, 1, None, schedule=lambda optimizer, *_: schedules.ReduceLROnPlateau(optimizer))


def described(train, val):
    """Return the settings of a training with these photos."""
    return describe_training(TinyNet(), DataLoader(train), DataLoader(val))


def test_changes_of_functions_parts_and_contents_are_noticed(photos):
    """Two functions look alike, two parts have one length, and a photo edited in place keeps its name and its size."""
    train, val = photos.train, photos.val
    changed = [described(Subset(train, [0, 1]), val), described(Subset(train, [0, 2]), val)]
    path = train.paths[0]
    Image.new("RGB", (30, 24), "red").save(path, "BMP")
    before = described(train, val)
    Image.new("RGB", (30, 24), "blue").save(path, "BMP")
    changed += [before, described(train, val)]
    for factor in (2, 3):
        train.transform = v2.Compose([v2.Lambda([lambda image: image * 2, lambda image: image * 3][factor - 2])])
        changed.append(described(train, val))
    assert all(one != other for one, other in combinations(changed, 2))
    assert described(train, val) == described(train, val)
