"""Which exercises are done: an empty file for each in the cache folder, and nothing that is sent anywhere."""

from pathlib import Path

from IPython import get_ipython
from IPython.display import display

from tlhelpers.files import cache_dir


def remember(exercise_id: str) -> None:
    """Keep that an exercise, such as "01.2", was answered rightly; say so where the folder cannot be written."""
    try:
        _folder().mkdir(parents=True, exist_ok=True)
        (_folder() / exercise_id).touch()
    except OSError as error:
        print(f"Your progress cannot be kept in {_folder()} ({error.strerror}); let TLHELPERS_CACHE name another one.")


def progress() -> None:
    """Show which exercises are done, notebook by notebook.

    To begin anew, delete the folder ``progress`` in ``tl.cache_dir()``.
    """
    from tlhelpers.classroom.exercises import all_exercises

    done = {path.name for path in _folder().glob("*")}
    notebooks: dict[str, list[str]] = {}
    for name in sorted(all_exercises()):
        notebooks.setdefault(name[:2], []).append(name)
    marks = {number: ["●" if name in done else "○" for name in names] for number, names in notebooks.items()}
    cells = [(number, " ".join(row), f"{row.count('●')} of {len(row)}") for number, row in marks.items()]
    text = "\n".join(f"{number}  {row}  {count} done" for number, row, count in cells)
    lines = [("notebook", "exercises", "done"), *cells]
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in line)}</tr>" for line in lines)
    if get_ipython() is None:  # in plain Python
        print(text)
    else:
        display({"text/plain": text, "text/html": f"<table>{rows}</table>"}, raw=True)


def _folder() -> Path:
    return cache_dir() / "progress"
