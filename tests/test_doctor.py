"""Each line of the doctor stands for itself, says what to do, and counts if the notebooks need what it is about."""

import json
import os
import sys
import tempfile
import time

import numpy as np
import pytest
import torchvision
from torch import zeros

from tests.servers import nobody, serving, silent_host
from tests.tiny import write_folder
from tlhelpers import cli
from tlhelpers.doctor import describe_cache, hardware, software, stored
from tlhelpers.doctor.examination import CHECKS, Check, as_json, as_line, choose, examine, is_ready
from tlhelpers.doctor.findings import Finding, missing, ok, wrong
from tlhelpers.features.cache import cached_features
from tlhelpers.network import he2015
from tlhelpers.photos import ants_and_bees


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Return the cache folder of the test, which does not exist yet; no photos are named."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TLHELPERS_PHOTOS", raising=False)
    return tmp_path / "cache"


def fail():
    """Raise an error of several lines."""
    raise PermissionError("no\nentry")


# The command


def test_the_json_is_a_list_for_a_table(capsys):
    """It has a row for each thing with the same four columns; on an empty cache the weights are missing."""
    assert cli.main(["doctor", "--json", "--offline"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [check.name for check in CHECKS]
    assert {tuple(row) for row in rows} == {("name", "state", "found", "remedy")}
    assert {row["state"] for row in rows} <= {"ok", "missing", "wrong", "unknown"}
    assert all(row["found"] and bool(row["remedy"]) == (row["state"] != "ok") for row in rows)
    by_name = {row["name"]: row for row in rows}
    assert by_name["weights"]["state"] == by_name["photos"]["state"] == "missing"
    assert "tlhelpers prefetch" in by_name["weights"]["remedy"]
    here = ("Python", "torch", "torchvision", "pair", "Jupyter", "kernel", "processor", "device", "cache")
    assert {by_name[name]["state"] for name in (*here, "solar cells")} == {"ok"}


def test_the_lines_are_columns(capsys):
    """Names, states and what was found begin at the same places; the remedy is below what was found."""
    assert cli.main(["doctor", "--offline"]) == 1
    *lines, _, last = capsys.readouterr().out.splitlines()
    assert last == "Not ready: see the arrows above." and max(map(len, lines)) <= 120
    for line in lines:
        assert line[:22].isspace() or (line[12] == " " and line[13:21].split()[0] in ("ok", "missing", "wrong"))
    assert " " * 22 + "-> fetch what is missing" in "\n".join(lines)


@pytest.mark.parametrize(
    ("options", "more"),
    [({"offline": True, "verify": False}, []), ({"offline": False, "verify": True}, ["network", "files"])],
)
def test_options_choose_the_rows(options, more):
    """Without a network no host is asked; every file is read only if somebody wants that."""
    assert [check.name for check in choose(**options)] == [check.name for check in CHECKS] + more


def test_a_check_that_fails_costs_its_own_line_only():
    """Its state is unknown, with the first line of the reason; the lines after it are there."""
    broken, sound = Check("broken", fail), Check("sound", lambda: ok("all"))
    (_, first), (_, second) = examine([broken, sound])
    assert (first.state, first.found, second) == ("unknown", "PermissionError: no", ok("all"))
    assert as_line(broken, first).startswith("broken       unknown  PermissionError: no\n")
    long = wrong("word " * 60, "do this " * 30)
    assert max(map(len, as_line(sound, long).splitlines())) <= 120
    assert json.loads(as_json([(sound, second)])) == [{"name": "sound", "state": "ok", "found": "all", "remedy": ""}]


@pytest.mark.parametrize(
    ("name", "finding", "ready"),
    [
        ("photos", missing("none", "fetch"), True),
        ("photos", wrong("others", "correct"), False),
        ("solar cells", wrong("none", "install"), False),
        ("weights", missing("none", "fetch"), False),
        ("GPU", wrong("unused", "update"), True),
        ("network", missing("nobody", "copy"), True),
        ("torch", Finding("unknown", "why"), False),
    ],
)
def test_what_the_notebooks_need_decides(name, finding, ready):
    """No ants and bees, a GPU that is not used and no network are no error; all else that is not ok is one."""
    check = next(check for check in choose(offline=False, verify=True) if check.name == name)
    assert is_ready([(check, finding)]) is ready


# Software


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        ("raise OSError('libx.so')", "wrong", "does not load (OSError: libx.so)"),
        ("raise RuntimeError('operator nms')", "wrong", "does not load (RuntimeError: operator nms)"),
        ("import no_such_package", "wrong", "does not load, because no_such_package is missing"),
        ("__version__ = '1.2'", "ok", "1.2"),
        (None, "missing", "not installed"),
    ],
)
def test_a_package_that_does_not_load_has_a_remedy(tmp_path, monkeypatch, code, state, words):
    """Whatever its import raises."""
    monkeypatch.syspath_prepend(tmp_path)
    name = f"package_{state}_{len(words)}"
    if code:
        (tmp_path / f"{name}.py").write_text(code)
    finding = software.find_package(name)
    assert (finding.state, finding.found, bool(finding.remedy)) == (state, words, state != "ok")


