"""Exercise 08.3: compute how likely one of ten tests is to succeed by chance."""

from tlhelpers.classroom.exercises import Exercise

LEVEL, STRATEGIES = 0.05, 10


EXERCISE = Exercise(
    reference=lambda: round(100 * (1 - (1 - LEVEL) ** STRATEGIES)),
    mistakes={
        "Added up: with enough strategies that would be more than certain. How likely is it that none passes?": (
            lambda: round(100 * LEVEL * STRATEGIES)
        ),
        "That is the chance that none passes.": lambda: round(100 * (1 - LEVEL) ** STRATEGIES),
        "That is the chance that exactly one passes; two or more are luck as well.": (
            lambda: round(100 * STRATEGIES * LEVEL * (1 - LEVEL) ** (STRATEGIES - 1))
        ),
        "That is the chance that all of them pass; one is enough.": lambda: round(100 * LEVEL**STRATEGIES),
        "That is the chance of one strategy; the others try their luck, too.": lambda: round(100 * LEVEL),
        "That is the chance that one strategy does not pass.": lambda: round(100 * (1 - LEVEL)),
        "One strategy too many: the probe is not compared with itself.": (
            lambda: round(100 * (1 - (1 - LEVEL) ** (STRATEGIES + 1)))
        ),
        "One strategy too few: as many as are named are tested.": lambda: round(
            100 * (1 - (1 - LEVEL) ** (STRATEGIES - 1))
        ),
        "That is a fraction; give it in percent.": lambda: 1 - (1 - LEVEL) ** STRATEGIES,
        "That is a fraction, rounded; give it in percent.": lambda: round(1 - (1 - LEVEL) ** STRATEGIES, 2),
        "Round it to whole percent.": lambda: 100 * (1 - (1 - LEVEL) ** STRATEGIES),
    },
)
