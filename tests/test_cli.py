"""The command line says in one sentence what is wrong, before it does anything that takes long."""

import pytest

import tlhelpers
from tests.tiny import write_folder
from tlhelpers import cli
from tlhelpers.network import weights


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    """Each test runs in an empty folder, with an empty cache and no photos named."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TLHELPERS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TLHELPERS_PHOTOS", raising=False)


def test_another_folder_is_left_as_it_was(tmp_path, capsys):
    """Where there are no notebooks, nothing is made, and the folder looked into is named in full."""
    assert cli.main(["run"]) == 1
    assert capsys.readouterr().err.startswith(f"tlhelpers: no notebooks in {tmp_path / 'notebooks'}; go to")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "which is no folder; correct it, or unset it"),
        (lambda path: path.mkdir(), "has no folder 'train'; put photos"),
        (write_folder, r"a folder without the ants and bees"),
    ],
)
def test_wrong_photos_are_said_before_any_notebook_runs(tmp_path, monkeypatch, capsys, make, sentence):
    """The message names the variable, and no notebook was run; doctor knows it too, where it can tell."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_a.ipynb").write_text("not looked at")
    make(tmp_path / "named")
    monkeypatch.setenv("TLHELPERS_PHOTOS", str(tmp_path / "named"))
    assert cli.main(["run"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("tlhelpers: TLHELPERS_PHOTOS names") and sentence in message
    assert not (tmp_path / "build").exists()
    found = cli._look_at_photos()
    assert ("not to be had" in found) == (make is not write_folder)


def failing(sentence):
    def fail(*_):
        raise RuntimeError(sentence)

    return fail


def test_prefetch_without_weights_does_not_promise_anything(monkeypatch, capsys):
    """What is missing is said once, and not that the cache folder would do without a network."""
    monkeypatch.setattr(tlhelpers, "load_resnet50", failing("nobody answers"))
    monkeypatch.setattr(weights, "obtain", failing("nobody answers either"))
    monkeypatch.setattr(tlhelpers, "ants_and_bees", lambda: None)
    assert cli.main(["prefetch"]) == 1
    told = capsys.readouterr()
    assert told.err == "Incomplete, weights are missing: nobody answers\n"
    assert "Cache folder" in told.out and "without any network" not in told.out


def test_prefetch_with_all_there_says_how_to_go_on(monkeypatch, capsys):
    """The folder can be copied to machines that have no network."""
    monkeypatch.setattr(tlhelpers, "load_resnet50", lambda name: None)
    monkeypatch.setattr(weights, "obtain", lambda entry: None)
    monkeypatch.setattr(tlhelpers, "ants_and_bees", lambda: None)
    assert cli.main(["prefetch"]) == 0
    told = capsys.readouterr()
    assert "serves without any network" in told.out and told.err == ""
