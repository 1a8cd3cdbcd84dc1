"""What a kernel answers after the last cell of its notebook: its peak memory and the results of the notebook.

The runner lets the kernel evaluate ``QUESTION``. A notebook that trains or judges a network collects its accuracies,
from 0 to 1, in a dict named ``RESULTS``, by a name for each; ``tlhelpers run`` prints them.
"""

import sys
from typing import Any

QUESTION = f"__import__({__name__!r}, fromlist=['answer']).answer(globals())"


def answer(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the peak memory of this process and the results among the variables of a notebook.

    Parameters
    ----------
    variables : dict of str to object
        The global variables of the notebook, by name.

    Returns
    -------
    dict
        ``megabytes`` is None if the notebook did not use tlhelpers. ``results`` is empty if the notebook has no
        ``RESULTS``, or uses the name for something other than numbers.
    """
    return {"megabytes": _megabytes(), "results": _results(variables.get("RESULTS"))}


def _megabytes() -> float | None:
    """Return the peak memory in MB. The module that measures it imports torch, so it is used only if it is there."""
    machine = sys.modules.get("tlhelpers.machine")
    return machine.peak_memory() if machine else None


def _results(found: Any) -> dict[str, float]:
    """Return named numbers as plain floats, which the kernel can send as text."""
    try:
        return {str(name): float(value) for name, value in dict(found or {}).items()}
    except (TypeError, ValueError):
        return {}
