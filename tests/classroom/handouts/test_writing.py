"""Handouts of a small project: what students and tutors get, and what happens to files that somebody changed."""

from urllib.parse import unquote

import nbformat
import pytest

from tests.classroom.handouts.conftest import stored, write
from tlhelpers.classroom.handouts.writing import write_handouts
from tlhelpers.classroom.runner import run_notebook


def text_of(notebook):
    """Return what all cells of a notebook printed."""
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


def test_students_run_to_the_end_with_nothing_attempted(project, capsys):
    """The notebook for students raises no exception, and every check says that nothing was attempted."""
    folder = write(project)
    assert capsys.readouterr().out.startswith("No PDFs, because")
    notebook, run = run_notebook(folder / "student" / "01_a.ipynb")
    assert run.error is None
    assert text_of(notebook) == "Exercise 1: not attempted yet.\nExercise 2: not attempted yet.\n"
    assert "42" in text_of(nbformat.read(folder / "tutor" / "01_a.ipynb", as_version=4))


def test_the_state_of_widgets_is_in_no_handout(project):
    """It may hold the outputs of solutions."""
    path = project / "notebooks" / "01_a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["widgets"] = {"state": {"value": "forty-two"}}
    nbformat.write(notebook, path)
    for file in write(project).glob("*/*"):
        assert "forty-two" not in file.read_text(encoding="utf-8")


def test_links_out_of_the_folder(project):
    """A page of ``docs`` that a notebook links to comes along; of a link to any other file only the text stays."""
    folder = write(project) / "student"
    assert {path.name for path in folder.iterdir()} == {"01_a.html", "01_a.ipynb", "index.html", "words.html"}
    page, words = ((folder / name).read_text(encoding="utf-8") for name in ("01_a.html", "words.html"))
    assert 'href="words.html#of-the-b-trade"' in page and 'id="of-the-b-trade"' in words
    assert "README" not in page + words and "none.md" not in page and "more.md" not in words
    assert 'href="01_a.html#01-·-One"' in unquote(words) and 'id="01-·-One"' in page
    source = nbformat.read(folder / "01_a.ipynb", as_version=4).cells[0].source
    assert source.endswith("[words](words.html#of-the-b-trade), `a[0]`, all, [on](02_b.ipynb)")


def test_notebooks_find_the_results_they_read(project):
    """A notebook that is opened in the handouts reads the stored results as the original does."""
    (project / "benchmarks" / "results").mkdir(parents=True)
    (project / "benchmarks" / "results" / "scratch.json").write_text("{}")
    for _ in range(2):
        folder = write(project)
        assert (folder / "student" / "../benchmarks/results/scratch.json").read_text() == "{}"


def test_tutors_get_the_page_on_teaching(project):
    """Students do not get it. The index leads to the pages that there are."""
    (project / "docs" / "teaching.md").write_text("# Teaching")
    folder = write(project)
    for audience, pages in (("student", ["words.html"]), ("tutor", ["teaching.html", "words.html"])):
        index = (folder / audience / "index.html").read_text(encoding="utf-8")
        assert [page for page in ("teaching.html", "words.html") if f'href="{page}"' in index] == pages
        assert all((folder / audience / page).exists() for page in pages)


def test_a_notebook_is_written_before_the_next_one_runs(project):
    """Handouts are written while the notebooks run, so a run that takes long can be read meanwhile."""
    (name, notebook), folder = stored(project)[0], project / "handouts"

    def running():
        yield name, notebook
        assert (folder / "student" / "01_a.html").exists() and (folder / "tutor" / "01_a.ipynb").exists()
        yield "02_b", notebook

    write_handouts(project / "notebooks", running(), folder, None)
    assert (folder / "student" / "02_b.html").exists()


def test_answers_in_a_handout_are_kept(project, capsys):
    """A handout with somebody's answers, or a file of their own, is in ``kept`` after the handouts are written anew."""
    folder = write(project)
    student, kept = folder / "student", folder / "kept" / "student"
    for answer in ("first", "second"):
        (student / "01_a.ipynb").write_text(answer)
        (student / "mine.txt").write_text(answer)
        capsys.readouterr()
        write(project)
        assert capsys.readouterr().out.count("is not as it was written, so it is kept") == 2
        assert nbformat.read(student / "01_a.ipynb", as_version=4).cells and not (student / "mine.txt").exists()
    assert sorted(path.name for path in kept.iterdir()) == ["01_a.1.ipynb", "01_a.ipynb", "mine.1.txt", "mine.txt"]
    assert (kept / "01_a.ipynb").read_text() == "first" and (kept / "01_a.1.ipynb").read_text() == "second"


def test_handouts_that_nobody_changed_are_replaced_in_silence(project, capsys):
    """Also those of a run that was stopped half way: its handouts are recorded like all others."""
    name, notebook = stored(project)[0]

    def stopped():
        yield name, notebook
        raise KeyboardInterrupt

    folder = project / "build" / "handouts"
    with pytest.raises(KeyboardInterrupt):
        write_handouts(project / "notebooks", stopped(), folder, None)
    assert (folder / "student" / "01_a.html").exists()
    write(project)
    assert "kept" not in capsys.readouterr().out and not (folder / "kept").exists()


@pytest.mark.parametrize("source", ["build/handouts", "build/handouts/student"])
def test_handouts_are_not_written_over_their_source(project, source):
    """The error comes before anything in the folder is changed."""
    folder = write(project)
    before = (folder / "student" / "01_a.ipynb").read_bytes()
    with pytest.raises(ValueError, match="source is .*; it must be outside of .*, which is written anew each time"):
        write_handouts(project / source, stored(project), folder, None)
    assert (folder / "student" / "01_a.ipynb").read_bytes() == before
