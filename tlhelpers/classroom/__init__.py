"""For a class: checks, exercises with hints, copies of the notebooks, their runs, and handouts."""
