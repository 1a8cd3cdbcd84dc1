"""Exercise 04.3: find the longest step of SGD with momentum on an even slope."""

from tlhelpers.classroom.exercises import Exercise

RATE, MOMENTUM, SLOPE = 0.01, 0.9, 2.0  # of the task


def _velocity(steps: int) -> float:
    """Return the velocity after some steps with the same gradient."""
    velocity = 0.0
    for _ in range(steps):
        velocity = MOMENTUM * velocity + SLOPE
    return velocity


EXERCISE = Exercise(
    reference=lambda: RATE * _velocity(1000),
    mistakes={
        "That is a step without momentum: the velocity still holds a share of every gradient before.": (
            lambda: RATE * SLOPE
        ),
        "That is the second step: the velocity goes on growing. When does it lose as much as comes in?": (
            lambda: RATE * _velocity(2)
        ),
        "That is the third step: the velocity goes on growing. When does it lose as much as comes in?": (
            lambda: RATE * _velocity(3)
        ),
        "That is the velocity: the weight moves by the rate times that.": lambda: SLOPE / (1 - MOMENTUM),
        "That is the number of gradients that the velocity amounts to; how large is each, and what is the rate?": (
            lambda: 1 / (1 - MOMENTUM)
        ),
        "That is for a slope of 1; here the gradient is another.": lambda: RATE / (1 - MOMENTUM),
        "Multiplied where it should be divided: what is kept of old gradients makes the steps longer.": (
            lambda: RATE * SLOPE * (1 - MOMENTUM)
        ),
        "Divided by the share that is kept: what counts is the share that is lost in each step.": (
            lambda: RATE * SLOPE / MOMENTUM
        ),
        "That is the part that comes of old gradients: the newest belongs to the step as well.": (
            lambda: RATE * MOMENTUM * SLOPE / (1 - MOMENTUM)
        ),
        "The new gradient enters whole: momentum is a share of the old velocity.": lambda: RATE * MOMENTUM * SLOPE,
        "The size is right; asked for is how far, a positive number.": lambda: -RATE * SLOPE / (1 - MOMENTUM),
    },
)
