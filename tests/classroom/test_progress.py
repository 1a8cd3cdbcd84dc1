"""Progress counts the exercises that the reader answered correctly, and nothing else."""

import re

import pytest

import tlhelpers as tl
from tlhelpers.classroom.exercises import all_exercises
from tlhelpers.classroom.progress import ProgressTable


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Each test has an empty cache folder of its own."""
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path))
    return tmp_path


def right_answer(name):
    """Return the correct answer to an exercise."""
    return all_exercises()[name].reference


@pytest.fixture
def shown(capsys):
    """Return a function that calls ``tl.progress`` and returns the counts that it prints, by notebook."""

    def look():
        capsys.readouterr()
        tl.progress()
        return dict(re.findall(r"^(\d\d)  .*?(\d+ of \d+) done$", capsys.readouterr().out, re.M))

    return look


def test_nothing_is_done_at_first(shown):
    """Every notebook with exercises has a row, and no exercise is done."""
    counts = shown()
    assert set(counts) == {name[:2] for name in all_exercises()}
    assert all(count.startswith("0 of") for count in counts.values())


def test_a_right_answer_counts_once(shown):
    """A second correct answer to the same exercise changes nothing."""
    for _ in range(2):
        tl.check_exercise("01.1", right_answer("01.1"))
    assert shown()["01"].startswith("1 of") and shown()["02"].startswith("0 of")


@pytest.mark.parametrize("answer", [..., lambda *_: 7])
def test_a_stub_and_a_wrong_answer_do_not_count(shown, answer):
    """The exercise is still open."""
    tl.check_exercise("01.1", answer)
    assert shown()["01"].startswith("0 of")


def test_the_notebooks_own_solution_does_not_count(shown, capsys):
    """A reader who runs a notebook from top to bottom has not done its exercises."""
    tl.check_solution("01.1", right_answer("01.1"))
    assert "01.1: right." in capsys.readouterr().out
    assert shown()["01"].startswith("0 of")


def test_progress_is_kept_in_the_cache_folder(cache):
    """An empty file for each exercise, which a learner can see, copy and delete."""
    tl.check_exercise("02.1", right_answer("02.1"))
    assert [path.name for path in (cache / "progress").iterdir()] == ["02.1"]


def test_a_folder_that_cannot_be_written_costs_one_sentence(capsys, cache, monkeypatch):
    """The answer is checked all the same."""
    (cache / "file").touch()
    monkeypatch.setenv("TLHELPERS_CACHE", str(cache / "file" / "below"))
    tl.check_exercise("01.1", right_answer("01.1"))
    first, second = capsys.readouterr().out.splitlines()
    assert "cannot be kept" in first and "TLHELPERS_CACHE" in first and second == "Exercise 01.1: right."


def test_in_a_notebook_it_is_a_table():
    """One row for each notebook with exercises, below a row of headings; the same marks as in the text."""
    table = ProgressTable(["01.1", "01.2", "02.1"], {"01.2"})
    assert repr(table) == "01  ○ ●  1 of 2 done\n02  ○  0 of 1 done"
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>", table._repr_html_())
    assert rows == [("notebook", "exercises", "done"), ("01", "○ ●", "1 of 2"), ("02", "○", "0 of 1")]