def test_torchvision_of_another_torch_is_wrong(monkeypatch):
    """Its compiled code is called, because its import alone may succeed."""
    assert software.find_pair().state == "ok"
    monkeypatch.setattr(torchvision.ops, "nms", lambda *_: fail())
    assert software.find_pair() == wrong(
        "torchvision does not work with this torch (PermissionError)", software.INSTALL_BOTH
    )


def test_widgets_that_jupyterlab_cannot_draw_are_wrong(monkeypatch):
    """The version of ipywidgets needs another one of jupyterlab_widgets, or JupyterLab does not find the files."""
    assert software.find_jupyter().state == "ok"
    monkeypatch.setattr("jupyter_client.kernelspec.KernelSpecManager.kernel_dirs", [])
    assert "does not find" in software.find_jupyter().found
    monkeypatch.setattr(
        software, "version", {"jupyterlab": "4.6", "ipywidgets": "7.8", "jupyterlab_widgets": "3.0"}.get
    )
    assert "do not fit each other" in software.find_jupyter().found


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("#!/bin/sh\necho '[\"tlhelpers\"]'", "which has no tlhelpers"),
        ("#!/bin/sh\necho '[]'", "another Python than this one"),
        ("#!/bin/sh\nexit 1", "which does not start (CalledProcessError)"),
        (None, "which does not start (FileNotFoundError)"),
    ],
)
def test_a_kernel_of_another_python_is_wrong(tmp_path, monkeypatch, script, words):
    """Jupyter would start what a file of settings names; the line says what is wrong with it."""
    python, spec = tmp_path / "bin" / "python3", tmp_path / "kernels" / "python3" / "kernel.json"
    for path in (python, spec):
        path.parent.mkdir(parents=True)
    if script:
        python.write_text(script)
        python.chmod(0o755)
    spec.write_text(json.dumps({"argv": [str(python)], "display_name": "old", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    finding = software.find_kernel()
    assert finding.state == "wrong" and f"{python}, {words}" in finding.found


# Cache, weights and photos


def test_a_cache_folder_that_is_not_there_yet_is_no_error(cache):
    """It is made when something is first stored."""
    assert stored.find_cache().state == "ok" and not cache.exists()


def test_a_read_only_cache_folder_can_be_used(cache, monkeypatch):
    """The line says that nothing can be added."""
    cache.mkdir()
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: fail())
    finding = stored.find_cache()
    assert finding.state == "ok" and "read-only" in finding.found and finding.found.startswith(str(cache))


def test_an_unreadable_folder_in_the_cache_is_named(cache, monkeypatch):
    """Neither its size nor anything else ends the doctor."""
    (cache / "weights").mkdir(parents=True)

    def walk(folder, onerror=None):
        if onerror:
            onerror(PermissionError(13, "Permission denied", str(cache / "weights")))
        return iter([(str(folder), ["weights"], ["gone"])])

    monkeypatch.setattr(os, "walk", walk)
    assert describe_cache() == f"{cache} (0 MB)"
    assert stored.find_cache() == wrong(f"{cache / 'weights'} cannot be read", stored.ANOTHER_CACHE)


def test_a_file_in_place_of_the_cache_is_wrong(cache):
    """Each line that is about the cache says so or is unknown, and all lines are there."""
    cache.write_text("mine")
    results = list(examine(choose(offline=True, verify=True)))
    assert len(results) == len(CHECKS) + 1 and not is_ready(results)
    assert cache.read_text() == "mine"


def test_weights_are_verified(cache, monkeypatch):
    """Half a file is not taken for weights; with those of He et al. all notebooks run."""
    path = cache / "weights" / "resnet50-he2015.pth"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"half of it")
    finding = stored.find_weights()
    assert finding.state == "wrong" and finding.found.startswith("he2015 is damaged: ") and "prefetch" in finding.remedy
    monkeypatch.setattr(he2015, "find_fault", lambda *_: None)
    assert stored.find_weights() == ok("he2015, verified")
    (cache / "weights" / "resnet50-0676ba61.pth").write_bytes(b"half of it")
    assert "imagenet1k_v1 is damaged: its SHA-256 is not 0676ba" in stored.find_weights().found


def test_photos_are_verified(tmp_path, monkeypatch):
    """Other photos than those of the tutorial, under the variable or in the cache folder, are wrong."""
    write_folder(tmp_path / "cache" / "photos" / "hymenoptera_data")
    assert stored.find_photos().state == "wrong" and "prefetch" in stored.find_photos().remedy
    monkeypatch.setattr(ants_and_bees, "find_fault", lambda *_: None)
    assert stored.find_photos().state == "ok"
    monkeypatch.undo()
    write_folder(tmp_path / "mine")
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(tmp_path / "mine"))
    assert "correct TLHELPERS_PHOTOS" in stored.find_photos().remedy


