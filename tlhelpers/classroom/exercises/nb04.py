"""Exercises of notebook 04: the spread of first weights, a step of Adam, a long slope, and back through two layers."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw_shape(generator: Generator) -> tuple[tuple[int, ...]]:
    """Draw the shape of a linear layer's weight, or of a convolution's, with other numbers of inputs and outputs."""
    inputs = whole_number(generator, 3, 20)
    kernel = [(), (3, 3), (5, 5), (1, 7)][whole_number(generator, 0, 3)]
    return ((inputs + whole_number(generator, 1, 9), inputs, *kernel),)


def _draw_step(generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, int, float]:
    """Draw weights, gradients, running means of gradients and of squares, the number of the step, the rate."""
    weights, gradients, means = (torch.randn(4, generator=generator) for _ in range(3))
    squares = means**2 + torch.rand(4, generator=generator)
    return weights, gradients, means, squares, whole_number(generator, 1, 9), 0.1 * whole_number(generator, 1, 9)


def _adam(
    weights: Tensor, gradients: Tensor, means: Tensor, squares: Tensor, step: int, rate: float,
    *, keep: tuple[float, float] = (0.9, 0.999), corrected: tuple[bool, bool] = (True, True), power: float = 0.5,
) -> Tensor:  # fmt: skip
    """Return the weights after one step of Adam, or of what it is taken for."""
    mean = keep[0] * means + (1 - keep[0]) * gradients
    square = keep[1] * squares + (1 - keep[1]) * gradients**2
    mean = mean / (1 - keep[0] ** step) if corrected[0] else mean
    square = square / (1 - keep[1] ** step) if corrected[1] else square
    return weights - rate * mean / (square**power + 1e-8)


KAIMING_STD = Exercise(
    reference=lambda shape: math.sqrt(2 / math.prod(shape[1:])),
    draw=_draw_shape,
    mistakes={
        "That is the variance: the standard deviation is its square root.": lambda shape: 2 / math.prod(shape[1:]),
        "The 2 is missing: ReLU halves the mean square, and the weights have to make up for it.": (
            lambda shape: math.sqrt(1 / math.prod(shape[1:]))
        ),
        "The pixels of the kernel are forgotten: every output is a sum over channels and over pixels.": (
            lambda shape: math.sqrt(2 / shape[1])
        ),
        "Counted are the products of an input's way out: an output is a sum over shape[1:], not over the outputs.": (
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

ADAM_STEP = Exercise(
    reference=_adam,
    draw=_draw_step,
    mistakes={
        "Uphill: the step is subtracted from the weights.": lambda w, *rest: 2 * w - _adam(w, *rest),
        "That is the step alone: return the weights that it leads to.": lambda w, *rest: w - _adam(w, *rest),
        "Nothing is divided: the mean square has to take the size of the gradients out of the step.": (
            lambda *inputs: _adam(*inputs, power=0.0)
        ),
        "The squares took up the gradient as it is: square it first.": (
            lambda w, g, m, s, *rest: _adam(w, g, m, s + 0.001 * (g - g**2) / 0.999, *rest)
        ),
        "The step is counted once too often: `step` is already the number of this one, beginning with 1.": (
            lambda w, g, m, s, step, rate: _adam(w, g, m, s, step + 1, rate)
        ),
        "The two means are not corrected: both began at zero, so divide each by 1 minus its share to the power step.": (
            lambda *inputs: _adam(*inputs, corrected=(False, False))
        ),
        "The mean of the squares is not corrected: divide it by 1 - 0.999 ** step before the root is taken.": (
            lambda *inputs: _adam(*inputs, corrected=(True, False))
        ),
        "The mean of the gradients is not corrected: divide it by 1 - 0.9 ** step.": (
            lambda *inputs: _adam(*inputs, corrected=(False, True))
        ),
        "The root is missing: divide by the square root of the mean square, so that the size of gradients cancels.": (
            lambda *inputs: _adam(*inputs, power=1.0)
        ),
        "The shares are turned round: 0.9 and 0.999 of the old means are kept, the small rest is new.": (
            lambda *inputs: _adam(*inputs, keep=(0.1, 0.001))
        ),
        "The new gradient is in neither mean: update both first, and step with the updated ones.": (
            lambda w, g, m, s, step, rate: w - rate * m / (1 - 0.9**step) / ((s / (1 - 0.999**step)) ** 0.5 + 1e-8)
        ),
        "Both means are corrected by the step times the share: it is the share to the power of the step, **.": (
            lambda w, g, m, s, step, rate: (
                w
                - rate
                * ((0.9 * m + 0.1 * g) / (1 - 0.9 * step))
                / (((0.999 * s + 0.001 * g**2) / (1 - 0.999 * step)) ** 0.5 + 1e-8)
            )
        ),
    },
)

RATE, MOMENTUM, SLOPE = 0.01, 0.9, 2.0  # of the task


def _velocity(steps: int) -> float:
    """Return the velocity after so many steps down an even slope."""
    velocity = 0.0
    for _ in range(steps):
        velocity = MOMENTUM * velocity + SLOPE
    return velocity


LONG_SLOPE = Exercise(
    reference=lambda: RATE * _velocity(1000),
    draw=lambda generator: (),
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


def _draw_network(generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw inputs (N, D), labels (N,), and the weights of two layers, (H, D) and (K, H)."""
    n, d, h, k = (whole_number(generator, *limits) for limits in ((3, 6), (3, 5), (4, 6), (3, 4)))
    x, first, second = (
        torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((n, d), (h, d), (k, h))
    )
    return x, torch.randint(k, (n,), generator=generator), first, second


