"""Schedules by hand: at every step the rate and the momentum equal those of torch's schedules."""

import warnings
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler

from tests.byhand.drawing import assert_drawn_together
from tests.byhand.refusals import refused
from tlhelpers.byhand.optimizers import SGD, Adam, AdamW
from tlhelpers.byhand.schedules import cosine_rate, one_cycle_momentum, one_cycle_rate

PAIRS = {SGD: torch.optim.SGD, Adam: torch.optim.Adam, AdamW: torch.optim.AdamW}


def close(ours, expected, size=1.0):
    """Assert that values are equal within 1e-10, absolute or relative."""
    torch.testing.assert_close(torch.as_tensor(ours), torch.as_tensor(expected), rtol=1e-10, atol=1e-10 * size)


@st.composite
def cycles(draw):
    """Draw the arguments of one cycle: steps, peak, warm-up, first and last rate, and momentum."""
    steps = draw(st.sampled_from([1, 1, 2, 3, 30, 60]) | st.integers(1, 60))
    warmup = draw(st.sampled_from([0.0, 0.3, 0.95, 0.99]) | st.floats(0.0, 1.0))
    peak, start, end = draw(st.floats(1e-3, 10)), draw(st.sampled_from([1.0, 25.0])), draw(st.floats(1, 1e5))
    low, high = sorted([draw(st.floats(0.0, 0.99)), draw(st.floats(0.0, 0.99))])
    return steps, peak, warmup, (start, end), (low, high)


def scheduled(optimizer, make, steps):
    """Yield the step numbers; at each one, torch's optimizer has the rate of this step."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that no optimizer step was taken
        schedule = make(optimizer)
        for step in range(steps):
            yield step
            schedule.step()
    yield steps


def torch_optimizer():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.5)


@given(st.integers(1, 50), st.floats(1e-4, 10.0), st.floats(0.0, 1.0))
def test_cosine_rate_equals_torch(steps, lr, lr_min):
    """The rate equals torch's at every step, and also after the last one, where it rises again."""
    optimizer = torch_optimizer()
    optimizer.param_groups[0]["lr"] = lr

    def make(optimizer):
        return lr_scheduler.CosineAnnealingLR(optimizer, steps, lr_min)

    for step in scheduled(optimizer, make, 3 * steps):
        close(cosine_rate(step, steps=steps, lr=lr, lr_min=lr_min), optimizer.param_groups[0]["lr"], size=100)


def test_cosine_rate_ends_at_zero():
    """By default the last rate is zero, and the rate in the middle is half the first."""
    close([cosine_rate(step, steps=8, lr=0.4) for step in (0, 4, 8)], [0.4, 0.2, 0.0])


@given(cycles())
def test_one_cycle_equals_torch(cycle):
    """Rate and momentum equal torch's at every step; where torch divides by zero, there is a refusal."""
    steps, peak, warmup, (start, end), (low, high) = cycle
    options = {"steps": steps, "warmup": warmup}
    rate = options | {"peak": peak, "start": 1 / start, "end": 1 / (start * end)}

    def make(optimizer):
        return lr_scheduler.OneCycleLR(
            optimizer, peak, steps, pct_start=warmup, div_factor=start, final_div_factor=end,
            base_momentum=low, max_momentum=high,
        )  # fmt: skip

    group = (optimizer := torch_optimizer()).param_groups[0]
    step = -1
    try:
        for step in scheduled(optimizer, make, steps):
            close(one_cycle_rate(step, **rate), group["lr"], size=10)
            close(one_cycle_momentum(step, **options, low=low, high=high), group["momentum"])
    except ZeroDivisionError:
        with refused("give another warmup"):
            one_cycle_rate(step + 1, **rate)


@pytest.mark.slow
def test_cycles_are_drawn_of_every_kind():
    """Single steps, no warm-up, warm-up only, and a peak between two steps are drawn."""

    def describe(cycle):
        steps, _, warmup, (start, _), _ = cycle
        found = {"one step"} if steps == 1 else {"many"} if steps > 20 else set()
        found |= {"no warm-up"} if warmup == 0 else {"long warm-up"} if warmup > 0.9 else {"warm-up"}
        found |= {"peak skipped"} if warmup * steps < 1 else set()
        return found | ({"starts at the peak"} if start == 1 else set())

    wanted = {"one step", "many", "no warm-up", "long warm-up", "warm-up", "peak skipped", "starts at the peak"}
    apart = {("one step", "many"), ("no warm-up", "long warm-up"), ("no warm-up", "warm-up")}
    apart |= {("warm-up", "long warm-up")}
    assert_drawn_together(cycles(), describe, wanted, apart)


def test_one_cycle_has_torchs_defaults():
    """With steps and a peak only, rate and momentum equal torch's."""
    group = (optimizer := torch_optimizer()).param_groups[0]
    for step in scheduled(optimizer, lambda optimizer: lr_scheduler.OneCycleLR(optimizer, 0.7, 23), 23):
        close(one_cycle_rate(step, steps=23, peak=0.7), group["lr"])
        close(one_cycle_momentum(step, steps=23), group["momentum"])


