"""Exercise 09.1: compute the probability of the correct order by chance."""

import math

from tlhelpers.classroom.exercises import Exercise, whole_number

EXERCISE = Exercise(
    reference=lambda n: 1 / math.factorial(n),
    draw=lambda generator: (whole_number(generator, 3, 8),),
    mistakes={
        "That is the chance that the best one comes first: the others have to be in their places too.": (
            lambda n: 1 / n
        ),
        "That counts the reversed order as well: only one of the orders is asked for.": lambda n: 2 / math.factorial(n),
        "That leaves one candidate out: the first place can be taken by any of the n.": (
            lambda n: 1 / math.factorial(n - 1)
        ),
        "A place that is taken cannot be taken again: after n come n - 1, then n - 2, and so on.": lambda n: 1 / n**n,
        "The pairs are not independent coins: if a beats b and b beats c, a beats c. Count the orders.": (
            lambda n: 0.5 ** (n * (n - 1) // 2)
        ),
        "That is a coin for each candidate: count in how many orders they can stand.": lambda n: 0.5**n,
        "That is a coin for every two neighbors: count in how many orders they can stand.": lambda n: 0.5 ** (n - 1),
        "That is one out of the number of pairs: count the orders.": lambda n: 2 / (n * (n - 1)),
        "That is the number of orders: the probability is one out of so many.": lambda n: math.factorial(n),
        "That is the chance that it does not happen.": lambda n: 1 - 1 / math.factorial(n),
    },
)
