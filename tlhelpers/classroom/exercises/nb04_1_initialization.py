"""Exercise 04.1: compute the standard deviation of Kaiming's initialization."""

import math

from torch import Generator

from tlhelpers.classroom.exercises import Exercise, one_of, whole_number


def _draw(generator: Generator) -> tuple[tuple[int, ...]]:
    """Draw the shape of a weight, of a linear layer or a convolution; it never has as many outputs as inputs."""
    inputs = whole_number(generator, 3, 20)
    kernel = one_of(generator, ((), (3, 3), (5, 5), (1, 7)))
    return ((inputs + whole_number(generator, 1, 9), inputs, *kernel),)


EXERCISE = Exercise(
    reference=lambda shape: math.sqrt(2 / math.prod(shape[1:])),
    draw=_draw,
    mistakes={
        "That is the variance: the standard deviation is its square root.": lambda shape: 2 / math.prod(shape[1:]),
        "The 2 is missing: ReLU halves the mean square, and the weights have to make up for it.": (
            lambda shape: math.sqrt(1 / math.prod(shape[1:]))
        ),
        "The pixels of the kernel are forgotten: every output is a sum over channels and over pixels.": (
            lambda shape: math.sqrt(2 / shape[1])
        ),
        "That counts the outputs that an input reaches: divide by what an output sums over, shape[1:].": (
            lambda shape: math.sqrt(2 / (shape[0] * math.prod(shape[2:])))
        ),
        "Every weight of the layer is counted: one output is a sum over its own row only, without shape[0].": (
            lambda shape: math.sqrt(2 / math.prod(shape))
        ),
        "That is Xavier's, halfway between inputs and outputs: Kaiming's divides by the inputs alone.": (
            lambda shape: math.sqrt(2 / ((shape[0] + shape[1]) * math.prod(shape[2:])))
        ),
        "The last axis alone is the inputs of a linear layer; of a convolution it is only the columns of its kernel.": (
            lambda shape: math.sqrt(2 / shape[-1])
        ),
        "The root is to be taken of the 2 as well.": lambda shape: 2 / math.sqrt(math.prod(shape[1:])),
        "The root is taken of the 2 alone: it belongs over the whole fraction.": (
            lambda shape: math.sqrt(2) / math.prod(shape[1:])
        ),
        "That is how far an even draw reaches to each side; its standard deviation is smaller, by the root of 3.": (
            lambda shape: math.sqrt(6 / math.prod(shape[1:]))
        ),
    },
)
