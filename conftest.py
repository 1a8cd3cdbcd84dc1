"""Settings of all tests: which skips CI accepts, which notebooks need weights, how many examples hypothesis draws."""

import os
import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import Phase, settings

# With CI=true a test that is skipped for any other reason fails. The keys are the first words of a reason.
ALLOWED_SKIPS = {
    "no CUDA device": "the machines of CI do not have one",
    "no MPS device": "the machines of CI do not have one",
}
CI = os.environ.get("CI") == "true"

settings.register_profile("small", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("full", settings.get_profile("small"), max_examples=400)
# other examples every time, to look for errors that the fixed ones do not show
settings.register_profile("search", max_examples=2000, deadline=None, print_blob=True)
# without the search for the smallest example, to see only whether a test fails
settings.register_profile("hasty", settings.get_profile("small"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("small")  # pytest --hypothesis-profile=full overrides it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip a notebook whose weights are not available, with the reason; in CI it runs, and fails."""
    notebooks = [item for item in items if item.path.suffix == ".ipynb"]
    if notebooks:
        decide_precision()
    for item in notebooks:
        if not CI and (reason := missing_weights(item.path)):
            item.add_marker(pytest.mark.skip(reason=reason))


def decide_precision() -> None:
    """Decide the precision of this machine, which is printed once, so that no notebook has to do it."""
    from tlhelpers import pick_device, pick_dtype

    pick_dtype(pick_device())


@cache
def missing_weights(notebook: Path) -> str | None:
    """Return why the weights that a notebook loads are not available, or None if it can run."""
    names = re.findall(r"load_resnet50\((?:weights=)?(?:\\\"(\w+)\\\"|)", notebook.read_text(encoding="utf-8"))
    return next(filter(None, (failure_to_load(name or "auto") for name in sorted(set(names)))), None)


@cache
def failure_to_load(name: str) -> str | None:
    """Return why weights cannot be loaded, or None if they can; each name is tried once per session."""
    from tlhelpers import load_resnet50

    try:
        load_resnet50(name)
    except RuntimeError as error:
        return f"no ResNet-50 weights {name!r}: {error}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    """Check the skips of tests."""
    return refuse_unlisted_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):
    """Check the skips of whole modules."""
    return refuse_unlisted_skip((yield))


def refuse_unlisted_skip(report):
    """Return the report, which becomes a failure if CI does not accept the reason of its skip."""
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(tuple(ALLOWED_SKIPS)):
            report.outcome = "failed"
            report.longrepr = f"skipped, and the reason is not listed in conftest.py: {reason}"
    return report
