"""The structure of the code: imports go one way, functions and modules are short, CONTRIBUTING.md shows the tree."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tlhelpers"
MODULES = sorted(PACKAGE.rglob("*.py"))
# From the top down. A module may import from its own row and from the rows below.
LAYERS = (
    "benchmarks",
    "tests",
    "tools",
    "tlhelpers.cli",
    "tlhelpers.doctor",
    "tlhelpers.storage",
    "tlhelpers.classroom",
    "tlhelpers.widgets",
    "tlhelpers.cost",
    "tlhelpers.training",
    "tlhelpers.features",
    "tlhelpers.plots",
    "tlhelpers.pictures",
    "tlhelpers.photos",
    "tlhelpers.network",
    "tlhelpers.precision",
    "tlhelpers.names",
    "tlhelpers.fonts",
    "tlhelpers.fetch",
    "tlhelpers.download",
    "tlhelpers.archives",
    "tlhelpers.kept",
    "tlhelpers.files",
    "tlhelpers.locks",
    "tlhelpers.machine",
    "tlhelpers.allocator",
    "tlhelpers.arguments",
    "tlhelpers.bars",
    "tlhelpers.byhand",
)


@pytest.fixture(scope="module")
def imports() -> list[tuple[str, str]]:
    """Return every import of one module of the project by another, also those inside functions."""
    graph = grimp.build_graph("tlhelpers", "tests", "benchmarks", "tools", cache_dir=None)
    return sorted((one, other) for one in graph.modules for other in graph.find_modules_directly_imported_by(one))


def row(module: str) -> int:
    """Return the place of a module among the layers."""
    return next(i for i, layer in enumerate(LAYERS) if module == layer or module.startswith(f"{layer}."))


def test_no_import_climbs(imports):
    """A module imports from its own layer or from below."""
    inside = [(one, other) for one, other in imports if other != "tlhelpers"]
    assert [f"{one} imports {other}" for one, other in inside if row(one) > row(other)] == []


def test_the_package_does_not_import_from_its_table_of_contents(imports):
    """Inside the package every import names the module, so that no import can climb unseen."""
    assert [one for one, other in imports if other == "tlhelpers" and one.startswith("tlhelpers.")] == []


def test_no_imports_form_a_circle(imports):
    """The modules can be put into an order in which each imports only from those before it."""
    graph: dict[str, set[str]] = {}
    for one, other in imports:
        graph.setdefault(one, set()).add(other)
    assert len(list(TopologicalSorter(graph).static_order())) > len(MODULES) - 5  # raises CycleError with the circle


def test_every_module_has_a_layer():
    """A new folder of the package has to be given its place."""
    parts = {path.relative_to(PACKAGE).with_suffix("").parts[0] for path in MODULES} - {"__init__"}
    assert {f"tlhelpers.{part}" for part in parts} == {layer for layer in LAYERS if "." in layer}


def patched_names(path: Path) -> list[str]:
    """Return the last names of what a test replaces with ``monkeypatch.setattr``."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setattr":
            name = node.args[0] if isinstance(node.args[0], ast.Constant) else node.args[1]
            found.append(str(name.value).split(".")[-1] if isinstance(name, ast.Constant) else "")
    return found


def test_no_test_reaches_into_private_constants():
    """What a test must vary is an argument; neither a constant nor a private name is replaced."""
    tests = sorted((ROOT / "tests").rglob("*.py"))
    found = [f"{path.relative_to(ROOT)}: {name}" for path in tests for name in patched_names(path)]
    assert [each for each in found if re.search(r": (_|(?!CDLL)[A-Z][A-Z_]*$)", each)] == []  # CDLL is a function


def lines_of_code(function: ast.FunctionDef, lines: list[str]) -> int:
    """Count the lines of a function that are neither blank, nor a comment, nor its docstring."""
    body = function.body
    has_docstring = ast.get_docstring(function) is not None
    skipped = range(body[0].lineno, body[0].end_lineno + 1) if has_docstring else ()
    numbered = ((number, lines[number - 1].strip()) for number in range(function.lineno, function.end_lineno + 1))
    return sum(bool(line) and not line.startswith("#") and number not in skipped for number, line in numbered)


def functions_of(path: Path) -> list[tuple[str, int]]:
    """Return the name and the lines of code of every function of a module."""
    source = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return [(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", lines_of_code(node, lines)) for node in found]


def test_functions_are_short():
    """No function has more than 30 lines of code, and half of them have fewer than 10."""
    sizes = [entry for path in MODULES for entry in functions_of(path)]
    assert [f"{name}: {size}" for name, size in sizes if size > 30] == []
    assert median(size for _, size in sizes) < 10


def test_modules_are_short():
    """No module has more than 250 lines."""
    sizes = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: size for name, size in sizes.items() if size > 250} == {}


def tree() -> str:
    """Return the tree of the package, one line a module: its name and the first sentence of its docstring."""
    lines = []
    for path in sorted(MODULES, key=lambda path: path.relative_to(PACKAGE).parts):
        parts = path.relative_to(PACKAGE).parts
        folder = parts[:-1]
        about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]
        name = f"{folder[-1]}/" if folder and parts[-1] == "__init__.py" else parts[-1]
        depth = len(folder) - (name != parts[-1])
        lines.append(f"{'  ' * (depth + 1)}{name:<{34 - 2 * depth}}{about}")
    return "\n".join(["tlhelpers/", *lines])


def test_the_tree_in_the_guide_is_the_one_on_disk():
    """CONTRIBUTING.md shows every module of the package with its first sentence."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    shown = re.search(r"^tlhelpers/\n(.*?)^```", page, re.M | re.S)
    assert shown is not None and shown[0].removesuffix("```").strip() == tree()


if __name__ == "__main__":  # python -m tests.test_structure prints the tree for the guide
    print(tree())
