"""Exercise 10.3: compute the speedup when a part becomes faster."""

import torch
from torch import Generator

from tlhelpers.classroom.exercises import Exercise


def _draw(generator: Generator) -> tuple[float, float]:
    share, factor = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    return 0.1 + 0.8 * share, 1.5 + 10 * factor


EXERCISE = Exercise(
    reference=lambda share, factor: 1 / (1 - share + share / factor),
    draw=_draw,
    mistakes={
        "That is the time that is left, as a part of the old: how many times faster is 1 over it.": (
            lambda share, factor: 1 - share + share / factor
        ),
        "That is the time saved, as a part of the old: what is left, and how often does it fit into the old?": (
            lambda share, factor: share - share / factor
        ),
        "That would be so if everything became faster; the rest takes as long as before.": lambda share, factor: factor,
        "That would be so if the part took no time at all; it still takes share / factor.": (
            lambda share, factor: 1 / (1 - share)
        ),
        "Speeds were averaged. Times add up, speeds do not: write down the new time.": (
            lambda share, factor: 1 - share + share * factor
        ),
        "There the rest became faster, and the part stayed as it was.": (
            lambda share, factor: 1 / (share + (1 - share) / factor)
        ),
        "The new time of the part was taken off the whole: its old time goes, and its new time comes.": (
            lambda share, factor: 1 / (1 - share / factor)
        ),
        "The rest is missing: it takes 1 - share, as before.": lambda share, factor: factor / share,
        "Divide where you multiplied, and add what the rest takes.": lambda share, factor: share * factor,
        "The part's old time is still in it: 1 - share is the rest.": lambda share, factor: 1 / (1 + share / factor),
        "In percent, or without the 1 of the old time: twice as fast is 2, not 1.": (
            lambda share, factor: 1 / (1 - share + share / factor) - 1
        ),
    },
)
