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
    assert through_pip["pip"] == [*core, "-e .[registry]"]
    assert len(core) == len(CORE)


def test_every_dependency_has_a_reason():
    """The README's table has one row for each dependency of the project, optional ones too, and no other."""
    wanted = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## What it depends on")[1]
    assert sorted(re.findall(r"^\| `([\w-]+)` \| \S", table, re.M)) == sorted(map(name_of, wanted))


def test_constraints_fit_the_project():
    """Every dependency is pinned, once."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line.split("==")[0].lower() for line in lines if not line.startswith("#")]
    wanted = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
    assert all("==" in line for line in lines if not line.startswith("#")) and len(set(pinned)) == len(pinned)
    assert {name_of(requirement) for requirement in wanted} <= set(pinned)


def test_constraints_suit_the_oldest_python():
    """No pinned version that is installed asks for a later Python than the project does, not even by a patch."""
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    pinned = {canonicalize_name(name): version for name, version in pinned.items()}
    installed = [each for each in distributions() if pinned.get(canonicalize_name(each.name)) == each.version]
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