def _first_gradient(x: Tensor, labels: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Ask autograd, so that the reference shares no formula with an answer."""
    first = first.requires_grad_()
    return torch.autograd.grad(F.cross_entropy(F.relu(x @ first.T) @ second.T, labels), first)[0]


def _errors(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient of the loss for the logits."""
    return (logits.softmax(dim=1) - F.one_hot(labels, logits.shape[1])) / len(labels)


def _chain(
    *,
    errors: Callable[[Tensor, Tensor], Tensor] = _errors,
    gate: Callable[[Tensor, Tensor], Tensor] = lambda grad, before: grad * (before > 0),
    activation: Callable[[Tensor], Tensor] = F.relu,
) -> Callable[..., Tensor]:
    """Return a way there and back that takes something else for its errors, its gate or its activation."""

    def backward(x: Tensor, labels: Tensor, first: Tensor, second: Tensor) -> Tensor:
        before = x @ first.T
        return gate(errors(activation(before) @ second.T, labels) @ second, before).T @ x

    return backward


TWO_LAYERS = Exercise(
    reference=_first_gradient,
    draw=_draw_network,
    mistakes={
        "ReLU is missing on the way back: where it gave 0, nothing comes through.": _chain(
            gate=lambda grad, before: grad
        ),
        "The message was multiplied by what ReLU gave out: its slope is 1 or 0.": _chain(
            gate=lambda grad, before: grad * F.relu(before)
        ),
        "ReLU was applied to the message: what comes through depends on the sign of what ReLU was given.": _chain(
            gate=lambda grad, before: F.relu(grad)
        ),
        "The gate is the wrong way round: the message passes where ReLU was given a positive number.": _chain(
            gate=lambda grad, before: grad * (before <= 0)
        ),
        "ReLU is missing, there and back: without it the two layers are one.": _chain(
            gate=lambda grad, before: grad, activation=lambda before: before
        ),
        "Not divided by N: the loss is a mean over the images.": (lambda x, *rest: _first_gradient(x, *rest) * len(x)),
        "Divided by N and by the number of classes: the loss is a mean over the images only.": (
            lambda x, labels, first, second: _first_gradient(x, labels, first, second) / len(second)
        ),
        "The sign is turned round: the message begins with p - onehot, and only the step goes against it.": (
            lambda *inputs: -_first_gradient(*inputs)
        ),
        "The labels are missing: the message begins with probabilities less 1 where the right class is.": _chain(
            errors=lambda logits, labels: logits.softmax(dim=1) / len(labels)
        ),
        "Softmax is missing: the message begins with probabilities, and not with logits.": _chain(
            errors=lambda logits, labels: (logits - F.one_hot(labels, logits.shape[1])) / len(labels)
        ),
        "Softmax went down the columns: the probabilities of one image are a row.": _chain(
            errors=lambda logits, labels: (logits.softmax(dim=0) - F.one_hot(labels, logits.shape[1])) / len(labels)
        ),
        "The message has skipped the second layer: on its way to the first it passes through those weights.": (
            lambda x, labels, first, second: _errors(F.relu(x @ first.T) @ second.T, labels).T @ x
        ),
        "That is the gradient for `second`: one more layer to go.": (
            lambda x, labels, first, second: _errors(F.relu(x @ first.T) @ second.T, labels).T @ F.relu(x @ first.T)
        ),
        "That is the message for x, (N, D): the weights' gradient is its product with what the layer was given.": (
            lambda x, labels, first, second: (
                _errors(F.relu(x @ first.T) @ second.T, labels) @ second * (x @ first.T > 0) @ first
            )
        ),
        "Rows and columns are exchanged: a gradient has the shape of its weights, here (H, D).": (
            lambda *inputs: _first_gradient(*inputs).T
        ),
    },
)

EXERCISES = {"04.1": KAIMING_STD, "04.2": ADAM_STEP, "04.3": LONG_SLOPE, "04.4": TWO_LAYERS}
