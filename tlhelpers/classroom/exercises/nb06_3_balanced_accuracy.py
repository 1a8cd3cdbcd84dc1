"""Exercise 06.3: compute a balanced accuracy."""

import torch

from tlhelpers.classroom.exercises import Exercise

COUNTS, NAMED = torch.tensor([90.0, 10.0]), torch.tensor([81.0, 4.0])  # ants and bees of the task; those named right


def _balanced() -> float:
    """Weight each photo by one over the size of its class, and return the share of the weight that is right."""
    truth = torch.repeat_interleave(torch.arange(2), COUNTS.long())
    right = torch.cat([torch.arange(int(count)) < named for count, named in zip(COUNTS, NAMED, strict=True)])
    weight = 1 / COUNTS[truth]
    return (weight[right].sum() / weight.sum()).item()


EXERCISE = Exercise(
    reference=_balanced,
    mistakes={
        "That is the plain accuracy, in which nine photos of ten are ants: give both classes the same say.": (
            lambda: (NAMED.sum() / COUNTS.sum()).item()
        ),
        "That is the share of the ants: the bees have a say as well.": lambda: (NAMED / COUNTS)[0].item(),
        "That is the share of the bees: the ants have a say as well.": lambda: (NAMED / COUNTS)[1].item(),
        "The two shares are added: a mean is their sum over how many there are.": lambda: (NAMED / COUNTS).sum().item(),
        "That is what is named wrong, class by class: take the shares that are right.": lambda: 1 - _balanced(),
        "In percent it is right: give a number from 0 to 1.": lambda: 100 * _balanced(),
        "Those are the shares of what was called ant, or bee: divide by the photos that are ants, or bees.": (
            lambda: (NAMED / (NAMED + (COUNTS - NAMED).flip(0))).mean().item()
        ),
        "That is the root of the product of the shares: the plain mean is asked for.": (
            lambda: (NAMED / COUNTS).prod().sqrt().item()
        ),
        "That is the mean of the photos named right, and not of the shares.": lambda: NAMED.mean().item(),
    },
)
