"""The notebooks as a reader sees them: one template, the order of reading, and outputs that agree with the text.

nbval tests that they run and still give these outputs (see the Makefile).
"""

import builtins
import html
import itertools
import json
import re
import statistics
import types
from pathlib import Path

import nbformat
import pytest
import torch
import torchvision

import tlhelpers as tl
from tlhelpers.classroom.exercises import all_exercises

ROOT = Path(__file__).parents[1]
FOLDER, README = ROOT / "notebooks", (ROOT / "README.md").read_text(encoding="utf-8")
MEASURED = json.loads((ROOT / "benchmarks/results/notebooks.json").read_text(encoding="utf-8"))
SERIES = [
    "00_start_here",
    "01_convolution_by_hand",
    "02_pooling_by_hand",
    "03_softmax_and_cross_entropy",
    "04_training_from_scratch",
    "05_inside_resnet50",
    "06_feature_extraction",
    "07_fine_tuning",
    "08_strategies_compared",
    "09_choosing_a_pretrained_model",
    "10_faster_and_lighter",
    "11_seeing_what_it_learned",
    "12_privacy_and_robustness",
    "13_your_own_photos",
]
PATHS = sorted(FOLDER.glob("*.ipynb"))
LIBRARIES = (tl, tl.byhand, torch, torch.nn, torch.nn.functional, torch.nn.Module, torch.Tensor, torchvision, builtins)
NUMBER = re.compile(r"(?<![\w.×-])(\d[\d,]*(?:\.\d+)?)(?![\w×]|-\w)( ?%)?")

ASSERTION = r"^\s*(assert |tl\.check_(close|shape)|with tl\.check_frozen)"


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def notebook(request):
    """Return each notebook in turn; ``path`` is its file."""
    notebook = nbformat.read(request.param, as_version=4)
    notebook["path"] = request.param
    return notebook


