"""Which exercises are done: an empty file for each in the cache folder. Nothing is sent anywhere."""

from itertools import groupby
from pathlib import Path

from IPython.display import display

from tlhelpers.classroom.exercises import all_exercises
from tlhelpers.files import cache_dir


class ProgressTable:
    """The exercises that are done, one row for each notebook: a text in a terminal, a table in a notebook.

    Parameters
    ----------
    exercises : list of str
        The numbers of all exercises, such as "01.2", in their order.
    done : set of str
        The numbers of those that were answered correctly.
    """

    def __init__(self, exercises: list[str], done: set[str]) -> None:
        self.rows = []
        for notebook, names in groupby(exercises, key=lambda name: name[:2]):
            marks = ["●" if name in done else "○" for name in names]
            self.rows.append((notebook, " ".join(marks), f"{marks.count('●')} of {len(marks)}"))

    def __repr__(self) -> str:
        return "\n".join(f"{notebook}  {marks}  {count} done" for notebook, marks, count in self.rows)

    def _repr_html_(self) -> str:
        lines = [("notebook", "exercises", "done"), *self.rows]
        rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
        return f"<table>{rows}</table>"


def progress() -> None:
    """Show which exercises are done, notebook by notebook.

    To start again, delete the folder ``progress`` in ``tl.cache_dir()``.
    """
    display(ProgressTable(sorted(all_exercises()), {path.name for path in _folder().glob("*")}))


def remember(exercise_id: str) -> None:
    """Record that an exercise, such as "01.2", was answered correctly. If it cannot be recorded, one line says so."""
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        (_folder() / exercise_id).touch()
    except OSError as error:
        print(f"Your progress cannot be kept in {_folder()} ({error.strerror}); let TLHELPERS_CACHE name another one.")


def _folder() -> Path:
    return cache_dir() / "progress"
