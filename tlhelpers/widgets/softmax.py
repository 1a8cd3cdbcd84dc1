"""Scores, a temperature, and the probabilities and the loss that they give."""

from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np
import torch

from tlhelpers.byhand import cross_entropy, softmax
from tlhelpers.widgets.drawing import BLUE, GRAY, ORANGE, PALE, Page, fitted, short
from tlhelpers.widgets.explorer import Explorer


def explore_softmax(logits, names: Sequence[str]) -> None:
    """Show how scores become probabilities at a temperature, and how surprising each class would be.

    Parameters
    ----------
    logits : (C,) tensor or sequence of numbers
        Scores of two to eight classes, to begin with.
    names : sequence of str
        Of the classes.

    Raises
    ------
    ValueError
        If there are not two to eight finite scores, or not one name for each.
    """
    build(logits, names).show()


def build(logits, names: Sequence[str]) -> Explorer:
    """Return the explorer of some scores."""
    logits, names = np.asarray(logits, dtype=np.float64), [str(name) for name in names]
    if logits.ndim != 1 or not 2 <= len(logits) <= 8:
        raise ValueError(f"logits must be two to eight numbers in a row, got shape {logits.shape}: give logits[0]")
    if not np.isfinite(logits).all():
        raise ValueError("logits must hold numbers, but some are NaN or infinite: look at where they come from")
    if len(names) != len(logits):
        raise ValueError(f"there are {len(logits)} logits, but {len(names)} names: give one name for each")
    scores = {f"z{c}": _score(name, value) for c, (name, value) in enumerate(zip(names, logits, strict=True))}
    temperature = widgets.FloatLogSlider(
        1.0, min=-1, max=1.5, step=0.05, description="temperature", layout={"width": "360px"}
    )
    temperature.style = {"description_width": "90px"}
    truth = widgets.Dropdown(options=[(name, c) for c, name in enumerate(names)], description="true class")

    def drawn(*, temperature, truth, **numbers):
        return draw(np.array(list(numbers.values())), names, temperature, truth)

    panel = widgets.HBox(
        [widgets.VBox(list(scores.values())), widgets.VBox([temperature, truth])], layout={"flex_flow": "row wrap"}
    )
    alt = f"A bar for the probability of each of {len(names)} classes at temperature 1, the bar of {names[0]} marked."
    return Explorer(drawn, {"temperature": temperature, "truth": truth} | scores, panel, alt=alt)


def _score(name: str, value: float) -> widgets.FloatText:
    return widgets.FloatText(value, description=f"score of {name}", step=0.5, style={"description_width": "130px"})


def draw(logits: np.ndarray, names: Sequence[str], temperature: float, truth: int) -> tuple[Page, str]:
    """Draw the probabilities as bars, and say them with the cross-entropy of the true class.

    Raises
    ------
    ValueError
        If a score is NaN or infinite.
    """
    if not np.isfinite(logits).all():
        raise ValueError("every score must be a number, but one is NaN or infinite: write another one")
    scores = torch.from_numpy(logits)[None]
    probabilities = softmax(scores, temperature=temperature)[0].tolist()
    loss = cross_entropy(scores / temperature, torch.tensor([truth])).item()

    left, width, line = 250, 400, 34
    bottom = 40 + line * len(names)
    page = Page(740, bottom + 76)
    page.text((150, 12), "class", anchor="ra", bold=True)
    page.text((left - 16, 12), "score", anchor="ra", bold=True)
    page.text((left + width / 2, 12), f"probability at temperature {short(temperature)}", anchor="ma", bold=True)
    for tenth in range(11):
        x = left + width * tenth // 10
        page.pen.line((x, 40, x, bottom), fill=PALE)
        page.text((x, bottom + 4), f"{tenth / 10:g}", anchor="ma", color=GRAY)
    for c, (name, p) in enumerate(zip(names, probabilities, strict=True)):
        middle, color = 40 + line * c + line // 2, ORANGE if c == truth else BLUE
        page.text((150, middle), fitted(name, 140), anchor="rm")
        page.text((left - 16, middle), short(logits[c]), anchor="rm")
        if p * width >= 0.5:
            page.box((left, middle - 11), (round(p * width), 22), fill=color)
        page.text((left + p * width + 8, middle), f"{p:.3f}", anchor="lm")
    page.pen.line((left, 40, left, bottom), fill="black")
    words = f"surprise at {fitted(names[truth], 140)}: -log {probabilities[truth]:.3g} = {loss:.3f} nats"
    page.text((left, bottom + 42), words, bold=True)

    listed = ", ".join(f"{name} {p:.3f}" for name, p in zip(names, probabilities, strict=True))
    return page, f"Probabilities: {listed}. Cross-entropy if the true class is {names[truth]}: {loss:.3f} nats."
