"""Progress counts what the reader answered rightly, and nothing else."""

import re

import pytest

import tlhelpers as tl
from tlhelpers.classroom.exercises import all_exercises


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Use a cache folder of its own, and an exercise that asks for six times seven."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path))
    return tmp_path


def right_answer(name):
    return all_exercises()[name].reference


@pytest.fixture
def shown(capsys):
    """Return a function that returns what ``tl.progress`` says, by notebook."""

    def look():
        capsys.readouterr()
        tl.progress()
        return dict(re.findall(r"^(\d\d)  .*?(\d+ of \d+) done$", capsys.readouterr().out, re.M))

    return look


def test_nothing_is_done_at_first(shown):
    counts = shown()
    assert set(counts) == {name[:2] for name in all_exercises()}
    assert all(count.startswith("0 of") for count in counts.values())


def test_a_right_answer_counts_once(shown):
    for _ in range(2):
        tl.check_exercise("01.1", right_answer("01.1"))
    assert shown()["01"].startswith("1 of") and shown()["02"].startswith("0 of")


@pytest.mark.parametrize("answer", [..., lambda *_: 7])
def test_a_stub_and_a_wrong_answer_do_not_count(shown, answer):
    tl.check_exercise("01.1", answer)
    assert shown()["01"].startswith("0 of")


def test_the_notebooks_own_solution_does_not_count(shown, capsys):
    """Running a notebook from top to bottom does not do its exercises."""
    tl.check_solution("01.1", right_answer("01.1"))
    assert "01.1: right." in capsys.readouterr().out
    assert shown()["01"].startswith("0 of")


def test_it_is_kept_in_the_cache_folder(cache):
    """A learner can see it, copy it and delete it."""
    tl.check_exercise("02.1", right_answer("02.1"))
    assert [path.name for path in (cache / "progress").iterdir()] == ["02.1"]


def test_a_folder_that_cannot_be_written_is_said_in_a_sentence(capsys, cache, monkeypatch):
    """The answer is judged all the same."""
    (cache / "file").touch()
    monkeypatch.setenv("TLHELPERS_CACHE", str(cache / "file" / "below"))
    tl.check_exercise("01.1", right_answer("01.1"))
    first, second = capsys.readouterr().out.splitlines()
    assert "cannot be kept" in first and "TLHELPERS_CACHE" in first and second == "Exercise 01.1: right."


def test_in_a_notebook_it_is_a_table(monkeypatch):
    """One row for each notebook with exercises, below a row of headings."""
    bundles = []
    monkeypatch.setattr("tlhelpers.classroom.progress.get_ipython", object)
    monkeypatch.setattr("tlhelpers.classroom.progress.display", lambda bundle, raw: bundles.append(bundle))
    tl.progress()
    assert bundles[0]["text/html"].count("<tr>") == 1 + len({name[:2] for name in all_exercises()})
