"""The handouts of all notebooks: students find no solution and no trace of one, tutors find everything."""

import ast
import copy
import html
import json
import re
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from tlhelpers.classroom.handouts.writing import write_handouts
from tlhelpers.classroom.runner import run_notebook

NOTEBOOKS = Path(__file__).parents[3] / "notebooks"
REAL = {path.stem: nbformat.read(path, as_version=4) for path in sorted(NOTEBOOKS.glob("*.ipynb"))}


pytestmark = pytest.mark.slow  # all notebooks are written, for both readers


def is_solution(cell):
    """Tell whether a cell is the solution of an exercise."""
    return "solution" in cell.metadata.get("tags", [])


def squeeze(text):
    """Return a text without spaces and line breaks, which differ between pages and notebooks."""
    return re.sub(r"\s", "", text)


def strings(value):
    """Return all strings in a value that was read from JSON, the names in dicts included."""
    if isinstance(value, dict):
        return [*value, *(text for part in value.values() for text in strings(part))]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


def readable(path):
    """Return all strings of a notebook, or the text and the attributes of a page."""
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
    """Return, for each solution cell, the lines in it and in its outputs that no other cell of the series holds.

    A line such as ``return output`` is in many cells and gives nothing away. Lines come without spaces, because a page
    may break them elsewhere.
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
    """Return the folder with the handouts of all notebooks, without PDFs."""
    folder = tmp_path_factory.mktemp("handouts") / "handouts"
    write_handouts(NOTEBOOKS, REAL.items(), folder, None)
    return folder


def test_every_solution_has_lines_to_search_for():
    """Each solution has a line of its own besides the call of its check and the verdict of that."""
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
    """Students get every cell except the solutions, tutors every cell; what leads out of the folder changes."""
    student, tutor = (nbformat.read(written / who / f"{name}.ipynb", as_version=4) for who in ("student", "tutor"))
    whole = copy.deepcopy(REAL[name])
    for cell in whole.cells:
        if cell.cell_type == "code":
            cell.source = cell.source.replace("../benchmarks/results/", "results/")
            for file in re.findall(r"results/[\w-]+\.json", cell.source):
                assert all((written / who / file).is_file() for who in ("student", "tutor")), file
    for version in (student, tutor, whole):
        assert version.metadata == whole.metadata
        for cell in version.cells:
            if cell.cell_type == "markdown":
                cell.source = re.sub(r"\[([^\]]*)\]\((\.\./|[\w-]+\.(md|html))[^)]*\)", r"\1", cell.source)
    assert tutor.cells == whole.cells
    for cell in whole.cells:
        if cell.cell_type == "markdown":  # students would look for that solution in vain
            cell.source = re.sub(r" A solution is folded away (below|under each)\.", "", cell.source)
    assert student.cells == [cell for cell in whole.cells if not is_solution(cell)]


@pytest.mark.parametrize("name", REAL)
def test_students_find_no_trace_of_solutions(written, name):
    """No tag, hidden cell, fold or call shows where a solution was; each check is there and says "not attempted"."""
    page, notebook = ((written / "student" / f"{name}{ending}").read_text() for ending in (".html", ".ipynb"))
    for text in (page, notebook):
        assert not re.search("check_solution|source_hidden|celltag_solution|A solution</summary>", text)
    cells = json.loads(notebook)["cells"]
    assert not any("solution" in json.dumps(cell["metadata"]) for cell in cells)
    for number in re.findall(r"### Exercise (\d\d\.\d+)", "".join("".join(cell["source"]) for cell in cells)):
        assert f"Exercise {number}: not attempted yet." in notebook and f"Exercise {number}: not attempted yet." in page


@pytest.mark.parametrize("name", REAL)
def test_nothing_depends_on_a_solution(name):
    """No later cell reads a variable of a solution, unless a cell that is not a solution has assigned it anew."""
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
    """Return the names that a cell assigns, without those inside functions and classes."""
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
    """The index has title and question of every notebook and links to its files, but no link to a missing PDF."""
    for who, other in (("student", "left out"), ("tutor", "folded")):
        page = (written / who / "index.html").read_text(encoding="utf-8")
        text = html.unescape(re.sub("<[^>]*>", " ", page.split("<main")[1]))
        assert other in text and "PDF" not in text
        for name, notebook in REAL.items():
            title, question = list(filter(None, notebook.cells[0].source.splitlines()))[:2]
            assert title.split(" · ")[1] in text and question.replace('"', "") in re.sub('["“”]', "", text)
            assert f'href="{name}.html"' in page and f'href="{name}.ipynb"' in page


def test_every_link_leads_somewhere(written):
    """A link leads to a file of the same folder and a heading that is in it, or to the web."""
    texts = {page: page.read_text(encoding="utf-8") for page in written.glob("*/*.html")}
    headings = {page: set(map(html.unescape, re.findall(r' id="([^"]+)"', text))) for page, text in texts.items()}
    for page, text in texts.items():
        for found in re.findall(r"<a\b[^>]*? href=\"([^\"]+)\"", text.split("<main")[1]):
            link = unquote(html.unescape(found))
            file, _, heading = link.partition("#")
            if not re.match(r"\w+:", link):
                target = page.parent / (file or page.name)
                assert "/" not in file and target.exists(), f"{page.name}: {link}"
                assert not heading or heading in headings[target], f"{page.name}: {link}"


@pytest.mark.slow
def test_a_real_notebook_runs_with_nothing_attempted(written):
    """Notebook 01 for students raises no exception, and every exercise says "not attempted yet"."""
    path = written / "student" / "01_convolution_by_hand.ipynb"
    notebook, run = run_notebook(path)
    assert run.error is None
    text = "".join(str(text) for cell in notebook.cells for text in outputs_of(cell))
    exercises = re.findall(r"### Exercise (\d\d\.\d+)", "".join(cell.source for cell in notebook.cells))
    assert len(exercises) >= 2
    assert re.findall(r"Exercise (\d\d\.\d+): not attempted yet\.", text) == exercises
