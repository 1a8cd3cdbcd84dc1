"""A training that was stopped goes on as if it had not been, and a checkpoint of another training is refused."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tests.tiny import ENTRY, TinyNet, transform, write_folder
from tlhelpers.photos.datasets import image_folder
from tlhelpers.photos.loading import make_loader
from tlhelpers.photos.transforms import train_transform
from tlhelpers.training.checkpoint import load_checkpoint, save_checkpoint
from tlhelpers.training.fitting import fit
from tlhelpers.training.loop import evaluate


@pytest.fixture
def photos(tmp_path):
    return image_folder(write_folder(tmp_path / "set", train=8))


def a_training(photos, epochs, folder, *, seed=3, **options):
    """Train with all that has a state: shuffling, augmentation, momentum, a schedule."""
    torch.manual_seed(seed)
    model = TinyNet()
    train = make_loader(photos.train, train_transform(ENTRY), batch_size=5, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, epochs=6, steps_per_epoch=len(train))
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
    halves, continued = a_training(photos, 6, tmp_path / "halves", seed=99)  # another start, which has no effect
    assert without_seconds(continued) == without_seconds(history)
    assert_same(halves, whole)


RUN = """
import os, signal, sys
from pathlib import Path
import torch
import tlhelpers.training.loop
from tests.training.test_checkpoint import a_training
from tlhelpers.machine import keep_dtype, pick_device
from tlhelpers.photos.datasets import image_folder

torch.set_num_threads(2)
photos, folder, deadly = image_folder(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
keep_dtype(pick_device(), getattr(torch, sys.argv[4]))  # as if this process had measured it to be faster
plain, count = tlhelpers.training.loop._check_labels, [0]

def checked(labels, classes):  # called once in every batch, and once after every evaluation
    count[0] += 1
    if count[0] == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    plain(labels, classes)

tlhelpers.training.loop._check_labels = checked
model, _ = a_training(photos, 6, folder)
torch.save(model.state_dict(), folder / "end.pth")
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")
@pytest.mark.parametrize(
    ("deadly", "began", "faster_later"),  # killed in the middle of the third epoch, or in the fourth's first batch
    [(11, "bfloat16", "float32"), (16, "float32", "bfloat16")],
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
    again, same = a_training(photos, 2, tmp_path / "run", seed=5)
    assert same == history  # seconds included
    assert_same(again, model)


def test_patience_ends_a_run(photos, tmp_path):
    """It ends after so many epochs without a lower validation loss, and stays ended when it is asked to go on."""
    _, history = a_training(photos, 6, None, seed=6)  # whose validation loss rises at the fifth epoch
    losses = [result.val_loss for result in history]
    worse = next(epoch for epoch in range(1, 6) if losses[epoch] > min(losses[:epoch]))
    _, stopped = a_training(photos, 6, tmp_path / "run", seed=6, patience=1)
    assert without_seconds(stopped) == without_seconds(history[: worse + 1])
    _, again = a_training(photos, 6, tmp_path / "run", seed=6, patience=1)
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


BAD = {
    "another head": (lambda: TinyNet(3), {}, r"another network: its 'fc.weight' has shape \(2, 4\), here it is \(3, 4"),
    "another network": (lambda: nn.Linear(2, 2), {}, r"another network: its 'weight' has shape none, here .*\(2, 2\)"),
    "other classes": (TinyNet, {"classes": ["cats", "dogs"]}, r"for the classes \['a', 'b'\], got \['cats', 'dogs'\]"),
    "another optimizer": (TinyNet, {"optimizer": adam}, r"belongs to another optimizer .* make the optimizer of that"),
    "a schedule more": (TinyNet, {"schedule": True}, "was written without a schedule"),
}


@pytest.mark.parametrize("name", BAD)
def test_another_training_is_refused(name, tmp_path):
    """Nothing is loaded by half: what does not belong together is named, and the model stays as it was."""
    make, options, sentence = BAD[name]
    first = TinyNet()
    save_checkpoint(tmp_path / "a.pt", first, torch.optim.SGD(first.parameters(), lr=0.1), classes=["a", "b"])
    model = make()
    optimizer = options.get("optimizer", lambda model: torch.optim.SGD(model.parameters(), lr=0.1))(model)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer) if "schedule" in options else None
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=sentence):
        load_checkpoint(tmp_path / "a.pt", model, optimizer, schedule=schedule, classes=options.get("classes"))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no such file"),
        (b"no zip", "cannot be read as a checkpoint"),
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


def test_a_checkpoint_replaces_the_older_one_whole(tmp_path, monkeypatch):
    """A disk that fills up while writing leaves the older checkpoint as it was, and says so."""
    model = TinyNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    path = tmp_path / "a.pt"
    save_checkpoint(path, model, optimizer, history=[{"epoch": 1}])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(RuntimeError, match="No space left on device.*name another folder for the checkpoints"):
        save_checkpoint(path, model, optimizer)
    assert load_checkpoint(path, model) == [{"epoch": 1}] and [file.name for file in tmp_path.iterdir()] == ["a.pt"]