def test_the_solar_cells_are_counted(monkeypatch):
    """Without their package, what is wrong and what to do stand apart."""
    assert stored.find_solar_cells() == ok("2,624 photos")
    monkeypatch.setitem(sys.modules, "elpv_dataset", None)
    found = "the solar cells come with the package elpv-dataset, which is not installed"
    assert stored.find_solar_cells() == wrong(found, "install it: pip install elpv-dataset")


def test_all_files_are_read_in_full_if_asked_for(cache):
    """One changed byte in stored features is found."""
    cached_features("0" * 32, 2, lambda: zeros(2, 3))
    assert stored.find_damage().state == "ok"
    (path,) = (cache / "features").iterdir()
    np.save(path, np.ones((2, 3), np.float32))
    assert f"not as it was stored: features/{path.name}" in stored.find_damage().found


def test_hosts_are_asked_at_once(cache):
    """Those that never answer take no longer together than one of them; one that answers is named."""
    with serving({"/a": b"a"}) as there, silent_host() as first, silent_host() as second:
        assert stored.find_hosts([f"{there}/a"]) == ok(f"{there.removeprefix('http://')} can be reached")
        start = time.perf_counter()
        finding = stored.find_hosts([f"{host}/a" for host in (there, first, second, nobody())], seconds=0.4)
        assert time.perf_counter() - start < 1.2
        assert finding.state == "missing" and finding.found.count("cannot be reached") == 3
        assert "404" in stored.find_hosts([f"{there}/b"]).found


def test_the_hosts_are_those_of_weights_and_photos(monkeypatch):
    """By default one file of each host is asked for, and nothing is stored."""
    asked = []
    monkeypatch.setattr("tlhelpers.download.check_host", lambda url, seconds: asked.append((url, seconds)))
    assert stored.find_hosts() == ok("download.pytorch.org can be reached")
    assert asked[0][0].startswith("https://download.pytorch.org/") and asked[0][1] <= 3


# The machine


def test_a_gpu_that_torch_cannot_use_is_said(tmp_path, monkeypatch):
    """The command of NVIDIA's driver is there, and torch sees no device."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hardware.find_gpu().state == "ok"
    (tmp_path / "nvidia-smi").touch(mode=0o755)
    assert hardware.find_gpu().state == "wrong"


def test_the_processor_has_a_name():
    """Also its cores and its instructions."""
    assert hardware.find_processor().found.count(",") >= 3


def test_python_says_where_it_is():
    """A machine may have several."""
    assert sys.executable in software.find_python().found
