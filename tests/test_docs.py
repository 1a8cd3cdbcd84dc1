"""The pages around the notebooks: what they name exists, their numbers are right, and their code runs.

``test_package.py`` tests that links to files resolve and that every section of the article is mapped.
"""

import ast
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import nbformat
import pytest
import torch
from torch import nn

import tlhelpers as tl
from tests.test_notebooks import MEASURED, anchors, numbers_not_in, output_text
from tests.tiny import StagedNet, write_folder
from tlhelpers.classroom.exercises import all_exercises
from tlhelpers.cli import build_parser
from tlhelpers.photos.datasets import image_folder

ROOT = Path(__file__).parents[1]
DOCS, NOTEBOOKS = ROOT / "docs", ROOT / "notebooks"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]
# the messages of other programs among those that help.md quotes
FOREIGN = {"Kernel Restarting", "appears to have died. It will restart automatically", "ModuleNotFoundError"}
FOREIGN |= {"No module named 'tlhelpers'", "operator torchvision::nms does not exist"}


@pytest.fixture(params=PAGES, ids=lambda path: path.name)
def page(request):
    """Return the text of each page in turn; ``path`` is its file."""
    return Page(request.param)


class Page(str):
    """The text of a page, with the path of its file."""

    def __new__(cls, path):
        page = super().__new__(cls, path.read_text(encoding="utf-8"))
        page.path = path
        return page


def named(name):
    """Return a page of ``docs``."""
    return Page(DOCS / name)


def commands(text):
    """Return the text in blocks of code and between backticks."""
    blocks = re.findall(r"```\w*\n(.*?)```", text, re.S)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))])


def section(text, heading):
    """Return the text under a heading, with the smaller headings below it."""
    marks = heading.split()[0]
    return re.split(rf"^#{{1,{len(marks)}}} ", text.split(f"\n{heading}\n")[1], maxsplit=1, flags=re.M)[0]


def rows(text):
    """Return the cells of every row of a table, without the line below the head."""
    lines = re.findall(r"^\|(.+)\|$", text, re.M)
    return [[cell.strip() for cell in line.split("|")] for line in lines if not re.fullmatch(r"[-| ]+", line)]


@cache
def words_of(path):
    """Return the code and the outputs of each cell of a notebook."""
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    return [output_text(cell) + cell.source for cell in cells]


# What the pages name exists


def slugs(path):
    """Return the headings of a page in the form in which links on GitHub name them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_links_lead_to_headings(page):
    """A link that names a heading leads to one that exists, in a notebook or on a page."""
    for target, anchor in re.findall(r"\]\(([^)#:]+)#([^)]+)\)", page):
        path = page.path.parent / target
        known = anchors(path) if path.suffix == ".ipynb" else slugs(path)
        assert anchor in known, f"{target} has no heading {anchor}"


def test_link_texts_name_the_heading(page):
    """The number and the heading in the text of a link are those of the notebook and the heading that it leads to."""
    for number, heading, target, anchor in re.findall(r"\[(\d\d)\s+·\s+([^\]]+)\]\(([^)#]+)#([^)]+)\)", page):
        assert Path(target).name.startswith(number)
        assert anchor.startswith(re.sub(r"\s+", "-", heading)), heading


def test_exercises_that_are_named_exist(page):
    """Every number such as 01.2 is that of an exercise, and so is every number such as 10.2 in a link."""
    links = " ".join(re.findall(r"\[([^\]]*)\]\([^)]*#Exercises\)", page))
    named = {*re.findall(r"(?<![\d.])0\d\.\d(?![\d.])", page), *re.findall(r"\d\d\.\d", links)}
    assert named <= set(all_exercises())


def test_helpers_that_are_named_exist(page):
    """Every ``tl.name``, in code and in prose, is a public name of the package."""
    assert {name for name in re.findall(r"(?<![\w.])tl\.(\w+)", page) if not hasattr(tl, name)} == set()


def test_commands_that_are_named_exist(page):
    """Every ``tlhelpers COMMAND`` is one of the command line, and every ``make TARGET`` is in the Makefile."""
    (choices,) = (action.choices for action in build_parser()._actions if action.choices)
    said = re.findall(r"(?:^|[\\/])tlhelpers ([a-z]\w*)", commands(page), re.M)
    assert set(said) <= set(choices)
    targets = re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert set(re.findall(r"(?:^|\s)make ([a-z][\w-]*)", commands(page), re.M)) <= set(targets)


def test_the_readme_leads_to_every_page():
    """It has a link to every page of docs."""
    assert {path for path in DOCS.glob("*.md") if f"](docs/{path.name})" not in PAGES[0].read_text("utf-8")} == set()


def test_messages_in_the_help_are_real():
    """Every message that help.md quotes is a text in the package, except those of other programs."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tlhelpers").rglob("*.py")]
    texts = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    texts = "\n".join(text for text in texts if isinstance(text, str))
    for seen in re.findall(r"^\*\*You see\*\* (.*?)\n\n", named("help.md"), re.M | re.S):
        for message in re.findall(r"`([^`]+)`", seen):
            parts = {part.strip(" ().") for part in re.split(r"…|: |\(|, or ", re.sub(r"\s+", " ", message))}
            assert {part for part in parts if len(part) > 15 and part not in texts} <= FOREIGN


