"""Exercise 09.3: compute the regret of a choice by LogME."""

from tlhelpers.classroom.exercises import Exercise

SCORES = {"A": -0.31, "B": -0.12, "C": -0.20, "D": -0.25, "E": -0.60}  # LogME


ACCURACIES = {"A": 91, "B": 88, "C": 95, "D": 93, "E": 74}  # of a probe, in percent


CHOSEN = ACCURACIES[max(SCORES, key=SCORES.__getitem__)]


EXERCISE = Exercise(
    reference=lambda: max(ACCURACIES.values()) - CHOSEN,
    mistakes={
        "A score of -0.60 is not the highest: LogME may be negative, and a higher one is nearer to 0, or above.": (
            lambda: max(ACCURACIES.values()) - ACCURACIES[min(SCORES, key=SCORES.__getitem__)]
        ),
        "That is the regret of a choice by accuracy; here the score decides.": (
            lambda: max(ACCURACIES.values()) - max(ACCURACIES.values())
        ),
        "That is the accuracy of the chosen one; the regret is what it lacks.": lambda: CHOSEN,
        "That is the accuracy of the best; the regret is what the chosen one lacks.": (
            lambda: max(ACCURACIES.values())
        ),
        "The sign: a regret is how much better the best would have been.": (lambda: CHOSEN - max(ACCURACIES.values())),
        "That is a fraction; it is asked for in percentage points.": (
            lambda: (max(ACCURACIES.values()) - CHOSEN) / 100
        ),
        "That is a difference of scores; the regret is one of accuracies.": (
            lambda: max(SCORES.values()) - SCORES[max(ACCURACIES, key=ACCURACIES.__getitem__)]
        ),
        "That compares with the second best; the regret compares with the best.": (
            lambda: sorted(ACCURACIES.values())[-2] - CHOSEN
        ),
        "Compared with the worst; the regret looks up to the best.": lambda: CHOSEN - min(ACCURACIES.values()),
        "Compared with the mean of all; the regret looks up to the best.": (
            lambda: sum(ACCURACIES.values()) / len(ACCURACIES) - CHOSEN
        ),
    },
)
