"""A page is printed as a PDF with its solutions unfolded; without a browser that works, only the PDF is missing."""

import re
import zlib

import nbformat
import pytest

from tests.classroom.handouts.conftest import write
from tlhelpers.classroom.handouts.printing import find_browser


def test_a_browser_that_fails_costs_the_pdf_only(project, capsys):
    """One line for each page says so, the index names no PDF, and no temporary file stays behind."""
    folder = write(project, browser="false")
    assert capsys.readouterr().out.count("has no PDF") == 2
    assert sorted(path.name for path in folder.iterdir()) == [".written.json", "student", "tutor"]
    assert "PDF" not in (folder / "tutor" / "index.html").read_text().split("<main")[1]


def test_a_machine_without_a_browser_has_none(tmp_path, monkeypatch):
    """The browser is looked for among the commands of the machine, under each of its names."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_browser() is None
    (tmp_path / "google-chrome").touch(mode=0o755)
    assert find_browser() == str(tmp_path / "google-chrome")


@pytest.mark.slow
@pytest.mark.skipif(find_browser() is None, reason="no Chromium to print PDFs with")
def test_pdfs_show_solutions_unfolded(project):
    """The PDF for tutors is longer than that for students by the solution; the index leads to both."""
    path = project / "notebooks" / "01_a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    solution = notebook.cells[3]
    solution.source = "\n".join([solution.source, *(f"# line {number}" for number in range(60))])
    notebook.cells = notebook.cells[:4]
    nbformat.write(notebook, path)
    folder = write(project, find_browser())
    student, tutor = ((folder / audience / "01_a.pdf").read_bytes() for audience in ("student", "tutor"))
    assert student.startswith(b"%PDF") and (count_pages(student), count_pages(tutor)) == (1, 2)
    assert b"file:" not in student + tutor and b"file:" not in unpacked(tutor)
    assert 'href="01_a.pdf"' in (folder / "tutor" / "index.html").read_text()
    assert sorted(path.name for path in folder.iterdir()) == [".written.json", "student", "tutor"]


def unpacked(pdf):
    """Return the compressed parts of a PDF, unpacked."""
    parts = re.findall(rb"FlateDecode.*?stream\r?\n(.*?)endstream", pdf, re.S)
    return b"".join(zlib.decompressobj().decompress(part) for part in parts)


def count_pages(pdf):
    """Return the number of pages of a PDF."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf + unpacked(pdf)))
