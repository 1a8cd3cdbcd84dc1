"""The precision is one answer for each machine, whatever else the machine does."""

import json
import subprocess
import sys

import pytest
import torch

from tlhelpers.precision import (
    autocast,
    convolve,
    decide_dtype,
    keep_dtype,
    multiply_matrices,
    pick_dtype,
    time_ratio,
)

CPU = torch.device("cpu")
ZEN4 = {"cpu_name": "one that has them", "avx512_bf16": True, "amx_bf16": False}
OLD = {"cpu_name": "one without", "avx2": True, "avx512_bf16": False}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Decide nothing that is kept for the real machine, and let nothing override it."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path))
    monkeypatch.delenv("TLHELPERS_PRECISION", raising=False)
    return tmp_path


def never(work):
    raise AssertionError("nothing is to be measured")


@pytest.mark.parametrize(
    ("product", "convolution", "dtype"),
    [
        (0.2, 0.3, torch.bfloat16),
        (0.9, 0.9, torch.bfloat16),
        (1.1, 0.3, torch.float32),
        (0.2, 1.1, torch.float32),
        (5.0, 0.2, torch.float32),
        (0.2, 170.0, torch.float32),
    ],
)
def test_bfloat16_is_chosen_only_if_it_is_faster_in_both_kinds_of_work(product, convolution, dtype):
    """The numbers are the time in bfloat16, divided by the time in float32."""
    ratios = {multiply_matrices: product, convolve: convolution}
    assert decide_dtype(ZEN4, lambda work: ratios[work]) is dtype


def test_a_processor_without_the_instructions_is_not_measured(capsys):
    """It computes in float32, and one line says why."""
    assert decide_dtype(OLD, never) is torch.float32
    assert "computes in float32: it has no instructions for bfloat16" in capsys.readouterr().out


def test_the_answer_is_kept_for_the_machine_and_said_once(capsys, cache):
    """The second time nothing is measured and nothing is printed; another processor gets an answer of its own."""
    assert decide_dtype(ZEN4, lambda work: 0.4) is torch.bfloat16
    assert capsys.readouterr().out.count("\n") == 1
    assert decide_dtype(ZEN4, never) is torch.bfloat16
    assert capsys.readouterr().out == ""
    assert decide_dtype(OLD, never) is torch.float32
    assert decide_dtype(ZEN4, never) is torch.bfloat16
    assert decide_dtype(ZEN4 | {"avx512_bf16": False}, never) is torch.float32  # another one with the same name
    assert sorted(json.loads((cache / "precision.json").read_text()).values()) == ["bfloat16", "float32", "float32"]


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"a": ', '{"one that has them, avx512_bf16": "int8"}', "\x00"])
def test_a_damaged_answer_is_decided_again(content, cache):
    """Whatever the file holds, there is an answer, and it is kept."""
    (cache / "precision.json").write_text(content)
    assert decide_dtype(ZEN4, lambda work: 0.4) is torch.bfloat16
    assert decide_dtype(ZEN4, never) is torch.bfloat16


def test_a_cache_that_cannot_be_written_is_no_hindrance(cache, monkeypatch):
    """The answer is the same; only it is not kept."""
    (cache / "file").write_text("in the way")
    monkeypatch.setenv("TLHELPERS_CACHE", str(cache / "file"))
    assert [decide_dtype(ZEN4, lambda work: 0.4) for _ in range(2)] == [torch.bfloat16] * 2


@pytest.mark.parametrize("name", ["bfloat16", "float32"])
def test_the_variable_overrides_everything(name, monkeypatch):
    """It wins over the processor, and over the precision of a checkpoint."""
    monkeypatch.setenv("TLHELPERS_PRECISION", name)
    for kept in (torch.bfloat16, torch.float32):
        keep_dtype(CPU, kept)
        assert pick_dtype(CPU) is getattr(torch, name)


def test_a_precision_that_is_none_is_refused(monkeypatch):
    """The message names the variable, its value and the two that there are."""
    monkeypatch.setenv("TLHELPERS_PRECISION", "fp16")
    with pytest.raises(ValueError, match="TLHELPERS_PRECISION is 'fp16'; it must be bfloat16 or float32"):
        pick_dtype(CPU)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_the_kept_precision_is_the_one_that_is_computed_in(dtype):
    """After keep_dtype, pick_dtype returns the type and autocast computes in it."""
    keep_dtype(CPU, dtype)
    assert pick_dtype(CPU) is dtype
    with autocast(CPU):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype is dtype


@pytest.mark.parametrize("work", [multiply_matrices, convolve])
def test_both_types_are_measured_in_one_thread(work):
    """There is a ratio, of work that was done in both types, and the threads are as many as before."""
    assert [work(dtype)().dtype for dtype in (torch.float32, torch.bfloat16)] == [torch.float32, torch.bfloat16]
    threads = torch.get_num_threads()
    assert time_ratio(work, seconds=0.01) > 0 and torch.get_num_threads() == threads


@pytest.mark.slow
def test_under_eight_busy_processes_the_answer_is_the_same_100_times():
    """What other processes do does not decide: the times are those of this thread's processor time."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
    try:
        ratios = [max(time_ratio(work, seconds=0.02) for work in (multiply_matrices, convolve)) for _ in range(100)]
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert len({ratio < 1 for ratio in ratios}) == 1, sorted(ratios)
