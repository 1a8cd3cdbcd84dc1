"""Exercise 04.4: compute the gradient of the first of two layers."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise, whole_number


def _draw(generator: Generator) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Draw inputs (N, D), labels (N,), and the weights of two layers, (H, D) and (K, H)."""
    n, d, h, k = (whole_number(generator, *limits) for limits in ((3, 6), (3, 5), (4, 6), (3, 4)))
    x, first, second = (
        torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((n, d), (h, d), (k, h))
    )
    return x, torch.randint(k, (n,), generator=generator), first, second


def _first_gradient(x: Tensor, labels: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Let autograd compute the gradient, so that the reference does not use the formula of the answer."""
    first = first.detach().requires_grad_()
    return torch.autograd.grad(F.cross_entropy(F.relu(x @ first.T) @ second.T, labels), first)[0]


def _errors(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient of the loss with respect to the logits."""
    return (logits.softmax(dim=1) - F.one_hot(labels, logits.shape[1])) / len(labels)


def _chain(
    *,
    errors: Callable[[Tensor, Tensor], Tensor] = _errors,
    gate: Callable[[Tensor, Tensor], Tensor] = lambda grad, before: grad * (before > 0),
    activation: Callable[[Tensor], Tensor] = F.relu,
) -> Callable[..., Tensor]:
    """Return a forward and backward pass with another gradient of the loss, gate of ReLU or activation."""

    def backward(x: Tensor, labels: Tensor, first: Tensor, second: Tensor) -> Tensor:
        before = x @ first.T
        return gate(errors(activation(before) @ second.T, labels) @ second, before).T @ x

    return backward


EXERCISE = Exercise(
    reference=_first_gradient,
    draw=_draw,
    mistakes={
        "ReLU is missing in the backward pass: where it gave 0, nothing comes through.": _chain(
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
        "ReLU is missing, forward and backward: without it the two layers are one.": _chain(
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
        "The message has skipped the second layer: in the backward pass it goes through those weights to the first.": (
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