# Their numbers are right


def test_measured_times_and_memory():
    """The table of teaching.md has every notebook, and its numbers are within a factor of two of what was measured."""
    found = rows(section(named("teaching.md"), "### Memory and time"))[1:]
    assert [Path(link.split("(")[1]).stem for link, *_ in found] == list(MEASURED)
    for link, seconds, megabytes in found:
        measured = MEASURED[Path(link.split("(")[1]).stem]
        assert 0.5 <= int(seconds) / measured["seconds"] <= 2, link
        assert 0.5 <= int(megabytes.replace(",", "")) / measured["megabytes"] <= 2, link


@pytest.mark.parametrize("heading", ["### A lesson of two hours", "### A course of one day"])
def test_minutes_of_a_plan_add_up(heading):
    """The minutes in the rows add up to the total below the table."""
    text = section(named("teaching.md"), heading)
    assert sum(int(row[0]) for row in rows(text)[1:]) == int(re.search(r"\*\*Total: (\d+) minutes", text)[1])


def test_the_module_has_every_exercise():
    """The plan of four weeks has all exercises, each once and in their order."""
    weeks = rows(section(named("teaching.md"), "### A module of four weeks"))[1:]
    planned = [name for row in weeks for name in re.findall(r"\b[01]\d\.\d", row[3])]
    assert planned == sorted(all_exercises())


def test_answers_have_numbers_that_were_computed():
    """Every number in an answer is in the notebook to which the link at its end leads."""
    text = section(named("teaching.md"), "## What learners ask")
    answers = re.findall(r"^\d+\. (\*\*.+?)(?=^\d+\. |\Z)", text, re.M | re.S)
    assert len(answers) >= 12
    for answer in answers:
        (name,) = re.findall(r"\]\(\.\./notebooks/([^)#]+)#", answer)
        said = answer.split("**")[2].rsplit("[", 1)[0].replace("notebook", "")
        assert numbers_not_in([*words_of(NOTEBOOKS / name), *STORY], said) == [], said


STORY = ["01 02 03 04 05 06 07 08 09 10", "16 or 32 bits", "224 pixels"]  # names that are numbers, not results


def test_glossary_is_in_order_and_whole():
    """It has at least 50 terms in alphabetical order, each with a Chinese name, a meaning and a link to a heading."""
    terms = rows(named("glossary.md"))[1:]
    names = [row[0].lower() for row in terms]
    assert names == sorted(set(names)) and len(names) >= 50
    for name, chinese, _, meaning, where in terms:
        assert chinese and meaning.endswith((".", "?", ")")), name
        assert re.fullmatch(r"\[.+\]\(\.\./notebooks/.+#.+\)", where), name


# The cheat sheet


