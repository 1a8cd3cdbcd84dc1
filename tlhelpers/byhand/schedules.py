"""Learning-rate schedules by hand: cosine and one-cycle.

A rate is a function of the step number, which starts at 0, and is set by hand: ``optimizer.lr = cosine_rate(...)``.
"""

import math

from tlhelpers.byhand.arguments import require


def cosine_rate(step: int, *, steps: int, lr: float, lr_min: float = 0.0) -> float:
    """Return the rate that falls from ``lr`` to ``lr_min`` along half a wave of the cosine.

    Parameters
    ----------
    step : int
        From 0; at ``steps`` the rate is ``lr_min``, and after that it rises again, as in torch.
    steps : int
        The number of steps in which the rate falls.
    lr, lr_min : float
        The first and the last rate.

    Returns
    -------
    float
        As ``torch.optim.lr_scheduler.CosineAnnealingLR`` sets it.

    Raises
    ------
    ValueError
        If ``step`` is negative or ``steps`` not positive.

    Examples
    --------
    >>> [round(cosine_rate(step, steps=4, lr=1.0), 3) for step in range(5)]
    [1.0, 0.854, 0.5, 0.146, 0.0]
    """
    _check_steps(step, steps)
    return _between(lr, lr_min, step / steps)


def one_cycle_rate(
    step: int, *, steps: int, peak: float, warmup: float = 0.3, start: float = 1 / 25, end: float = 1 / (25 * 1e4)
) -> float:
    """Return the rate that rises to a peak and falls almost to zero, each along half a wave of the cosine.

    Source: L. N. Smith, N. Topin, "Super-convergence: very fast training of neural networks using large learning
    rates", 2018.

    Parameters
    ----------
    step : int
        From 0 to ``steps`` - 1; ``steps``, at which a loop ends, is allowed too, as in torch.
    steps : int
        The number of steps in the cycle.
    peak : float
        The largest rate.
    warmup : float
        The share of the steps in which the rate rises.
    start, end : float
        The first and the last rate, as shares of the peak.

    Returns
    -------
    float
        As ``torch.optim.lr_scheduler.OneCycleLR`` sets it.

    Raises
    ------
    ValueError
        If ``step`` or ``warmup`` is out of range, or no step is left for the rise or for the fall.

    Examples
    --------
    >>> [round(one_cycle_rate(step, steps=10, peak=1.0), 3) for step in (0, 1, 2, 5, 9)]
    [0.04, 0.52, 1.0, 0.611, 0.0]
    """
    return _one_cycle(step, steps, warmup, (start * peak, peak, end * peak))


def one_cycle_momentum(step: int, *, steps: int, warmup: float = 0.3, low: float = 0.85, high: float = 0.95) -> float:
    """Return the momentum that goes with ``one_cycle_rate``: low where the rate is high.

    In Adam, the first of the ``betas`` takes the place of the momentum.

    Parameters
    ----------
    step, steps, warmup
        As in ``one_cycle_rate``, and so are the errors.
    low, high : float
        The momentum at the peak of the rate, and at the start and the end.

    Returns
    -------
    float

    Examples
    --------
    >>> [round(one_cycle_momentum(step, steps=10), 3) for step in (0, 1, 2, 5, 9)]
    [0.95, 0.9, 0.85, 0.889, 0.95]
    """
    return _one_cycle(step, steps, warmup, (high, low, high))


def _one_cycle(step: int, steps: int, warmup: float, values: tuple[float, float, float]) -> float:
    _check_steps(step, steps)
    require(step <= steps, "step", step, f"be at most {steps}, the number of steps", "count the steps of the loop")
    require(0 <= warmup <= 1, "warmup", warmup, "be a share from 0 to 1", "use 0.3 as torch does")
    (first, peak, last), top = values, warmup * steps - 1  # the step of the peak; below 0 the peak is skipped
    here, span = (step, top) if step <= top else (step - top, steps - 1 - top)
    rule = f"leave at least one of the {steps} steps to the rise and to the fall"
    require(span != 0, "warmup", warmup, rule, "give another warmup")
    return _between(first, peak, here / span) if step <= top else _between(peak, last, here / span)


def _between(first: float, last: float, share: float) -> float:
    return last + (first - last) * (1 + math.cos(math.pi * share)) / 2


def _check_steps(step: int, steps: int) -> None:
    require(steps >= 1, "steps", steps, "be 1 or more", "give the number of steps of the loop")
    require(step >= 0, "step", step, "be 0 or more", "count steps from 0")