def code_cells(notebook):
    """Return the cells of code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def markdown_cells(notebook):
    """Return the cells of text."""
    return [cell for cell in notebook.cells if cell.cell_type == "markdown"]


def tags(cell):
    """Return the tags of a cell."""
    return cell.metadata.get("tags", [])


def bullets(cell):
    """Return the items of the lists in a cell."""
    return re.findall(r"^[-*] (.+)$", cell.source, flags=re.M)


def prose(source):
    """Return the sentences of a text, without headings, formulas, code, tables, and the addresses of links."""
    source = re.sub(r"```.*?```|\$\$.*?\$\$|^#.*?$|^\|.*?$", " ", source, flags=re.S | re.M)
    source = re.sub(r"\$[^$\n]+\$", " ", source)
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", source)


def output_text(cell):
    """Return the text in the outputs of a cell."""
    texts = []
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        texts += [output.get("text", ""), data.get("text/plain", "")]
        texts.append(html.unescape(re.sub("<[^>]+>", " ", data.get("text/html", ""))))
    return "\n".join(texts)


def figures(notebook):
    """Return the outputs that are figures."""
    return [output for cell in code_cells(notebook) for output in cell.outputs if "image/png" in output.get("data", {})]


# The series


def test_file_names_are_those_of_the_series():
    """Every notebook has its number and name in the series."""
    assert {path.stem for path in PATHS} <= set(SERIES)


def test_recap_leads_to_the_next_notebook():
    """The last cell links to the next notebook."""
    for path, following in itertools.pairwise(PATHS):
        assert f"]({following.name})" in nbformat.read(path, 4).cells[-1].source, path.stem


def test_links_resolve(notebook):
    """A link within the project leads to a file that exists and to a heading that is in it."""
    for cell in markdown_cells(notebook):
        for target, anchor in re.findall(r"\]\(([^)#:]+)(?:#([^)]*))?\)", cell.source):
            assert (FOLDER / target).is_file(), f"{target} is not there"
            assert not anchor or anchor in anchors(FOLDER / target), f"{target} has no heading {anchor}"


def anchors(path):
    """Return the headings of a notebook in the form in which links name them."""
    cells = markdown_cells(nbformat.read(path, 4))
    return {
        heading.strip().replace(" ", "-") for cell in cells for heading in re.findall(r"^#+ (.+)$", cell.source, re.M)
    }


# The template


def test_first_cell_says_what_the_notebook_needs(notebook):
    """It has the title, one question, what is needed, the time, the memory, and the part of the article."""
    source = notebook.cells[0].source
    assert re.match(rf"# {notebook.path.stem[:2]} · \S", source)
    assert re.search(r"^[A-Z][^*\n]*\?$", source, re.M), "no question on a line of its own"
    time = r"\*\*Time:\*\* about \d+ minutes? to read and \d+ (seconds|minutes?) to run on a laptop CPU"
    assert re.search(rf"^\*\*Needs:\*\* \S.* · {time} · \*\*Memory:\*\* about [\d.,]+ [MG]B$", source, re.M)
    assert re.search(r"^\*\*From the article:\*\* section", source, re.M)
    assert re.search(r"^\*\*Stuck\?\*\* \[Help\]\(\.\./docs/help\.md\)", source, re.M)


def test_the_question_is_the_same_everywhere(notebook):
    """The README and the map in notebook 00 have the question of the first cell in the same words."""
    (question,) = re.findall(r"^[A-Z][^*\n]*\?$", notebook.cells[0].source, re.M)
    number, opening = notebook.path.stem[:2], nbformat.read(FOLDER / "00_start_here.ipynb", 4)
    the_map = next(cell.source for cell in opening.cells if "## The map" in cell.source)
    assert re.search(rf"^\| \[{number}\]\([^)]*\) \| {re.escape(question)} \|", README, re.M)
    assert re.search(rf"^\| \[?{number} · [^|]*\| {re.escape(question)} \|", the_map, re.M)


def test_times_are_those_measured(notebook):
    """Seconds and memory in the first cell and in the README are within a factor of two of the measured ones."""
    measured, source = MEASURED[notebook.path.stem], notebook.cells[0].source
    amount, unit = re.search(r"and (\d+) (second|minute)s? to run", source).groups()
    assert 0.5 <= int(amount) * {"second": 1, "minute": 60}[unit] / measured["seconds"] <= 2
    amount, unit = re.search(r"about ([\d.,]+) ([MG])B$", source, re.M).groups()
    assert 0.5 <= float(amount.replace(",", "")) * {"M": 1, "G": 1000}[unit] / measured["megabytes"] <= 2
    row = re.search(rf"^\| \[\d+\]\(notebooks/{notebook.path.name}\) .* \| (\d+) \| (\d+) \|$", README, re.M)
    assert row[1] == re.search(r"about (\d+) minutes? to read", source)[1]
    assert 0.5 <= int(row[2]) / measured["seconds"] <= 2


def test_objectives_come_first_and_again_last(notebook):
    """The notebook begins with three to five objectives and ends with as many results and with two links or more."""
    objectives, recap = notebook.cells[1], notebook.cells[-1]
    assert objectives.source.startswith("## You will be able to")
    assert recap.source.startswith("## What you have done")
    assert 3 <= len(bullets(objectives)) <= 5
    done = recap.source.split("\n\n")[1]
    assert len(re.findall("^[-*] ", done, re.M)) == len(bullets(objectives))
    assert len(re.findall(r"\]\(https?://", recap.source)) >= 2, "two sources"


def test_imports_come_third(notebook):
    """The third cell imports the package under its short name and sets the seed."""
    source = notebook.cells[2].source
    assert "import tlhelpers as tl" in source and "tl.set_seed(0)" in source


def test_size(notebook):
    """It has 25 to 60 cells (notebook 00: 15 to 60) and four for each exercise; code cells are short."""
    least = 15 if notebook.path.stem.startswith("00") else 25
    exercises = sum("### Exercise" in cell.source for cell in markdown_cells(notebook))
    assert least <= len(notebook.cells) - 4 * exercises <= 60
    lines = [len(cell.source.splitlines()) for cell in code_cells(notebook)]
    assert max(lines) <= 20
    assert statistics.median(lines) <= 5


def test_prose_comes_in_small_portions(notebook):
    """A cell of text has at most 60 words, and the median is at least 15; tasks, first and last cells may have more."""
    counts = {
        cell["id"]: len(re.findall(r"[A-Za-z][\w'’-]*", prose(cell.source)))
        for cell in markdown_cells(notebook)[2:-1]
        if "### Exercise" not in cell.source
    }
    assert {name: count for name, count in counts.items() if count > 60} == {}
    assert statistics.median(counts.values()) >= 15


def test_prose_ends_with_a_sentence(notebook):
    """No cell ends with a heading or in the middle of a sentence."""
    unfinished = [c["id"] for c in markdown_cells(notebook)[2:] if not re.search(r"[.?!:|)`*$]$", c.source.rstrip())]
    assert unfinished == []


def test_headings_do_not_jump(notebook):
    """There is one title. A heading is at most one level deeper than the heading before it."""
    sources = [re.sub(r"```.*?```", "", cell.source, flags=re.S) for cell in markdown_cells(notebook)]
    levels = [len(marks) for source in sources for marks in re.findall(r"^(#+) ", source, re.M)]
    assert levels[0] == 1 and 1 not in levels[1:]
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_cell_ids_are_unique(notebook):
    """No two cells have the same id."""
    names = [cell["id"] for cell in notebook.cells]
    assert len(set(names)) == len(names)


def test_exercises_come_in_four_steps(notebook):
    """Each exercise has a task, a stub, a check, and a hidden solution with the same check.

    There are at least four in a notebook, among them one of 2 minutes and one of 20; notebook 00 may have none.
    """
    number = notebook.path.stem[:2]
    found = []
    for task, *cells in zip(*(notebook.cells[start:] for start in range(4)), strict=False):
        match = re.search(r"^### Exercise (\d\d\.\d+) · .+ \(\d+ minutes, (easy|medium|hard)\)$", task.source, re.M)
        if not match:
            assert task.cell_type == "code" or "## Exercise " not in task.source, task.source
            continue
        found.append(match[1])
        assert [cell.cell_type for cell in cells] == ["code"] * 3
        _, check, solution = cells
        call = re.search(rf'^tl\.check_exercise\("{match[1]}", \w+\)$', check.source, re.M)
        assert call and call[0].replace("check_exercise", "check_solution") in solution.source, match[1]
        assert "solution" in tags(solution) and solution.metadata["jupyter"]["source_hidden"]
        assert "not attempted" in output_text(check) and output_text(solution).strip().endswith("right.")
    assert found == [name for name in all_exercises() if name.startswith(number)]
    assert found == [f"{number}.{count}" for count in range(1, len(found) + 1)]
    assert number == "00" or len(found) >= 4
    minutes = re.findall(r"^### Exercise .+ \((\d+) minutes", "\n".join(c.source for c in notebook.cells), re.M)
    assert number == "00" or {"2", "20"} <= set(minutes)


# The words


def test_helpers_that_are_named_exist(notebook):
    """Every ``tl.name``, in code and in prose, is a name of the package."""
    for cell in notebook.cells:
        for dotted in re.findall(r"(?<![\w.])tl\.([a-z]\w*(?:\.[a-z]\w*)*)", cell.source):
            place = tl
            for part in dotted.split("."):
                if not isinstance(place, types.ModuleType):
                    break
                assert hasattr(place, part), f"tl.{dotted}"
                place = getattr(place, part)


def test_names_in_prose_exist(notebook):
    """A name in backticks that is called or has an underscore is in the code or in a library that the code uses."""
    words = set(re.findall(r"\w+", "\n".join(cell.source for cell in code_cells(notebook))))
    for cell in markdown_cells(notebook):
        for name in re.findall(r"`((?:[A-Za-z]\w*\.)*[A-Za-z]\w*(?=\()|[A-Za-z]\w*_\w*)[^`\n]*`", cell.source):
            last = name.split(".")[-1]
            assert last in words or any(hasattr(library, last) for library in LIBRARIES), name


def numbers_not_in(texts, sentences):
    """Return the numbers in sentences that are in none of the texts, to the digits given; percent may be fractions."""
    seen = [float(found.replace(",", "")) for text in texts for found in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]
    missing = []
    no_code_no_years = re.sub(r"`[^`]*`|\b[12][09]\d\d\)", " ", prose(sentences))
    for text, percent in NUMBER.findall(no_code_no_years):
        value, digits = float(text.replace(",", "")), len(text.partition(".")[2])
        near = [*seen, *(100 * other for other in seen if percent)]
        if not any(abs(value - other) <= 0.5000001 * 10**-digits for other in near):
            missing.append(text + percent)
    return missing


def test_numbers_in_the_recap_were_computed(notebook):
    """Every number in the list at the end is in an output."""
    outputs = [output_text(cell) for cell in code_cells(notebook)]
    for bullet in bullets(notebook.cells[-1]):
        assert numbers_not_in(outputs, bullet) == [], bullet


def test_numbers_in_prose_were_computed_or_set(notebook):
    """From notebook 06 on every number in the text, except in tasks, is in an output or in the code."""
    if notebook.path.stem < "06":
        return
    texts = [output_text(cell) + re.sub(r"(?<=\d)_(?=\d)", "", cell.source) for cell in code_cells(notebook)]
    for cell in markdown_cells(notebook)[1:]:
        assert numbers_not_in(texts, cell.source.split("## Exercise")[0]) == [], cell.source


def test_a_number_that_nobody_computed_is_found():
    """The comparison above uses all digits, takes a percentage for a fraction, and ignores years and code."""
    assert numbers_not_in(["0.941 of 153"], "So 94.1 % of 153 photos (Smith, 2017), `atol=7`.") == []
    assert numbers_not_in(["0.941 of 153"], "So 94.2 % of 154 photos, 0.9412.") == ["94.2 %", "154", "0.9412"]


# The outputs


def test_was_run_top_to_bottom(notebook):
    """The cells have the numbers 1, 2, 3 and so on, as after one run from the top."""
    assert [cell.execution_count for cell in code_cells(notebook)] == list(range(1, len(code_cells(notebook)) + 1))


def test_outputs_are_clean(notebook):
    """There are no errors, warnings, widgets, time stamps or paths of the machine on which they were made."""
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in code_cells(notebook):
        assert "execution" not in cell.metadata
        assert not any(output.output_type == "error" or output.get("name") == "stderr" for output in cell.outputs)
        assert not any("widget" in kind for output in cell.outputs for kind in output.get("data", {}))
        path = re.search(r"(?<![\w.])/(root|home|work|tmp|Users)/\S*|0x[0-9a-f]{6,}", cell.source + output_text(cell))
        assert not path, path


def test_figures_have_alternative_texts(notebook):
    """Every figure has an alternative text of its own, of at least eight words."""
    texts = [output.metadata.get("image/png", {}).get("alt", "") for output in figures(notebook)]
    assert all(len(text.split()) >= 8 for text in texts), min(texts, key=len)
    assert len(set(texts)) == len(texts)


def test_few_outputs_are_ignored(notebook):
    """At most a fifth of the outputs are not compared, and each such cell or the one after it has an assertion."""
    cells = code_cells(notebook)
    ignored = [index for index, cell in enumerate(cells) if "nbval-ignore-output" in tags(cell)]
    assert 5 * len(ignored) <= sum(bool(cell.outputs) for cell in cells)
    for index in ignored:
        here_and_next = "\n".join(cell.source for cell in cells[index : index + 2])
        assert re.search(ASSERTION, here_and_next, re.M), cells[index].source
    everything = "\n".join(cell.source for cell in cells)
    assert "NBVAL" not in everything, "tags, not comments"
    assert not {"nbval-skip", "raises-exception"} & {tag for cell in cells for tag in tags(cell)}
