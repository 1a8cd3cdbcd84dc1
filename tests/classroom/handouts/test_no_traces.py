"""Neither a stored notebook nor a handout says on which machine, by whom and in which folder it was made."""

import getpass
import html
import re
import socket
from pathlib import Path

import pytest

from tests.classroom.handouts.conftest import write
from tlhelpers.classroom.handouts.writing import write_handouts
from tlhelpers.classroom.notebooks import find_notebooks, read_notebook

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
# folders of users and temporary ones, the installed packages, and the token of a Jupyter
TRACES = r"/home/\w|/Users/\w|\bUsers\\+\w|/root\b|/tmp/|/var/folders/|\w/site-packages/|\btoken=\w"
COMMON = {"root", "user", "localhost"}  # names that are words as well


def traces(path: Path) -> list[str]:
    """Return what a file says about a machine, in its text and in its attributes; pictures are left out."""
    text = re.sub(r"[A-Za-z0-9+/=\n\\]{200,}", "", html.unescape(path.read_text(encoding="utf-8")))
    names = {getpass.getuser(), socket.gethostname(), socket.getfqdn()} - COMMON
    own = "|".join(rf"\b{re.escape(name)}\b" for name in sorted(names) if len(name) > 3)
    return re.findall(f"(?:{TRACES}|{re.escape(str(Path.home()))}\\b{f'|{own}' if own else ''}).{{0,40}}", text)


@pytest.mark.parametrize("path", find_notebooks(NOTEBOOKS), ids=lambda path: path.stem)
def test_stored_notebooks_tell_nothing(path):
    """No text of a cell, of an output or of the metadata names a user, a host, a folder or a token."""
    assert traces(path) == []


def test_fresh_handouts_tell_nothing(project):
    """The folder in which they are written is in none of their files, and neither is the user or the machine."""
    files = [path for path in write(project).rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".html", ".ipynb"}
    assert {path.name: traces(path) for path in files if traces(path) or str(project) in path.read_text()} == {}


@pytest.mark.slow
def test_our_handouts_tell_nothing(tmp_path):
    """The same holds for those of all notebooks."""
    stored = [(path.stem, read_notebook(path)) for path in find_notebooks(NOTEBOOKS)]
    write_handouts(NOTEBOOKS, stored, tmp_path / "handouts", None)
    files = [path for path in (tmp_path / "handouts").rglob("*") if path.suffix in (".html", ".ipynb", ".json")]
    assert len(files) > 4 * len(stored)
    assert {path.name: traces(path) for path in files if traces(path)} == {}


@pytest.mark.parametrize(
    "trace", ["/home/ada/x.py", "C:\\Users\\ada", "http://127.0.0.1/lab?token=1f", "/x/lib/site-packages/torch/nn.py"]
)
def test_a_trace_is_found(tmp_path, trace):
    """In JSON, where a backslash is doubled, and in a page."""
    path = tmp_path / "a.txt"
    for text in (trace, trace.replace("\\", "\\\\"), html.escape(trace)):
        path.write_text(f'"text": "see {text}"')
        assert len(traces(path)) == 1
