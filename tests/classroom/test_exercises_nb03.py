"""Answers to the exercises of notebook 03 that share no code with the exercises; ``test_exercises.py`` uses them."""

import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar

from tlhelpers import byhand
from tlhelpers.classroom.exercises import find_exercise


def softmax_at(logits, temperature):
    scaled = logits / temperature
    exponentials = torch.exp(scaled - scaled.amax(-1, keepdim=True))
    return exponentials / exponentials.sum(-1, keepdim=True)


def loss_gradient(logits, labels):
    return byhand.cross_entropy_backward(torch.tensor(1.0), logits, labels)


def gradient_at(logits, labels, temperature):
    return loss_gradient(logits / temperature, labels) / temperature


def sure_enough():
    """Search for the score of the right class with the smallest loss."""
    right = torch.eye(10, dtype=torch.float64)[:1]
    loss = minimize_scalar(lambda lead: F.cross_entropy(lead * right, torch.tensor([0]), label_smoothing=0.2).item())
    return byhand.softmax(loss.x * right)[0, 0].item()


def softmax_back(grad, logits):
    back = torch.zeros_like(logits)
    for n, p in enumerate(byhand.softmax(logits)):
        jacobian = torch.diag(p) - torch.outer(p, p)
        back[n] = jacobian @ grad[n]
    return back


SOLUTIONS = {"03.1": softmax_at, "03.2": gradient_at, "03.3": sure_enough, "03.4": softmax_back}


# Wrong answers as a learner would write them, and how the hint that belongs to each begins.


def top_of_all(logits, temperature):
    scaled = logits / temperature
    exponentials = torch.exp(scaled - scaled.max())
    return exponentials / exponentials.sum(dim=1, keepdim=True)


def sum_of_all(logits, temperature):
    scaled = logits / temperature
    exponentials = torch.exp(scaled - scaled.max())
    return exponentials / exponentials.sum()


def no_label(logits, labels, temperature):
    return byhand.softmax(logits / temperature) / temperature / len(logits)


def less_the(taken):
    def back(grad, logits):
        p = byhand.softmax(logits)
        return p * (grad - taken(grad, p))

    return back


def own_score_only(grad, logits):
    p = byhand.softmax(logits)
    return grad * p * (1 - p)


def one_factor_less(grad, logits):
    p = byhand.softmax(logits)
    return grad * p - (grad * p).sum(dim=1, keepdim=True)


def on_scores(grad, logits):
    return logits * (grad - (grad * logits).sum(dim=1, keepdim=True))


def through_the_logarithm(grad, logits):
    return grad - byhand.softmax(logits) * grad.sum(dim=1, keepdim=True)


TYPICAL = [
    ("03.1", lambda z, t: byhand.softmax(z * t), "Multiplied where it should be divided"),
    ("03.1", lambda z, t: byhand.softmax(z) / t, "The probabilities were divided"),
    ("03.1", lambda z, t: torch.exp(z / t) / torch.exp(z / t).sum(1, keepdim=True), "It overflows"),
    ("03.1", lambda z, t: byhand.softmax((z / t).T).T, "The columns sum to 1"),
    ("03.1", lambda z, t: byhand.softmax(z), "The temperature changes nothing"),
    ("03.1", lambda z, t: byhand.log_softmax(z / t), "These are logarithms"),
    ("03.1", sum_of_all, "The whole table sums to 1"),
    ("03.1", top_of_all, "The largest of the whole table"),
    ("03.2", lambda z, y, t: loss_gradient(z / t, y), "The chain rule"),
    ("03.2", lambda z, y, t: loss_gradient(z, y) / t, "The probabilities are those of temperature 1"),
    ("03.2", lambda z, y, t: loss_gradient(z / t, y) * len(z) / t, "Not divided by N"),
    ("03.2", lambda z, y, t: -loss_gradient(z / t, y) / t, "The sign is turned round"),
    ("03.2", no_label, "The labels are missing"),
    ("03.2", lambda z, y, t: loss_gradient(z / t, y) * t, "Multiplied by T"),
    ("03.2", lambda z, y, t: loss_gradient(z / t, y) / t**2, "Divided by T twice"),
    ("03.2", lambda z, y, t: loss_gradient(z / t, y) / t / z.shape[1], "Divided by N and by C"),
    ("03.3", 0.8, "The part is spread over all classes"),
    ("03.3", 1, "That is right without smoothing"),
    ("03.3", 0.02, "That is for one of the wrong classes"),
    ("03.3", 0.18, "That is for all of the wrong classes"),
    ("03.3", 0.98, "Only the share of one class"),
    ("03.3", 0.78, "A share was taken away"),
    ("03.3", 0.1, "That is what a model says that knows nothing"),
    ("03.3", 0.2, "That is the part which is spread"),
    ("03.3", 82, "A probability was asked for"),
    ("03.4", own_score_only, "Each score moves its own probability"),
    ("03.4", less_the(lambda grad, p: 0), "Add 1 to all scores"),
    ("03.4", less_the(lambda grad, p: grad.mean(dim=1, keepdim=True)), "The mean of the slopes"),
    ("03.4", less_the(lambda grad, p: grad.sum(dim=1, keepdim=True)), "The slopes were added up"),
    ("03.4", less_the(lambda grad, p: (grad * p).sum(dim=0)), "The sum runs over the images"),
    ("03.4", less_the(lambda grad, p: (grad * p).sum()), "The sum runs over the whole table"),
    ("03.4", one_factor_less, "One factor is missing"),
    ("03.4", lambda grad, logits: -softmax_back(grad, logits), "The sign is turned round"),
    ("03.4", lambda grad, logits: byhand.softmax(logits) - grad, "That is softmax followed by cross-entropy"),
    ("03.4", through_the_logarithm, "That is the backward pass through a logarithm"),
    ("03.4", lambda grad, logits: softmax_back(grad, logits) / len(logits), "Divided by N"),
    ("03.4", on_scores, "Those are scores"),
]


def test_the_rows_of_the_gradient_sum_to_zero():
    """Adding the same number to all scores changes no probability, so each row of the gradient sums to 0."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        sums = find_exercise("03.4").reference(*find_exercise("03.4").draw(generator)).sum(dim=1)
        torch.testing.assert_close(sums, torch.zeros_like(sums), atol=1e-6, rtol=0)
