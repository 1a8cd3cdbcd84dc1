"""Handouts of a small project: what students and tutors get, and what happens to files that somebody changed."""

import re
import shutil
from pathlib import Path
from urllib.parse import quote, unquote

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tests.classroom.handouts.conftest import stored, write
from tests.classroom.handouts.test_sanitizing import Elements
from tlhelpers.classroom.handouts.writing import write_handouts
from tlhelpers.classroom.runner import run_notebook


def text_of(notebook):
    """Return what all cells of a notebook printed."""
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


@pytest.mark.slow
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


def test_results_that_a_notebook_reads_travel_with_it(project):
    """The handout of one audience, copied alone to another place, has them; a result that nobody reads stays behind."""
    (project / "benchmarks" / "results").mkdir(parents=True)
    for name in ("scratch", "other"):
        (project / "benchmarks" / "results" / f"{name}.json").write_text("{}")
    path = project / "notebooks" / "01_a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(new_code_cell('Path("../benchmarks/results/scratch.json").read_text()', execution_count=1))
    nbformat.write(notebook, path)
    for _ in range(2):
        folder = write(project)
    for audience in ("student", "tutor"):
        shutil.move(folder / audience, project / "elsewhere" / audience)
        cell = nbformat.read(project / "elsewhere" / audience / "01_a.ipynb", as_version=4).cells[-1]
        read = re.search(r'"(.+)"', cell.source)[1]
        assert (project / "elsewhere" / audience / read).read_text() == "{}"
        assert [file.name for file in (project / "elsewhere" / audience / "results").iterdir()] == ["scratch.json"]


def test_the_index_leads_to_page_and_notebook(project):
    """Each link leads to a file that is there, and the one to the notebook not to its page."""
    folder = write(project) / "student"
    links = re.findall(r'href="([^"#:]+)"', (folder / "index.html").read_text(encoding="utf-8"))
    assert links == ["01_a.html", "01_a.ipynb", "words.html"] and all((folder / link).exists() for link in links)


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


def test_answers_that_are_written_during_a_run_are_kept(project):
    """A handout that somebody changes before the last one is written does not count as unchanged."""
    (name, notebook), folder = stored(project)[0], project / "build" / "handouts"

    def running():
        yield name, notebook
        (folder / "student" / "01_a.ipynb").write_text("answered")

    write_handouts(project / "notebooks", running(), folder, None)
    write(project)
    assert (folder / "kept" / "student" / "01_a.ipynb").read_text() == "answered"


@pytest.mark.parametrize("damaged", ['{"student/01_a.html": "12', "", "7", '["a"]', "\xff\0"])
def test_a_damaged_record_costs_nothing(project, capsys, damaged):
    """One line says so, and every file is kept, because nobody can tell which were changed. The next run is as ever."""
    folder = write(project)
    before = {path.name for path in (folder / "student").iterdir()}
    (folder / ".written.json").write_text(damaged, encoding="latin-1")
    capsys.readouterr()
    write(project)
    assert capsys.readouterr().out.count("is damaged, so nobody can tell which files were changed; all are kept.") == 1
    assert {path.name for path in (folder / "kept" / "student").iterdir()} == before
    write(project)
    assert "kept" not in capsys.readouterr().out


def test_two_at_once_do_not_mix(project):
    """The second says in one sentence that it has to wait, before it changes anything."""
    (name, notebook), folder = stored(project)[0], project / "build" / "handouts"

    def running():
        yield name, notebook
        with pytest.raises(RuntimeError, match=f"another tlhelpers writes to {folder}; wait for its end"):
            write(project)
        assert (folder / "student" / "01_a.html").exists()

    write_handouts(project / "notebooks", running(), folder, None)
    assert (folder / "student" / "index.html").exists()


@pytest.mark.parametrize("stop_at", range(1, 12))
def test_wherever_a_run_is_killed_nothing_stays(project, capsys, monkeypatch, stop_at):
    """Every file that is there is recorded and whole, so the next run replaces it in silence; no other file is left."""
    folder, moved, move = project / "build" / "handouts", [], Path.replace

    def move_or_stop(source, target):
        moved.append(target)
        if len(moved) == stop_at:
            raise KeyboardInterrupt
        move(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", move_or_stop)
        with pytest.raises(KeyboardInterrupt):
            write(project)
    (folder / ".new" / "rest").mkdir(parents=True)  # a process that is killed does not clean up
    (folder / ".new" / "rest" / "page.html").write_text("half a page")
    write(project)
    assert "kept" not in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {".written.json", "student", "tutor"}


def test_a_folder_that_cannot_be_written_is_one_sentence(project):
    """The error names the file and the reason."""
    (project / "build").write_text("a file of that name")
    with pytest.raises(RuntimeError, match="cannot read or write .*build.* \\(.*\\); free some space, or make it"):
        write(project)


def test_pictures_beside_a_page_are_in_it(project):
    """A page of ``docs`` shows its picture in the handouts too, where there is no such file."""
    (project / "docs" / "speed.png").write_bytes(b"\x89PNG\r\n")
    words = project / "docs" / "words.md"
    words.write_text(words.read_text(encoding="utf-8") + "\n![Bars: ours is faster](speed.png)", encoding="utf-8")
    page = (write(project) / "student" / "words.html").read_text(encoding="utf-8")
    assert '<img alt="Bars: ours is faster" src="data:image/png;base64,iVBORw0K"' in page


def test_names_are_text_in_every_page(project):
    """The name of a file or of a class, such as ``<b>``, is shown as it is, wherever a page has it."""
    name = "<b onclick=x>[*a*](y)|`&amp;"
    output = new_output("stream", text=f"predicted: {name}")
    cells = [new_code_cell("tl.show()", execution_count=1, outputs=[output])]
    notebook, folder = new_notebook(cells=cells), project / "build" / "handouts"
    write_handouts(project / "notebooks", [(name, notebook)], folder, None)
    for page in (folder / "student" / "index.html", folder / "student" / f"{name}.html"):
        shown = Elements(page.read_text(encoding="utf-8"))
        assert shown.text.count(name) == 1 + (page.name != "index.html") and ("b", {"onclick": "x"}) not in shown.found
    assert f'href="{quote(name)}.html"' in (folder / "student" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("source", ["build/handouts", "build/handouts/student"])
def test_handouts_are_not_written_over_their_source(project, source):
    """The error comes before anything in the folder is changed."""
    folder = write(project)
    before = (folder / "student" / "01_a.ipynb").read_bytes()
    with pytest.raises(ValueError, match="source is .*; it must be outside of .*, which is written anew each time"):
        write_handouts(project / source, stored(project), folder, None)
    assert (folder / "student" / "01_a.ipynb").read_bytes() == before
