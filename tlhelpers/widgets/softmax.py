"""Scores of classes, a temperature, and the probabilities and the loss that they give."""

from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np
import torch
from numpy.typing import ArrayLike

from tlhelpers.byhand import cross_entropy, softmax
from tlhelpers.names import distinct, isolated, tidy
from tlhelpers.widgets.drawing import BLUE, GRAY, ORANGE, PALE, TEXT, Page, short
from tlhelpers.widgets.explorer import Explorer

LEFT, TOP, WIDTH, LINE = 250, 40, 400, 34  # of the bars: left and upper edge, longest bar, line height, in pixels


def explore_softmax(logits: ArrayLike, names: Sequence[str]) -> None:
    """Show how softmax turns scores into probabilities at a temperature, and the loss for each true class.

    Parameters
    ----------
    logits : tensor or sequence of float
        (C,), the first scores of two to eight classes.
    names : sequence of str
        The names of the C classes.

    Raises
    ------
    ValueError
        If there are not two to eight finite scores, or not one name for each.
    """
    build(logits, names).show()


def build(logits: ArrayLike, names: Sequence[str]) -> Explorer:
    """Return the explorer of some scores."""
    logits, names = np.asarray(logits, dtype=np.float64), [tidy(name) for name in names]
    _check(logits, names)
    scores = {f"z{c}": _score(name, value) for c, (name, value) in enumerate(zip(names, logits, strict=True))}
    temperature = widgets.FloatLogSlider(
        1.0, min=-1, max=1.5, step=0.05, description="temperature", layout={"width": "360px"}
    )
    temperature.style = {"description_width": "90px"}
    truth = widgets.Dropdown(options=[(name, c) for c, name in enumerate(names)], description="true class")

    def draw_scores(*, temperature: float, truth: int, **numbers: float) -> tuple[Page, str]:
        return draw(np.array(list(numbers.values())), names, temperature, truth)

    panel = widgets.HBox(
        [widgets.VBox(list(scores.values())), widgets.VBox([temperature, truth])], layout={"flex_flow": "row wrap"}
    )
    first = isolated(names[0])
    alt = f"A bar for the probability of each of {len(names)} classes at temperature 1, the bar of {first} marked."
    return Explorer(draw_scores, {"temperature": temperature, "truth": truth} | scores, panel, alt=alt)


def _check(logits: np.ndarray, names: Sequence[str]) -> None:
    if logits.ndim != 1 or not 2 <= len(logits) <= 8:
        raise ValueError(f"logits has shape {logits.shape}; it must hold two to eight numbers in a row; give logits[0]")
    if not np.isfinite(logits).all():
        raise ValueError("logits holds NaN or infinity; it must hold finite numbers; check how it was computed")
    if len(names) != len(logits):
        raise ValueError(f"names has {len(names)} names; it must have one for each of {len(logits)} logits")


def _score(name: str, value: float) -> widgets.FloatText:
    return widgets.FloatText(value, description=f"score of {name}", step=0.5, style={"description_width": "130px"})


def draw(logits: np.ndarray, names: Sequence[str], temperature: float, truth: int) -> tuple[Page, str]:
    """Draw the probabilities as bars; return the page and a sentence with them and the cross-entropy.

    Parameters
    ----------
    logits : array
        (C,).
    names : sequence of str
        The names of the C classes.
    temperature : float
        Above 0; the logits are divided by it.
    truth : int
        The number of the true class.

    Raises
    ------
    ValueError
        If a score is NaN or infinite.
    """
    if not np.isfinite(logits).all():
        raise ValueError("a score is NaN or infinite; every score must be a finite number; write another one")
    scores = torch.from_numpy(logits)[None]
    probabilities = softmax(scores, temperature=temperature)[0].tolist()
    loss = cross_entropy(scores / temperature, torch.tensor([truth])).item()

    bottom = TOP + LINE * len(names)
    page = Page(740, bottom + 76)
    _draw_axis(page, bottom, temperature)
    drawn = distinct(names, 140, TEXT)
    for c, (name, p) in enumerate(zip(drawn, probabilities, strict=True)):
        middle = TOP + LINE * c + LINE // 2
        page.text((150, middle), name, anchor="rm")
        page.text((LEFT - 16, middle), short(logits[c]), anchor="rm")
        if p * WIDTH >= 0.5:
            page.box((LEFT, middle - 11), (round(p * WIDTH), 22), fill=ORANGE if c == truth else BLUE)
        page.text((LEFT + p * WIDTH + 8, middle), f"{p:.3f}", anchor="lm")
    page.pen.line((LEFT, TOP, LEFT, bottom), fill="black")
    words = f"surprise at {isolated(drawn[truth])}: -log {probabilities[truth]:.3g} = {loss:.3f} nats"
    page.text((LEFT, bottom + 42), words, bold=True)

    whole = [isolated(name) for name in names]
    listed = ", ".join(f"{name} {p:.3f}" for name, p in zip(whole, probabilities, strict=True))
    return page, f"Probabilities: {listed}. Cross-entropy if the true class is {whole[truth]}: {loss:.3f} nats."


def _draw_axis(page: Page, bottom: int, temperature: float) -> None:
    """Draw the headings, and a line with a number below it at each tenth of the probability."""
    page.text((150, 12), "class", anchor="ra", bold=True)
    page.text((LEFT - 16, 12), "score", anchor="ra", bold=True)
    page.text((LEFT + WIDTH / 2, 12), f"probability at temperature {short(temperature)}", anchor="ma", bold=True)
    for tenth in range(11):
        x = LEFT + WIDTH * tenth // 10
        page.pen.line((x, TOP, x, bottom), fill=PALE)
        page.text((x, bottom + 4), f"{tenth / 10:g}", anchor="ma", color=GRAY)