@pytest.mark.parametrize("warmup", [0.0, 1.0])
def test_a_cycle_may_only_rise_or_only_fall(warmup):
    """Without warm-up, and with warm-up only, the rate equals torch's."""
    group = (optimizer := torch_optimizer()).param_groups[0]
    make = partial(lr_scheduler.OneCycleLR, max_lr=0.7, total_steps=12, pct_start=warmup)
    for step in scheduled(optimizer, make, 11):
        close(one_cycle_rate(step, steps=12, peak=0.7, warmup=warmup), group["lr"])


@pytest.mark.parametrize("kind", PAIRS)
def test_one_cycle_of_rate_and_momentum_trains_as_torchs_does(kind):
    """With rate and momentum (or the first beta) changed at every step, the parameters equal torch's."""
    ours = torch.tensor([1.0, -3.0], dtype=torch.float64)
    theirs, slopes = ours.clone().requires_grad_(), torch.tensor([1.0, 20.0])
    optimizer = SGD([ours], 0.0, momentum=0.9) if kind is SGD else kind([ours], 0.0)
    reference = PAIRS[kind]([theirs], 0.01, **({"momentum": 0.9} if kind is SGD else {}))
    for step in scheduled(reference, lambda reference: lr_scheduler.OneCycleLR(reference, 0.05, 200), 199):
        optimizer.lr, momentum = one_cycle_rate(step, steps=200, peak=0.05), one_cycle_momentum(step, steps=200)
        if kind is SGD:
            optimizer.momentum = momentum
        else:
            optimizer.betas = (momentum, 0.999)
        theirs.grad = slopes * theirs.detach()
        reference.step()
        optimizer.step([slopes * ours])
    close(ours, theirs.detach())


@pytest.mark.parametrize("kind", PAIRS)
def test_a_falling_cosine_trains_as_torchs_does(kind):
    """200 steps at rates along the cosine lead to the parameters of torch's optimizer and schedule."""
    ours = torch.tensor([1.0, -3.0], dtype=torch.float64)
    theirs, slopes = ours.clone().requires_grad_(), torch.tensor([1.0, 20.0])
    optimizer, reference = kind([ours], 0.05), PAIRS[kind]([theirs], 0.05)
    for step in scheduled(reference, lambda reference: lr_scheduler.CosineAnnealingLR(reference, 200), 199):
        optimizer.lr = cosine_rate(step, steps=200, lr=0.05)
        theirs.grad = slopes * theirs.detach()
        reference.step()
        optimizer.step([slopes * ours])
    close(ours, theirs.detach())


BAD_STEPS = {
    "negative": (-1, 10, {}, r"step is -1; it must be 0 or more; count steps from 0"),
    "no steps": (0, 0, {}, r"steps is 0; it must be 1 or more; give the number"),
    "over": (11, 10, {}, r"step is 11; it must be at most 10, the number of steps; count"),
    "warm-up below 0": (0, 10, {"warmup": -0.1}, r"warmup is -0\.1; it must be a share from 0 to 1; use 0\.3"),
    "warm-up above 1": (0, 10, {"warmup": 1.5}, r"warmup is 1\.5; it must be a share from 0 to 1"),
    "warm-up of one step": (
        0,
        10,
        {"warmup": 0.1},
        r"warmup is 0\.1; it must leave .* of the 10 steps .*; give another warmup",
    ),
}


@pytest.mark.parametrize(("step", "steps", "options", "message"), BAD_STEPS.values(), ids=BAD_STEPS)
def test_bad_steps_are_refused(step, steps, options, message):
    """The message shows the value that is out of range."""
    with refused(message):
        one_cycle_rate(step, steps=steps, peak=1.0, **options)
    with refused(message):
        one_cycle_momentum(step, steps=steps, **options)
    if step <= 0 and not options:
        with refused(message):
            cosine_rate(step, steps=steps, lr=1.0)


# Mistakes that the tests above must notice (see test_breaks.py)
BREAKS = [
    # the cosine
    ("_between(lr, lr_min, step / steps)", "_between(lr, lr_min, step / (steps - 1 or 1))"),
    ("_between(lr, lr_min, step / steps)", "_between(lr, 0.0, step / steps)"),
    ("_between(lr, lr_min, step / steps)", "_between(lr_min, lr, step / steps)"),
    ("_between(lr, lr_min, step / steps)", "_between(lr, lr_min, min(step / steps, 1.0))"),
    ("math.cos(math.pi * share)", "math.cos(2 * math.pi * share)"),
    ("* (1 + math.cos(math.pi * share)) / 2", "* (1 - share)"),
    # one cycle
    ("warmup * steps - 1  # the step", "warmup * (steps - 1)  # the step"),
    ("warmup * steps - 1  # the step", "int(warmup * steps) - 1  # the step"),
    ("(step - top, steps - 1 - top)", "(step - top, steps - top)"),
    ("(step - top, steps - 1 - top)", "(step, steps - 1)"),
    ("(start * peak, peak, end * peak)", "(start * peak, peak, end * start * peak)"),
    ("(start * peak, peak, end * peak)", "(start, peak, end)"),
    ("end: float = 1 / (25 * 1e4)", "end: float = 1 / 1e4"),
    ("(high, low, high)", "(low, high, low)"),
    ("(high, low, high)", "(high, low, low)"),
    ("low: float = 0.85, high: float = 0.95", "low: float = 0.85, high: float = 0.9"),
    ("require(step <= steps", "require(step < steps"),
]  # fmt: skip
