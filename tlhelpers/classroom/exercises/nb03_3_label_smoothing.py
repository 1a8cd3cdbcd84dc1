"""Exercise 03.3: find the probability at which a loss with label smoothing is smallest."""

import torch
import torch.nn.functional as F

from tlhelpers.classroom.exercises import Exercise


def _best_probability() -> float:
    """Compute it from autograd: with equal scores p is 0.1, and the gradient of a score is p minus its target."""
    scores = torch.zeros(1, 10, dtype=torch.float64, requires_grad=True)
    loss = F.cross_entropy(scores, torch.tensor([0]), label_smoothing=0.2)
    return 0.1 - torch.autograd.grad(loss, scores)[0][0, 0].item()


EXERCISE = Exercise(
    reference=_best_probability,
    mistakes={
        "The part is spread over all classes: is the right one among them?": lambda: 1 - 0.2,
        "That is right without smoothing; with it, the loss grows again when the model is too sure.": lambda: 1.0,
        "That is for one of the wrong classes.": lambda: 0.2 / 10,
        "That is for all of the wrong classes together.": lambda: 9 * 0.2 / 10,
        "Only the share of one class was taken from the right one: how much is spread?": lambda: 1 - 0.2 / 10,
        "A share was taken away that the right class should get: the ten targets are to sum to 1.": (
            lambda: 1 - 0.2 - 0.2 / 10
        ),
        "That is what a model says that knows nothing: the smoothing is not so strong.": lambda: 1 / 10,
        "That is the part which is spread: where does the rest stay?": lambda: 0.2,
        "A probability was asked for, from 0 to 1, and not percent.": lambda: 100 * _best_probability(),
    },
)
