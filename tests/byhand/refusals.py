"""What every refusal by hand looks like: one sentence in one grammar."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

SENTENCE = re.compile(r"[^;\n]+ is [^;\n]+; it must [^;\n]+; [^;\n]+")


@contextmanager
def refused(message: str) -> Iterator[None]:
    """Expect a ValueError that matches a message and says ``NAME is VALUE; it must RULE; REMEDY``."""
    with pytest.raises(ValueError, match=message) as caught:
        yield
    assert SENTENCE.fullmatch(str(caught.value)), str(caught.value)
