"""Exercise 10.4: merge an adapter into the weight of its convolution."""

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor, Tensor, float]:
    outputs, channels, rank = (whole_number(generator, 2, 5) for _ in range(3))
    side = 2 * whole_number(generator, 0, 2) + 1
    shapes = (outputs, channels, side, side), (rank, channels, side, side), (outputs, rank, 1, 1)
    weight, down, up = (torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes)
    return weight, down, up, 0.5 + torch.rand((), generator=generator).item()


def _beside(down: Tensor, up: Tensor) -> Tensor:
    return torch.einsum("or,rcij->ocij", up[:, :, 0, 0], down)


def _only_in_the_middle(weight: Tensor, down: Tensor, up: Tensor, scale: float) -> Tensor:
    whole, middle = weight.clone(), weight.shape[-1] // 2
    whole[:, :, middle, middle] += scale * _beside(down, up)[:, :, middle, middle]
    return whole


EXERCISE = Exercise(
    reference=lambda weight, down, up, scale: weight + scale * _beside(down, up),
    draw=_draw,
    mistakes={
        "The scale is missing.": lambda weight, down, up, scale: weight + _beside(down, up),
        "The scale belongs to the adapter alone, not to the frozen weight.": (
            lambda weight, down, up, scale: scale * (weight + _beside(down, up))
        ),
        "The scale came in twice.": lambda weight, down, up, scale: weight + scale**2 * _beside(down, up),
        "That is the adapter alone: the frozen weight goes on working beside it.": (
            lambda weight, down, up, scale: scale * _beside(down, up)
        ),
        "The frozen weight stays whole: nothing is taken from it.": (
            lambda weight, down, up, scale: (1 - scale) * weight + scale * _beside(down, up)
        ),
        "The sign: the adapter's output is added.": lambda weight, down, up, scale: weight - scale * _beside(down, up),
        "The outputs of the narrow filters are added up, not averaged.": (
            lambda weight, down, up, scale: weight + scale * _beside(down, up) / len(down)
        ),
        "torch's convolution does not turn its kernels round, so nothing is flipped.": (
            lambda weight, down, up, scale: weight + scale * _beside(down.flip(2, 3), up)
        ),
        "up is missing: it says how much of each narrow filter an output gets.": (
            lambda weight, down, up, scale: weight + scale * down.sum(dim=0)
        ),
        "Only the first of the narrow filters is in it.": (
            lambda weight, down, up, scale: weight + scale * _beside(down[:1], up[:, :1])
        ),
        "Only the middle of the kernel was changed: down has kernels of the full size.": _only_in_the_middle,
        "down and up were added: one works on what the other gives out, so their numbers are multiplied.": (
            lambda weight, down, up, scale: weight + scale * (up.sum(dim=1, keepdim=True) + down.sum(dim=0))
        ),
    },
)
