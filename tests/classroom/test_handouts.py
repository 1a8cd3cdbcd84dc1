"""A handout asks the network for nothing and can be read by everybody; that for students gives no solution away."""

import ast
import copy
import html
import json
import re
import shutil
import zlib
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tlhelpers import cli
from tlhelpers.classroom import handouts, runner
from tlhelpers.classroom.handouts import write_handout, write_handouts

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
REAL = {path.stem: nbformat.read(path, as_version=4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture
def page(tmp_path):
    """The HTML of a small notebook with a formula, links, a figure, a task and its solution."""
    figure = new_output("display_data", {"image/png": PNG}, metadata={"image/png": {"alt": 'a dot, "small"'}})
    cells = [
        new_markdown_cell(
            "# 01 · Page\n\n$\\mathbf W \\mathbf{a}_c$ and [on](02_on.ipynb#The-end), [out](https://a.b/c.ipynb)"
        ),
        new_code_cell("draw()", execution_count=1, outputs=[figure]),
        new_code_cell("def task(): ...", execution_count=2),
        new_code_cell("def task():\n    return 'forty-two'", execution_count=3, metadata={"tags": ["solution"]}),
    ]
    path = tmp_path / "folder" / "01_page.html"
    write_handout(new_notebook(cells=cells), path)
    return path.read_text(encoding="utf-8")


def test_nothing_is_asked_of_the_network(page):
    """No script, style sheet, font or picture comes from elsewhere; links that a reader may click are all there is."""
    fetched = re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=[\"'](?!data:)([^\"']+)", page)
    assert fetched == [] and not re.search(r"url\([\"']?https?:|@import|https?://[^\s\"']*\.js", page)


def test_the_title_is_that_of_the_file(page):
    assert "<title>01_page</title>" in page


def test_the_next_notebook_is_the_next_page(page):
    """Links among the notebooks lead to pages, headings included; those to other places stay as they are."""
    assert 'href="02_on.html#The-end"' in page and 'href="https://a.b/c.ipynb"' in page


def test_figures_keep_their_alternative_text(page):
    """Quotation marks in it do no harm."""
    (attribute,) = re.findall(r"alt=(\"[^\"]*\"|'[^']*')", page)
    assert html.unescape(attribute[1:-1]) == 'a dot, "small"'


def test_formulas_are_mathml_with_bold_letters(page):
    """Browsers draw it by themselves; a letter is bold by its own character, since they ignore mathvariant."""
    assert "<math" in page and "$" not in re.sub(r"<style.*?</style>", "", page, flags=re.S).split("<main")[1]
    assert "<mi>\U0001d416</mi>" in page and 'mathvariant="bold"' not in page


def test_a_solution_is_folded_and_nothing_else(page):
    """The solution's code stands in a fold that is closed at first; the task stands open."""
    (fold,) = re.findall(r"<details>.*?</details>", page, re.S)
    assert "forty-two" in fold and "A solution" in fold
    assert ">task<" in page.replace(fold, "")
    text = re.sub(r"<style.*?</style>|data:[^\"]*", "", page.replace(fold, ""), flags=re.S).split("<main")[1]
    assert "forty-two" not in text


# For students and for tutors


def is_solution(cell):
    return "solution" in cell.metadata.get("tags", [])


def squeeze(text):
    """Return a text without blanks and line ends, which pages and notebooks set in ways of their own."""
    return re.sub(r"\s", "", text)


def strings(value):
    """Return all strings in what was read from JSON, names included."""
    if isinstance(value, dict):
        return [*value, *(text for part in value.values() for text in strings(part))]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


def readable(path):
    """Return what can be read in a handout: all strings of a notebook, the text and the attributes of a page."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        return squeeze("".join(strings(json.loads(text))))
    text = re.sub(r"<(style|script)\b.*?</\1>|data:[\w/]+;base64,[^\"]*", "", text, flags=re.S)
    attributes = " ".join(re.findall(r"<[^>]*>", text))
    return squeeze(html.unescape(re.sub(r"<[^>]*>", "", text) + attributes))


def outputs_of(cell):
    """Return the texts of a cell's outputs."""
    outputs = cell.get("outputs", [])
    return [text for output in outputs for text in (output.get("text", ""), *output.get("data", {}).values())]


def telling_lines(notebooks):
    """Return, for each solution cell, its lines and those of its outputs that no other cell of the series holds.

    The line with ``def`` is also the task's, and ``return output`` is everybody's: they tell nothing. What tells is
    looked for without blanks, since a page may break lines elsewhere.
    """
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    shared = squeeze("\n".join("\n".join([c.source, *map(str, outputs_of(c))]) for c in cells if not is_solution(c)))
    return {
        cell["id"]: [
            line
            for line in map(squeeze, "\n".join([cell.source, *outputs_of(cell)]).splitlines())
            if line and line not in shared
        ]
        for cell in cells
        if is_solution(cell)
    }


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of handouts of all real notebooks, without PDFs."""
    folder = tmp_path_factory.mktemp("handouts") / "handouts"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(handouts, "BROWSERS", ())
        write_handouts(NOTEBOOKS, REAL.items(), folder)
    return folder


def test_every_solution_tells_something():
    """The search below looks for at least one line of every solution besides the call of its check and the verdict."""
    for name, lines in telling_lines(REAL.values()).items():
        assert [line for line in lines if "check_solution" not in line and not line.endswith(":right.")], name


def test_students_find_no_solution(written):
    """No file for students holds a line that only solutions and their outputs hold; those for tutors hold all."""
    lines = {line for lines in telling_lines(REAL.values()).values() for line in lines}
    files = [path for path in (written / "student").iterdir() if path.suffix in (".html", ".ipynb")]
    assert len(files) >= 2 * len(REAL) + 1 and len(lines) > 2 * len(REAL)
    for path in files:
        text = readable(path)
        assert [line for line in lines if line in text] == [], path.name
    for ending in (".html", ".ipynb"):
        text = "".join(readable(path) for path in (written / "tutor").glob(f"*{ending}"))
        assert [line for line in lines if line not in text] == []


@pytest.mark.parametrize("name", REAL)
def test_all_else_is_in_both(written, name):
    """Students have every cell but the solutions, tutors every cell; only links out of the folder lead elsewhere."""
    student, tutor = (nbformat.read(written / who / f"{name}.ipynb", as_version=4) for who in ("student", "tutor"))
    whole = copy.deepcopy(REAL[name])
    for version in (student, tutor, whole):
        assert version.metadata == whole.metadata
        for cell in version.cells:
            if cell.cell_type == "markdown":
                cell.source = re.sub(r"\[([^\]]*)\]\((\.\./|[\w-]+\.(md|html))[^)]*\)", r"\1", cell.source)
    assert tutor.cells == whole.cells
    for cell in whole.cells:
        if cell.cell_type == "markdown":  # which students would look for in vain
            cell.source = re.sub(r" A solution is folded away (below|under each)\.", "", cell.source)
    assert student.cells == [cell for cell in whole.cells if not is_solution(cell)]


@pytest.mark.parametrize("name", REAL)
def test_students_find_no_trace_of_solutions(written, name):
    """No tag, no hidden cell, no fold, no call that only solutions make; each check is there, and unanswered."""
    page, notebook = ((written / "student" / f"{name}{ending}").read_text() for ending in (".html", ".ipynb"))
    for text in (page, notebook):
        assert not re.search("check_solution|source_hidden|celltag_solution|A solution</summary>", text)
    cells = json.loads(notebook)["cells"]
    assert not any("solution" in json.dumps(cell["metadata"]) for cell in cells)
    for number in re.findall(r"### Exercise (\d\d\.\d+)", "".join("".join(cell["source"]) for cell in cells)):
        assert f"Exercise {number}: not attempted yet." in notebook and f"Exercise {number}: not attempted yet." in page


@pytest.mark.parametrize("name", REAL)
def test_nothing_depends_on_a_solution(name):
    """What a solution binds is not read by a later cell, unless one that is no solution has bound it anew."""
    bound = set()
    for cell in REAL[name].cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(re.sub(r"^[%!].*$", "", cell.source, flags=re.M))
        if is_solution(cell):
            bound |= bound_names(tree)
            continue
        read = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        assert not read & (bound - bound_names(tree)), cell.source
        bound -= bound_names(tree)


def bound_names(tree):
    """Return the names that the statements of a cell bind, those inside of functions and classes left aside."""
    names, waiting = set(), list(tree.body)
    for node in waiting:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
            continue
        if isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        waiting += ast.iter_child_nodes(node)
    return names


def test_the_index_names_all(written):
    """Each notebook with number, title and question, and with links to what is there; a PDF only where it is."""
    for who, other in (("student", "left out"), ("tutor", "folded")):
        page = (written / who / "index.html").read_text(encoding="utf-8")
        text = html.unescape(re.sub("<[^>]*>", " ", page.split("<main")[1]))
        assert other in text and "PDF" not in text
        for name, notebook in REAL.items():
            title, question = list(filter(None, notebook.cells[0].source.splitlines()))[:2]
            assert title.split(" · ")[1] in text and question.replace('"', "") in re.sub('["“”]', "", text)
            assert f'href="{name}.html"' in page and f'href="{name}.ipynb"' in page


def test_every_link_leads_somewhere(written):
    """To a file of the same folder and to a heading that is in it, or to the web."""
    for page in written.glob("*/*.html"):
        text = page.read_text(encoding="utf-8").split("<main")[1]
        for found in re.findall(r"<a\b[^>]*? href=\"([^\"]+)\"", text):
            link = unquote(html.unescape(found))
            file, _, heading = link.partition("#")
            if not re.match(r"\w+:", link):
                assert "/" not in file and (page.parent / (file or page.name)).exists(), f"{page.name}: {link}"
                target = (page.parent / (file or page.name)).read_text(encoding="utf-8") if heading else ""
                assert not heading or f'id="{heading}"' in html.unescape(target), f"{page.name}: {link}"


# Small ones


def task(number):
    """Return the code of an exercise: stub, check and solution."""
    answer = f"def task_{number}():\n    return 6 * 7\nprint(task_{number}())"
    return [
        new_code_cell(f"def task_{number}(): ...  # your turn"),
        new_code_cell(f"print('Exercise {number}:', task_{number}() or 'not attempted yet.')"),
        new_code_cell(answer, metadata={"tags": ["solution"]}),
    ]


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A project of one executed notebook with two exercises, and pages beside it; it is the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(handouts, "BROWSERS", ())
    words = "[words](../docs/words.md#of-the-b-trade), [`a[0]`](../docs/none.md), [all](../README.md), [on](02_b.ipynb)"
    cells = [new_markdown_cell(f"# 01 · One\n\nWhy | so?\n\n{words}"), *task(1), *task(2)]
    (tmp_path / "notebooks").mkdir()
    nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / "01_a.ipynb")
    notebook, run = runner.run_notebook(tmp_path / "notebooks" / "01_a.ipynb")
    assert run.error is None
    nbformat.write(notebook, tmp_path / "notebooks" / "01_a.ipynb")
    (tmp_path / "docs").mkdir()
    links = "[one](../notebooks/01_a.ipynb#01-·-One), [more](more.md), [all](../README.md)"
    (tmp_path / "docs" / "words.md").write_text(f"# Words\n\n## Of the *B* trade\n\n{links}", encoding="utf-8")
    (tmp_path / "docs" / "more.md").write_text("# More")
    return tmp_path


def texts_of(path):
    return "".join(text for cell in nbformat.read(path, as_version=4).cells for text in outputs_of(cell))


def test_students_run_to_the_end_with_nothing_attempted(small, capsys):
    """The notebook for students has no exception, and every check says that nothing was attempted."""
    assert cli.main(["handouts"]) == 0
    assert capsys.readouterr().out.startswith("No PDFs, because")
    notebook, run = runner.run_notebook(small / "build/handouts/student/01_a.ipynb")
    assert run.error is None
    texts = "".join(text for cell in notebook.cells for text in outputs_of(cell))
    assert texts == "Exercise 1: not attempted yet.\nExercise 2: not attempted yet.\n"
    assert "42" in texts_of(small / "build/handouts/tutor/01_a.ipynb")


def test_nothing_is_left_in_what_editors_store(small):
    """The state of widgets, which may hold the outputs of solutions, is in no handout."""
    path = small / "notebooks" / "01_a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata["widgets"] = {"state": {"value": "forty-two"}}
    nbformat.write(notebook, path)
    cli.main(["handouts"])
    for file in (small / "build/handouts").glob("*/*"):
        assert "forty-two" not in file.read_text(encoding="utf-8")


def test_links_out_of_the_folder(small):
    """A page of docs that is linked comes along; of a link to what does not, the words are left."""
    cli.main(["handouts"])
    folder = small / "build/handouts/student"
    assert {path.name for path in folder.iterdir()} == {"01_a.html", "01_a.ipynb", "index.html", "words.html"}
    page, words = ((folder / name).read_text(encoding="utf-8") for name in ("01_a.html", "words.html"))
    assert 'href="words.html#of-the-b-trade"' in page and 'id="of-the-b-trade"' in words
    assert "README" not in page + words and "none.md" not in page and "more.md" not in words
    assert 'href="01_a.html#01-·-One"' in unquote(words) and 'id="01-·-One"' in page
    source = nbformat.read(folder / "01_a.ipynb", as_version=4).cells[0].source
    assert source.endswith("[words](words.html#of-the-b-trade), `a[0]`, all, [on](02_b.ipynb)")


def test_what_was_not_run_is_left_out_and_said(small, capsys):
    """A notebook with an error, or with a cell that was never run, has no handout, nor keeps an older one."""
    path = small / "notebooks" / "01_a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.write(notebook, small / "notebooks" / "02_b.ipynb")
    nbformat.write(notebook, small / "notebooks" / "03_c.ipynb")
    assert cli.main(["handouts"]) == 0
    notebook.cells[1].execution_count = None
    nbformat.write(notebook, small / "notebooks" / "02_b.ipynb")
    notebook.cells[1].execution_count = 1
    notebook.cells[1].outputs = [new_output("error", ename="ValueError", evalue="no", traceback=[])]
    nbformat.write(notebook, small / "notebooks" / "03_c.ipynb")
    assert cli.main(["handouts"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in said if "left out" in line] == ["02_b", "03_c"]
    pages = {path.name for path in (small / "build/handouts/tutor").iterdir()}
    assert pages == {"01_a.html", "01_a.ipynb", "index.html", "words.html"}


@pytest.mark.parametrize("command", ["run", "handouts"])
@pytest.mark.parametrize("source", ["build/handouts", "build/handouts/student"])
def test_handouts_are_not_written_over_their_source(small, capsys, command, source):
    """Whoever works in a folder of handouts loses nothing by a command that names it."""
    cli.main(["handouts"])
    shutil.copy(small / "notebooks" / "01_a.ipynb", small / "build" / "handouts")
    before = (small / source / "01_a.ipynb").read_bytes()
    assert cli.main([command, source]) == 1
    assert f"{Path(source)} is written anew each time" in capsys.readouterr().err
    assert (small / source / "01_a.ipynb").read_bytes() == before


def test_notebooks_find_the_results_they_read(small):
    """A handout that is opened where it lies reads the stored results as the original does."""
    (small / "benchmarks/results").mkdir(parents=True)
    (small / "benchmarks/results/scratch.json").write_text("{}")
    cli.main(["handouts"])
    cli.main(["handouts"])
    assert (small / "build/handouts/student/../benchmarks/results/scratch.json").read_text() == "{}"


def test_tutors_get_the_page_on_teaching(small):
    """Students do not; the index leads to the pages that are there."""
    (small / "docs" / "teaching.md").write_text("# Teaching")
    cli.main(["handouts"])
    for who, pages in (("student", ["words.html"]), ("tutor", ["teaching.html", "words.html"])):
        index = (small / "build/handouts" / who / "index.html").read_text(encoding="utf-8")
        assert [page for page in ("teaching.html", "words.html") if f'href="{page}"' in index] == pages
        assert all((small / "build/handouts" / who / page).exists() for page in pages)


def test_answers_in_a_handout_are_kept(small, capsys):
    """Whoever answered in a handout, or put a file of their own there, finds it in ``kept`` after the next writing."""
    cli.main(["handouts"])
    student, kept = small / "build/handouts/student", small / "build/handouts/kept/student"
    for answer in ("first", "second"):
        (student / "01_a.ipynb").write_text(answer)
        (student / "mine.txt").write_text(answer)
        capsys.readouterr()
        cli.main(["handouts"])
        assert capsys.readouterr().out.count("is not as it was written, so it is kept") == 2
        assert nbformat.read(student / "01_a.ipynb", as_version=4).cells and not (student / "mine.txt").exists()
    assert sorted(path.name for path in kept.iterdir()) == ["01_a.1.ipynb", "01_a.ipynb", "mine.1.txt", "mine.txt"]
    assert (kept / "01_a.ipynb").read_text() == "first" and (kept / "01_a.1.ipynb").read_text() == "second"


def test_handouts_that_nobody_changed_are_replaced_in_silence(small, capsys):
    """Also those of a writing that was stopped half way."""
    monkey = pytest.MonkeyPatch()
    monkey.setattr(handouts, "_write_index", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["handouts"])
    monkey.undo()
    cli.main(["handouts"])
    assert "kept" not in capsys.readouterr().out and not (small / "build/handouts/kept").exists()


def test_a_browser_that_fails_costs_the_pdf_only(small, monkeypatch, capsys):
    """One line a page says so, the index names no PDF, and nothing else is left behind."""
    monkeypatch.setattr(handouts, "BROWSERS", ("false",))
    assert cli.main(["handouts"]) == 0
    assert capsys.readouterr().out.count("has no PDF") == 2
    names = sorted(path.name for path in (small / "build/handouts").iterdir())
    assert names == [".written.json", "student", "tutor"]
    assert "PDF" not in (small / "build/handouts/tutor/index.html").read_text().split("<main")[1]


@pytest.mark.slow
def test_a_real_notebook_runs_with_nothing_attempted(written):
    """Notebook 01 for students has no exception, and every exercise says "not attempted yet"."""
    path = written / "student" / "01_convolution_by_hand.ipynb"
    notebook, run = runner.run_notebook(path)
    assert run.error is None
    text = "".join(str(text) for cell in notebook.cells for text in outputs_of(cell))
    exercises = re.findall(r"### Exercise (\d\d\.\d+)", "".join(cell.source for cell in notebook.cells))
    assert len(exercises) >= 2
    assert re.findall(r"Exercise (\d\d\.\d+): not attempted yet\.", text) == exercises


@pytest.mark.slow
@pytest.mark.skipif(not any(map(shutil.which, handouts.BROWSERS)), reason="no Chromium to print PDFs with")
def test_pdfs_show_solutions_open(small, monkeypatch):
    """The tutor's PDF shows what the page folds, and is longer than the student's by it; the index leads to both."""
    monkeypatch.undo()
    monkeypatch.chdir(small)
    path = small / "notebooks" / "01_a.ipynb"
    notebook = nbformat.read(path, as_version=4)
    solution = notebook.cells[3]
    solution.source = "\n".join([solution.source, *(f"# line {number}" for number in range(60))])
    notebook.cells = notebook.cells[:4]
    nbformat.write(notebook, path)
    assert cli.main(["handouts"]) == 0
    student, tutor = ((small / "build/handouts" / who / "01_a.pdf").read_bytes() for who in ("student", "tutor"))
    assert student.startswith(b"%PDF") and (count_pages(student), count_pages(tutor)) == (1, 2)
    assert b"file:" not in student + tutor and b"file:" not in unpacked(tutor)
    page = (small / "build/handouts/tutor/index.html").read_text()
    assert 'href="01_a.pdf"' in page
    names = sorted(path.name for path in (small / "build/handouts").iterdir())
    assert names == [".written.json", "student", "tutor"]


def unpacked(pdf):
    """Return the compressed parts of a PDF as they were before."""
    parts = re.findall(rb"FlateDecode.*?stream\r?\n(.*?)endstream", pdf, re.S)
    return b"".join(zlib.decompressobj().decompress(part) for part in parts)


def count_pages(pdf):
    """Return the number of pages of a PDF."""
    return len(re.findall(rb"/Type\s*/Page\b", pdf + unpacked(pdf)))
