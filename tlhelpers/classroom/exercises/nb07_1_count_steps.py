"""Exercise 07.1: count the steps of an optimizer."""

import math

from torch import Generator

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[int, int, int]:
    """Draw photos, a batch size and epochs; three times of four the last batch is smaller."""
    batch_size = whole_number(generator, 4, 64)
    full = whole_number(generator, 2, 19)
    rest = whole_number(generator, 1, batch_size - 1) * (whole_number(generator, 0, 3) > 0)
    return full * batch_size + rest, batch_size, whole_number(generator, 2, 11)


EXERCISE = Exercise(
    reference=lambda photos, batch_size, epochs: -(-photos // batch_size) * epochs,
    draw=_draw,
    mistakes={
        "The last, smaller batch of each epoch is a step too: round up and not down.": (
            lambda photos, batch_size, epochs: photos // batch_size * epochs
        ),
        "Rounded to the nearest number, which loses every small last batch: round up.": (
            lambda photos, batch_size, epochs: round(photos / batch_size) * epochs
        ),
        "Steps come whole: a last batch that is half full is one step, so round up.": (
            lambda photos, batch_size, epochs: photos / batch_size * epochs
        ),
        "A batch does not reach into the next epoch: round up within each epoch, then multiply.": (
            lambda photos, batch_size, epochs: math.ceil(photos * epochs / batch_size)
        ),
        "That is one epoch: the optimizer goes through all of them.": (
            lambda photos, batch_size, epochs: math.ceil(photos / batch_size)
        ),
        "That is the number of photos seen: a step is taken once for each batch of them.": (
            lambda photos, batch_size, epochs: photos * epochs
        ),
        "One step too many in each epoch: rounding up has already counted the last batch.": (
            lambda photos, batch_size, epochs: (math.ceil(photos / batch_size) + 1) * epochs
        ),
        "One too many where the photos fill the last batch: then nothing is left for another.": (
            lambda photos, batch_size, epochs: (photos // batch_size + 1) * epochs
        ),
    },
)
