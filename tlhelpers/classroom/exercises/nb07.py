"""Exercises of notebook 07: how often and how far an optimizer steps, what a frozen batch norm keeps, when to stop."""

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from tlhelpers.classroom.exercises import Exercise


def _draw_run(generator: Generator) -> tuple[int, int, int]:
    """Draw photos, a batch size that mostly leaves a smaller last batch, and two or more epochs."""
    batch_size = int(torch.randint(4, 65, (), generator=generator))
    full = int(torch.randint(2, 20, (), generator=generator))
    rest = int(torch.randint(1, batch_size, (), generator=generator))
    rest *= int(torch.randint(4, (), generator=generator) > 0)  # none in one of four
    return full * batch_size + rest, batch_size, int(torch.randint(2, 12, (), generator=generator))


COUNT_STEPS = Exercise(
    reference=lambda photos, batch_size, epochs: -(-photos // batch_size) * epochs,
    draw=_draw_run,
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


def _draw_step(generator: Generator) -> tuple[Tensor, Tensor, Tensor, float, float]:
    """Draw weight, gradient, velocity, a rate and a momentum."""
    weight, gradient, velocity = torch.randn(3, 2, 3, generator=generator, dtype=torch.float64)
    first, second = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    return weight, gradient, velocity, 0.1 + 0.5 * first, 0.3 + 0.6 * second


def _step(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    """Sutskever et al. (2013) as torch has it: the rate multiplies the velocity and is no part of it."""
    velocity = velocity.mul(momentum).add(gradient)
    return torch.stack([weight.sub(velocity, alpha=rate), velocity])


def _rate_inside(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    velocity = momentum * velocity + rate * gradient
    return torch.stack([weight - velocity, velocity])


def _minus_inside(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    velocity = momentum * velocity - rate * gradient
    return torch.stack([weight + velocity, velocity])


def _nesterov(weight: Tensor, gradient: Tensor, velocity: Tensor, rate: float, momentum: float) -> Tensor:
    velocity = momentum * velocity + gradient
    return torch.stack([weight - rate * (gradient + momentum * velocity), velocity])


SGD_STEP = Exercise(
    reference=_step,
    draw=_draw_step,
    mistakes={
        "Uphill: the gradient points to where the loss grows, so subtract.": (
            lambda w, g, v, rate, momentum: torch.stack([w + rate * (momentum * v + g), momentum * v + g])
        ),
        "The velocity takes up the gradient with a plus; the minus comes once, when the weight moves.": (
            lambda w, g, v, rate, momentum: torch.stack([w + rate * (momentum * v - g), momentum * v - g])
        ),
        "The weight moved with the old velocity: make the new one first, then move.": (
            lambda w, g, v, rate, momentum: torch.stack([w - rate * v, momentum * v + g])
        ),
        "The weight moved along the gradient alone: it is the new velocity that moves it.": (
            lambda w, g, v, rate, momentum: torch.stack([w - rate * g, momentum * v + g])
        ),
        "The old velocity is forgotten: it stays in the new one, momentum times.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, rate, 0)
        ),
        "The old velocity is kept whole: it has to fade, momentum times.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, rate, 1)
        ),
        "The gradient is taken up whole in torch's SGD, and not 1 - momentum times.": (
            lambda w, g, v, rate, momentum: _step(w, (1 - momentum) * g, v, rate, momentum)
        ),
        "Momentum belongs to the old velocity only, not to the gradient as well.": (
            lambda w, g, v, rate, momentum: _step(w, momentum * g, v, rate, momentum)
        ),
        "The rate belongs to the move of the weight and is no part of the velocity in torch.": _rate_inside,
        "That velocity holds the rate and the minus; here it takes up the gradient as it is.": _minus_inside,
        "That is Nesterov's variant, which looks one step ahead; plain momentum is asked for.": _nesterov,
        "The rate is missing: the weight moves rate times the velocity.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, 1, momentum)
        ),
        "The other way round: stack the weight first and the velocity second.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, rate, momentum).flip(0)
        ),
        "That is the new weight alone; the next step will need the velocity as well.": (
            lambda w, g, v, rate, momentum: _step(w, g, v, rate, momentum)[0]
        ),
        "Joined end to end: stack the two, so that there is one more axis.": (
            lambda w, g, v, rate, momentum: torch.cat(tuple(_step(w, g, v, rate, momentum)))
        ),
    },
)

BLOCKS = (3, 4, 6, 3)  # of ResNet-50: each has three batch norms, the first of each stage one more
BATCH_NORMS = 1 + 3 * sum(BLOCKS) + len(BLOCKS)
BUFFERS = 3  # running mean, running variance, and how many batches there were

CHANGED_TENSORS = Exercise(
    reference=lambda: BUFFERS * (BATCH_NORMS - 1),
    draw=lambda generator: (),
    mistakes={
        "That is as many as before: which batch norm is in eval mode now, and what do its buffers do then?": (
            lambda: BUFFERS * BATCH_NORMS
        ),
        "A batch norm keeps more than one buffer; the first try at freezing named them.": (
            lambda: BUFFERS * BATCH_NORMS - 1
        ),
        "Mean and variance are two of the buffers of a batch norm; there is one more, which counts.": (
            lambda: BUFFERS * BATCH_NORMS - 2
        ),
        "The frozen stem has six tensors, but not all of them are buffers; weights do not move without a step.": (
            lambda: BUFFERS * BATCH_NORMS - 6
        ),
        "Weight and bias of a batch norm were not among the tensors that changed: a pass moves buffers only.": (
            lambda: BUFFERS * BATCH_NORMS - BUFFERS - 2
        ),
        "Those stay now; asked for are those that change.": lambda: BUFFERS,
        "Only one batch norm is frozen: the others still follow every batch.": lambda: 0,
        "That is a number of batch norms; each has several tensors that change.": lambda: BATCH_NORMS - 1,
        "That is the number of all batch norms; each has several tensors, and one of them is frozen.": (
            lambda: BATCH_NORMS
        ),
        "Two for each batch norm that trains: is there no third that a pass changes?": lambda: 2 * (BATCH_NORMS - 1),
    },
)


def _draw_training(generator: Generator) -> tuple[Tensor, Tensor, int]:
    """Draw losses that fall and then waver, with ties, accuracies of their own, and a patience of 2 to 4 epochs."""
    epochs, patience = (int(torch.randint(*ends, (), generator=generator)) for ends in ((8, 15), (2, 5)))
    noise = torch.randn(2, epochs, generator=generator, dtype=torch.float64)
    losses = 0.3 + 0.3 * torch.exp(-torch.arange(epochs) / 2) + 0.04 * noise[0]
    return losses.round(decimals=2), 0.9 + 0.02 * noise[1], patience


def _gains(losses: Tensor) -> Tensor:
    """Return of each epoch whether its loss is lower than all before: (E,) bool."""
    before = torch.cat([torch.tensor([math.inf]), losses.cummin(dim=0).values[:-1]])
    return losses < before


def _last(gains: Tensor, patience: int) -> int:
    """Return the epoch, from 0, after which the training stops; ``gains`` says which ones were worth it."""
    epochs = torch.arange(len(gains))
    waited = epochs - torch.where(gains, epochs, 0).cummax(dim=0).values
    return int((waited >= patience).nonzero()[0]) if (waited >= patience).any() else len(gains) - 1


def _lowest(losses: Tensor) -> int:
    """Return the first epoch, from 0, with the lowest loss."""
    return losses.tolist().index(losses.min())


def _taken(losses: Tensor, accuracies: Tensor, last: int) -> Tensor:
    """Return what belongs to a training that ended after the epoch ``last``, from 0."""
    return torch.stack([torch.tensor(last + 1.0), accuracies[_lowest(losses[: last + 1])]])


def _stop_early(losses: Tensor, accuracies: Tensor, patience: int) -> Tensor:
    """Prechelt, "Early stopping - but when?" (1998), the simplest of its criteria, as ``tl.fit`` has it."""
    return _taken(losses, accuracies, _last(_gains(losses), patience))


def _instead(losses: Tensor, accuracies: Tensor, patience: int, choose: Callable[[int], Tensor]) -> Tensor:
    """Stop rightly, and report another accuracy: ``choose`` is told after which epoch, from 0, it stopped."""
    last = _last(_gains(losses), patience)
    return torch.stack([torch.tensor(last + 1.0), choose(last)])


def _never_reset(losses: Tensor, accuracies: Tensor, patience: int) -> Tensor:
    enough = ((~_gains(losses)).cumsum(dim=0) >= patience).nonzero()
    return _taken(losses, accuracies, int(enough[0]) if len(enough) else len(losses) - 1)


def _ties_gain(losses: Tensor, accuracies: Tensor, patience: int) -> Tensor:
    gains = losses <= losses.cummin(dim=0).values
    last = _last(gains, patience)
    return torch.stack([torch.tensor(last + 1.0), accuracies[int(gains[: last + 1].nonzero()[-1])]])


STOP_EARLY = Exercise(
    reference=_stop_early,
    draw=_draw_training,
    mistakes={
        "The best of the test photos was picked: they must not choose anything, so ask the held-out losses.": (
            lambda losses, accuracies, patience: _instead(
                losses, accuracies, patience, lambda last: accuracies[: last + 1].max()
            )
        ),
        "That is the accuracy after the last epoch; the patience was in vain there, so go back to a better network.": (
            lambda losses, accuracies, patience: _instead(losses, accuracies, patience, lambda last: accuracies[last])
        ),
        "It looked at epochs that were never run: only those up to the stop have left a network.": (
            lambda losses, accuracies, patience: _instead(
                losses, accuracies, patience, lambda last: accuracies[_lowest(losses)]
            )
        ),
        "The second number is a loss: the held-out photos choose the epoch, and its test accuracy is asked for.": (
            lambda losses, accuracies, patience: _instead(
                losses, accuracies, patience, lambda last: losses[: last + 1].min()
            )
        ),
        "The test photos decided when to stop: that is for the held-out losses.": (
            lambda losses, accuracies, patience: _taken(losses, accuracies, _last(_gains(-accuracies), patience))
        ),
        "Compared with the epoch before: a gain is a loss lower than all before.": (
            lambda losses, accuracies, patience: _taken(
                losses, accuracies, _last(losses.diff(prepend=torch.tensor([math.inf])) < 0, patience)
            )
        ),
        "The waiting is never set back: after a gain it begins anew.": _never_reset,
        "As low as the lowest is no gain: the loss has to be lower.": _ties_gain,
        "One epoch too late: after so many without a gain, no other is run.": (
            lambda losses, accuracies, patience: _stop_early(losses, accuracies, patience + 1)
        ),
        "One epoch too early: so many in a row have to be without a gain.": (
            lambda losses, accuracies, patience: _stop_early(losses, accuracies, patience - 1)
        ),
        "The epochs are counted from 0; how many were run is one more than the index of the last.": (
            lambda losses, accuracies, patience: (
                _stop_early(losses, accuracies, patience) - torch.tensor([1, 0], dtype=torch.float64)
            )
        ),
        "That is the epoch of the lowest loss; how many were run counts those that waited in vain, too.": (
            lambda losses, accuracies, patience: _taken(
                losses, accuracies, _lowest(losses[: _last(_gains(losses), patience) + 1])
            )
        ),
        "It never stops: patience ends the training before all epochs are run.": (
            lambda losses, accuracies, patience: _taken(losses, accuracies, len(losses) - 1)
        ),
    },
)

EXERCISES = {"07.1": COUNT_STEPS, "07.2": SGD_STEP, "07.3": CHANGED_TENSORS, "07.4": STOP_EARLY}
