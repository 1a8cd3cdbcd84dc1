"""The package as it is installed and described: light to import, whole as a wheel, in step with its papers."""

import os
import pkgutil
import re
import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.error
import urllib.request
import venv
from importlib.metadata import distributions
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import tlhelpers
from tests.test_notebooks import anchors

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE = ("torch", "torchvision", "jupyterlab", "matplotlib", "nbval", "ipywidgets")
SECTIONS = ["1", "2.1", "2.2", "3.1", "3.2", "3.3", "3.3.1", "3.3.2", "3.3.3", "4", "5.1", "5.2", "6"]


def name_of(requirement):
    return re.match(r"[\w-]+", requirement)[0]


def test_import_is_light():
    """Importing the package imports neither torch nor matplotlib: its names come when they are used."""
    code = "import sys, tlhelpers; print(sorted({'torch', 'matplotlib', 'sklearn'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_is_there():
    """What the table of contents lists can be had, and no function hides behind a module of its name."""
    assert [name for name in tlhelpers.__all__ if not hasattr(tlhelpers, name)] == []
    modules = {module.name for module in pkgutil.iter_modules(tlhelpers.__path__)}
    assert modules & set(tlhelpers.__all__) == {"byhand"}  # which are modules


def test_every_public_name_is_used():
    """A name that no notebook and no page speaks of is imported from its module instead."""
    pages = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    used = set(re.findall(r"\btl\.(\w+)", "".join(page.read_text(encoding="utf-8") for page in pages)))
    assert set(tlhelpers.__all__) - used == set()


def test_conda_environment_is_in_step():
    """Python and the six packages of the core have the same lower bounds for conda and for pip."""
    python, pip, through_pip = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert (python, pip) == ("python" + PROJECT["requires-python"], "pip")
    core = [requirement for requirement in PROJECT["dependencies"] if name_of(requirement) in CORE]
    assert through_pip["pip"] == [*core, "-e .[registry,photos,zoo]"]
    assert len(core) == len(CORE)


def test_every_dependency_has_a_reason():
    """The README's table has one row for each dependency of the project, optional ones too, and no other."""
    wanted = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## What it depends on")[1]
    assert sorted(re.findall(r"^\| `([\w-]+)` \| \S", table, re.M)) == sorted(map(name_of, wanted))


def pins(name):
    """Return the requirements of a file of pinned versions by their names; a hash belongs to the line before it."""
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("#", "    --hash="))]
    found = [Requirement(line.removesuffix(" \\")) for line in lines]
    assert len({canonicalize_name(each.name) for each in found}) == len(found), f"{name} pins a package twice"
    assert all(re.fullmatch(r"==[\w.]+", str(each.specifier)) and not each.url for each in found)
    return {canonicalize_name(each.name): each for each in found}


def unfit(wanted, pinned):
    """Return the requirements that no pinned version meets."""
    pinned = {name: str(each.specifier).removeprefix("==") for name, each in pinned.items()}
    wanted = [Requirement(each) for each in wanted]
    return [str(each) for each in wanted if pinned.get(canonicalize_name(each.name), "none") not in each.specifier]


def test_constraints_fit_the_project():
    """Every dependency is pinned, once, in a version that the project allows; if not, run ``make lock``."""
    wanted = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
    assert unfit(wanted, pins("constraints.txt")) == []


