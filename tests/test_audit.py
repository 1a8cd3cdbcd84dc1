"""The audit of pinned versions: what was not examined never counts as clean, and the record is of today's versions."""

import json
import re
from pathlib import Path

import pytest

from tools.audit import fingerprint, is_clean, read_pins, summarize

ROOT = Path(__file__).parents[1]
RECORD = json.loads((ROOT / "docs/audit.json").read_text(encoding="utf-8"))
SOUND = {"name": "six", "version": "1.17.0", "vulns": []}
FAULTY = {"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"], "aliases": []}]}
UNKNOWN = {"name": "b", "skip_reason": "not found: b (1)"}


def test_record_is_of_the_pinned_versions():
    """The stored result belongs to constraints.txt as it is; if not, run ``make audit``."""
    pins = read_pins((ROOT / "constraints.txt").read_text(encoding="utf-8"))
    assert (RECORD["packages"], RECORD["versions"]) == (len(pins), fingerprint(pins))
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)


def test_the_page_says_what_was_examined():
    """It calls the last run empty as long as no service examined anything, and no longer."""
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    examined = sum(answer["examined"] for answer in RECORD["services"].values())
    assert ("examined nothing" in page) == (examined == 0)


def test_every_vulnerability_on_record_is_explained():
    """The page about security speaks of each one that was found, by its name."""
    page = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    found = [fault["id"] for answer in RECORD["services"].values() for fault in answer["found"]]
    assert [name for name in found if name not in page] == []


@pytest.mark.parametrize(
    ("dependencies", "clean"),
    [([SOUND, SOUND], True), ([SOUND, FAULTY], False), ([SOUND, UNKNOWN], False), ([UNKNOWN, UNKNOWN], False)],
)
def test_only_what_was_examined_counts(dependencies, clean):
    """One version that was not looked up, or one fault, and the audit is not clean."""
    answer = summarize({"dependencies": dependencies}, "")
    assert answer["examined"] == sum("vulns" in each for each in dependencies)
    assert answer.get("said") == (None if UNKNOWN not in dependencies else answer["said"])
    assert is_clean({"packages": 2, "services": {"osv": answer}}) is clean


def test_a_service_that_is_not_reached_examines_nothing():
    """What pip-audit printed last is kept instead; the answer of the other service still counts."""
    silent = summarize(None, "ConnectionError: no such host")
    assert silent == {"examined": 0, "found": [], "said": "ConnectionError: no such host"}
    assert not is_clean({"packages": 1, "services": {"osv": silent}})
    assert is_clean({"packages": 1, "services": {"osv": silent, "pypi": summarize({"dependencies": [SOUND]}, "")}})
    assert not is_clean({"packages": 1, "services": {"osv": silent, "pypi": summarize({"dependencies": [FAULTY]}, "")}})
