"""Answers to the exercises of notebook 03, written apart from the checker; ``test_exercises.py`` tries them."""

import torch

from tlhelpers import byhand


def softmax_at(logits, temperature):
    scaled = logits / temperature
    exponentials = torch.exp(scaled - scaled.amax(-1, keepdim=True))
    return exponentials / exponentials.sum(-1, keepdim=True)


def loss_gradient(logits, labels):
    return byhand.cross_entropy_backward(torch.tensor(1.0), logits, labels)


def gradient_at(logits, labels, temperature):
    return loss_gradient(logits / temperature, labels) / temperature


SOLUTIONS = {"03.1": softmax_at, "03.2": gradient_at}

# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("03.1", lambda z, t: byhand.softmax(z * t), "Multiplied where it should be divided"),
    ("03.1", lambda z, t: byhand.softmax(z) / t, "The probabilities were divided"),
    ("03.1", lambda z, t: torch.exp(z / t) / torch.exp(z / t).sum(1, keepdim=True), "It overflows"),
    ("03.1", lambda z, t: byhand.softmax((z / t).T).T, "The columns sum to 1"),
    ("03.2", lambda z, y, t: loss_gradient(z / t, y), "The chain rule"),
    ("03.2", lambda z, y, t: loss_gradient(z, y) / t, "The probabilities are those of temperature 1"),
    ("03.2", lambda z, y, t: loss_gradient(z / t, y) * len(z) / t, "Not divided by N"),
]