def test_lock_agrees_with_constraints():
    """What make installs is locked, in the versions of constraints.txt; if not, run ``make lock``."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = re.search(r"^EXTRAS := (.+)$", makefile, re.M)[1].split()
    assert f"-c constraints.txt -e '.[{','.join(extras)}]'\n\t@touch" in makefile
    locked, pinned = pins("requirements.lock"), pins("constraints.txt")
    wanted = [*PROJECT["dependencies"], *sum((PROJECT["optional-dependencies"][extra] for extra in extras), [])]
    assert unfit(wanted, locked) == []
    assert {name: each.specifier for name, each in locked.items() if each.specifier != pinned[name].specifier} == {}


def test_lock_is_whole():
    """It holds whatever the locked packages ask for in turn on this machine, and what builds the project itself."""
    locked = pins("requirements.lock")
    installed = {canonicalize_name(each.name): each for each in distributions()}
    here = [
        installed[name]
        for name, each in locked.items()
        if name in installed and installed[name].version in each.specifier
    ]
    asked = [Requirement(text) for each in here for text in each.requires or ()]
    asked = {canonicalize_name(each.name) for each in asked if not each.marker or each.marker.evaluate({"extra": ""})}
    assert here and (asked | {"setuptools"}) - set(locked) == set()


def test_lock_has_hashes_and_no_addresses():
    """Every locked package has its SHA-256 hashes, and neither file says where packages come from."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    package = r"[\w.-]+(?:\[[\w, -]+\])?==[\w.]+(?: ; [^\n\\]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n"
    assert re.fullmatch(rf"(?:#[^\n]*\n)*(?:{package})+", lock)
    assert not re.search(r"://|^-", lock + (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)


def test_constraints_suit_the_oldest_python():
    """No pinned version that is installed asks for a later Python than the project does, not even by a patch."""
    oldest, pinned = PROJECT["requires-python"].removeprefix(">=") + ".0", pins("constraints.txt")
    known = [each for each in distributions() if canonicalize_name(each.name) in pinned]
    installed = [each for each in known if each.version in pinned[canonicalize_name(each.name)].specifier]
    wanted = {each.name: each.metadata.get("Requires-Python", "") for each in installed}
    assert {name: asks for name, asks in wanted.items() if oldest not in SpecifierSet(asks)} == {}


def test_links_in_the_papers_resolve():
    """Links from the README and docs/ to files of the project lead somewhere."""
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_article_map_leads_to_headings():
    """Every section of the article leads to a heading of a notebook; one not written yet may be named instead."""
    page = (ROOT / "docs/article_map.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+) \| \S[^|]* \| ([^|]+) \|$", page, re.M)
    assert [section for section, _ in rows] == SECTIONS
    for section, places in rows:
        links = re.findall(r"\]\(\.\./notebooks/(\w+)\.ipynb#([^)]+)\)", places)
        named = re.findall(r"`(\d\d_\w+)`", places)
        assert links or named, f"section {section} leads nowhere"
        for name, anchor in links:
            assert anchor in anchors(ROOT / f"notebooks/{name}.ipynb"), f"section {section}: no heading {anchor}"
        for name in named:
            assert not (ROOT / f"notebooks/{name}.ipynb").exists(), f"section {section}: link to {name}, it is there"


@pytest.mark.slow
def test_wheel_works_outside_the_checkout(tmp_path):
    """The wheel holds the package and nothing else; installed alone it imports, and its command line answers."""
    source = tmp_path / "source"  # so that nothing is built in the checkout, and nothing old of it gets in
    shutil.copytree(ROOT / "tlhelpers", source / "tlhelpers", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=False)
    python = tmp_path / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel]
    subprocess.run(pip, check=True)
    site = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = Path(subprocess.run(site, capture_output=True, text=True, check=True).stdout.strip())
    packages = {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")}
    assert packages == {"tlhelpers"}
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))  # all it depends on, but not the checkout

    code = "import tlhelpers as tl; print(tl.__file__); [getattr(tl, name) for name in tl.__all__]"
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(done.stdout.splitlines()[0]).is_relative_to(site)
    told = subprocess.run([python.parent / "tlhelpers", "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 0 and "prefetch" in told.stdout


def read_when_ready(address):
    """Return a page of a server that has said where it will be, and may still be opening its door."""
    for _ in range(50):
        try:
            return urllib.request.urlopen(address).read().decode()
        except urllib.error.URLError:
            time.sleep(0.2)
    raise TimeoutError(address)


@pytest.mark.slow
def test_lab_is_private_and_quiet(tmp_path):
    """JupyterLab answers on 127.0.0.1, to nobody without the token, and brings no news."""
    (tmp_path / "notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "notebooks/00_a.ipynb")
    command = [sys.executable, "-m", "tlhelpers.cli", "lab"]
    environment = {**os.environ, "BROWSER": "true", "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    server = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        found = (re.search(r"http://127\.0\.0\.1:\d+/lab/tree/work\?token=\w+", line) for line in server.stderr)
        address = next(filter(None, found))[0]
        page = read_when_ready(address)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address.split("/lab")[0] + "/api/contents")
    finally:
        server.terminate()
        server.wait(timeout=30)
    assert re.search(r'"news": \{"disabled": true\}', page)
