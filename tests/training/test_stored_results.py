"""Strategies, probe and features give what they gave when their answers were stored."""

import json

import pytest
import torch

from tests.training.stored_results import FILE, compute

ROUNDING = 2e-5  # between processors and numbers of threads; on one machine nothing differs at all


@pytest.mark.slow
def test_results_are_those_that_were_stored(tmp_path, monkeypatch):
    """Every parameter after each strategy, the probe's coefficients and the features are the stored ones."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    stored, found = json.loads(FILE.read_text(encoding="utf-8")), compute(tmp_path)
    assert found.keys() == stored.keys()
    for subject, tensors in stored.items():
        assert found[subject].keys() == tensors.keys()
        for name, values in tensors.items():
            differences = (torch.tensor(found[subject][name]) - torch.tensor(values)).abs()
            assert differences.max() <= ROUNDING, f"{subject}, {name}"