def test_stages_are_those_of_the_network():
    """Shapes, parameters and multiply-adds in the table are those of the package's ResNet-50."""
    with torch.device("meta"):  # a device that has shapes and no values, which is enough here
        model, images = tl.ResNet50(), torch.zeros(1, 3, 224, 224)
    layers = {name: m for name, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    table = rows(section(named("cheat_sheet.md"), "## ResNet-50 at 224 pixels"))[1:]
    parts = [part.strip("`") for part, *_ in table]
    with tl.record_layers(model.eval(), *layers, *parts) as outputs:
        model(images)
    for part, (_, _, shape, parameters, millions) in zip(parts, table, strict=True):
        own = [name for name in layers if name.split(".")[0] == part]
        costs = sum(outputs[name][0, 0].numel() * layers[name].weight.numel() for name in own)
        assert shape == str(tuple(outputs[part].shape)).replace("(1, ", "(N, "), part
        assert parameters == f"{tl.count_parameters(model.get_submodule(part))[1]:,}", part
        assert millions == f"{costs / 1e6:,.0f}", part
    assert f"In all {tl.count_parameters(model)[1]:,} parameters" in named("cheat_sheet.md")


@pytest.mark.slow
def test_the_recipe_runs(tmp_path, monkeypatch, capsys):
    """It runs and prints what it promises, here with a small network and small photos."""
    (code,) = re.findall(r"```python\n(.*?)```", section(named("cheat_sheet.md"), "## The recipe"), re.S)
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    photos = image_folder(write_folder(tmp_path / "set", train=6))
    photos = replace(photos, test=photos.val)
    monkeypatch.setattr(tl, "tutorial_photos", lambda: photos)
    monkeypatch.setattr(tl, "load_resnet50", StagedNet)
    exec(compile(code, "cheat_sheet.md", "exec"), {})
    printed = r"^\d of 8 test photos are right, \d+\.\d%; 95 % interval \d+\.\d% to \d+\.\d%$"
    assert re.search(printed, capsys.readouterr().out, re.M)


# Their measurements are those that are stored


def result(name):
    """Return what a benchmark stored."""
    return json.loads((ROOT / f"benchmarks/results/{name}.json").read_text(encoding="utf-8"))


def test_what_was_tried_is_what_was_measured():
    """The counts of security.md are those of the kills, of the damaged inputs and of the cycles; no fault is hidden."""
    kills, race, inputs, cycles = (
        row[1:] for row in rows(section(named("security.md"), "## What was tried to break it"))[1:]
    )
    found = result("kills")["operations"].values()
    total = {name: sum(counts[name] for counts in found) for name in next(iter(found))}
    tried = total.pop("kills in the middle")
    assert kills[0] == f"{tried} kills" and re.findall(r"\d+", kills[1]) == [str(number) for number in total.values()]
    at_once = result("kills")["race"]
    assert race == [
        f"{at_once['processes']} processes",
        "{downloads} download, {right results} right results".format(**at_once),
    ]
    fuzz = result("fuzz")
    assert inputs[0] == f"{fuzz['inputs'] * len(fuzz['outcomes']):,} files"
    assert all(outcome["faults"] == 0 for outcome in fuzz["outcomes"].values()) and set(
        re.findall(r"\d+", inputs[1])
    ) == {"0"}
    held = result("cycles")
    assert cycles[0] == f"{held['cycles']} times"
    early, late = held["after the first third"], held["at the end"]
    assert all(late[name] <= early[name] for name in ("objects", "open files", "threads", "hooks"))
    assert f"from {early['megabytes']:,} to {late['megabytes']:,} megabytes" in cycles[1]


@pytest.mark.parametrize(
    ("heading", "name"),
    [("## Two cores of a CPU", "cpu"), ("## Two cores without AMX", "cpu_without_amx"), ("## A GPU", "cuda")],
)
def test_speeds_are_those_measured(heading, name):
    """Each table of speed.md has all medians and all ratios in the file of the benchmark."""
    stored = json.loads((ROOT / f"benchmarks/results/speed_{name}.json").read_text(encoding="utf-8"))
    wanted = [
        [work, who, str(found["median"]), str(found["ratio"])]
        for work, contest in stored["contests"].items()
        for who, found in contest.items()
    ]
    assert rows(section(named("speed.md"), heading))[1:] == wanted


def test_the_probe_of_the_page_on_speed_is_the_one_measured():
    """Its seconds and accuracy, the time of the article's ten epochs, and the ratio of the times are those stored."""
    probe = json.loads((ROOT / "benchmarks/results/speed_cpu.json").read_text(encoding="utf-8"))["probe"]
    numbers = r"judged probe: ([\d.]+) seconds, with ([\d.]+) % right\. .* take (\d+) seconds, ([\d.]+) times as long"
    wanted = probe["seconds"], round(100 * probe["accuracy"], 1), round(probe["article_ten_epochs"]), probe["ratio"]
    assert tuple(map(float, re.search(numbers, " ".join(named("speed.md").split())).groups())) == wanted


def test_more_photos_are_those_measured():
    """The table of speed.md has the stored numbers, and memory grows by little more than the features."""
    runs = json.loads((ROOT / "benchmarks/results/scaling.json").read_text(encoding="utf-8"))["runs"]
    keys = ("photos", "seconds", "megabytes", "megabytes_of_features")
    found = [[cell.replace(",", "") for cell in row] for row in rows(section(named("speed.md"), "## More photos"))[1:]]
    assert found == [[str(run[key]) for key in keys] for run in runs]
    assert runs[-1]["megabytes"] - runs[0]["megabytes"] < runs[-1]["megabytes_of_features"] + 300
