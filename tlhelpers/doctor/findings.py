"""What one examination found: a state, a few words, and a remedy if something has to be done."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What an examination found.

    Parameters
    ----------
    state : str
        "ok", "missing", "wrong" or "unknown".
    found : str
        What there is, in a few words.
    remedy : str
        What to do; empty if all is well.
    """

    state: str
    found: str
    remedy: str = ""


def ok(found: str) -> Finding:
    """Return that all is well."""
    return Finding("ok", found)


def missing(found: str, remedy: str) -> Finding:
    """Return that something is not there."""
    return Finding("missing", found, remedy)


def wrong(found: str, remedy: str) -> Finding:
    """Return that something is there and does not work."""
    return Finding("wrong", found, remedy)
