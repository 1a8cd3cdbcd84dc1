"""A folder of small photos for the tests of this folder."""

from pathlib import Path

import pytest

from tests.tiny import write_folder


@pytest.fixture
def folder(tmp_path) -> Path:
    """Return a folder with the classes dark and light: 6 photos each in train, 4 each in val."""
    return write_folder(tmp_path / "set")
