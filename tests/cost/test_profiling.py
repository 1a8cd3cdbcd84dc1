"""The right work is measured and counted once; the tests replace the clock."""

import itertools
import time

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from tlhelpers.cost import profiling


@pytest.fixture
def one_second(monkeypatch):
    """Let all work take one second; return the list of its results."""
    results = []

    def take(work, rounds=5):
        results.append(work())
        return 1.0

    monkeypatch.setattr(profiling, "shortest_time", take)
    return results


def test_the_first_round_does_not_count_and_the_shortest_does(monkeypatch):
    """Of the rounds after the first, the shortest time is returned, and no round too many is done."""
    now, durations = [0.0], iter([0.5, 3.0, 1.0, 2.0, 9.0])
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def work():
        now[0] += next(durations)

    assert profiling.shortest_time(work, rounds=3) == 1.0
    assert next(durations) == 9.0


def test_a_matrix_product_has_two_operations_for_each_term(one_second):
    """The largest product of three counts if all take the same time, and all are computed in the given type."""
    assert profiling.measure_peak_flops(torch.bfloat16) == 2 * 2048**3
    assert {(product.dtype, product.shape) for product in one_second} == {
        (torch.bfloat16, (side, side)) for side in (512, 1024, 2048)
    }


def test_a_copy_reads_and_writes(one_second):
    """Copying 200 MB moves 400 MB."""
    assert profiling.measure_bandwidth() == 400_000_000
    assert one_second[0].eq(0).all()


def test_every_convolution_is_timed_with_its_own_input(one_second):
    """Operations are as torch counts them, bytes as counted by hand, outputs those of the network; no hook is left."""
    torch.manual_seed(0)
    first = nn.Conv2d(3, 8, 5, stride=2, padding=2, bias=False)
    second = nn.Conv2d(8, 6, 3, dilation=2, groups=2, bias=False)
    model, images = nn.Sequential(first, nn.ReLU(), second, nn.Flatten(), nn.Linear(150, 4)), torch.randn(2, 3, 17, 17)
    rows = profiling.measure_convolutions(model, images, torch.float32)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        outputs = list(itertools.accumulate(model, lambda x, layer: layer(x), initial=images))
    assert rows[:, 1].sum() + 2 * 2 * 150 * 4 == counter.get_total_flops()
    sizes = [images.numel() + first.weight.numel() + outputs[1].numel()]
    sizes.append(outputs[2].numel() + second.weight.numel() + outputs[3].numel())
    torch.testing.assert_close(rows[:, 1] / rows[:, 0], 4.0 * torch.tensor(sizes, dtype=torch.float64))
    assert rows[:, 2].tolist() == [5, 3]
    torch.testing.assert_close(one_second, [outputs[1], outputs[3]])
    model(images)
    assert len(one_second) == 2


def test_no_hook_is_left_after_a_failure(one_second):
    """A network whose forward pass fails does not time its convolutions later."""
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Linear(7, 2))
    with pytest.raises(RuntimeError):
        profiling.measure_convolutions(model, torch.randn(1, 3, 5, 5), torch.float32)
    model[0](torch.randn(1, 3, 5, 5))
    assert len(one_second) == 1


@pytest.mark.parametrize(
    ("layer", "kinds"),
    [
        (nn.Conv2d(16, 16, 3), {"convolution", "convolution, back"}),
        (nn.BatchNorm2d(16), {"batch norm"}),
        (nn.ReLU(), {"ReLU"}),
    ],
)
def test_time_is_given_to_the_right_kind_of_work(layer, kinds):
    """A step with one kind of layer takes time of that kind, and of no other kind of layer."""
    images, calls = torch.randn(16, 16, 64, 64, requires_grad=True), []

    def step():
        calls.append(1)
        torch.autograd.grad(layer(images), images, torch.ones(()).expand(layer(images).shape))

    times = profiling.time_by_kind(step)
    assert len(calls) == 2
    assert [*times] == [*profiling.KINDS, "all else"]
    assert {kind for kind, spent in times.items() if spent} - {"copies", "all else"} == kinds


def test_reading_photos_is_a_kind_of_its_own():
    """The time of a loader does not count as the network's."""
    loader = torch.utils.data.DataLoader(torch.randn(64, 3, 64, 64), batch_size=64)
    times = profiling.time_by_kind(lambda: F.relu(next(iter(loader))))
    assert times["reading photos"] > 0 and times["ReLU"] > 0
