"""Gradient descent on a loss like a long bowl: how learning rate and momentum change the path."""

from functools import cache
from typing import TypeVar

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.colors import to_rgb
from PIL import Image, ImageDraw

from tlhelpers.byhand import SGD
from tlhelpers.widgets.drawing import BLUE, GRAY, LIGHT_BLUE, PALE, RED, Page
from tlhelpers.widgets.explorer import Explorer, slider

CURVATURE = 20.0  # the loss is (x² + CURVATURE y²) / 2: it is 20 times as curved in y as in x
START = (-8.0, 1.6)
X_LIMIT, Y_LIMIT = 10.0, 3.0  # the map shows x from -10 to 10 and y from -3 to 3; the minimum is in the middle
LEFT, TOP, WIDTH, HEIGHT = 72, 36, 440, 264  # of the map, in pixels
LOSS_LEFT, LOSS_WIDTH = 576, 200  # of the curve of the loss, in pixels
LOWEST_POWER, HIGHEST_POWER = -6, 4  # of ten, on the axis of the loss
Values = TypeVar("Values", np.ndarray, torch.Tensor)


def explore_descent() -> None:
    """Show gradient descent on the loss (x² + 20 y²) / 2: choose learning rate, momentum, and the number of steps."""
    build().show()


def build() -> Explorer:
    """Return the explorer."""
    wide = {"width": "340px"}
    controls = {
        "rate": widgets.FloatLogSlider(10**-1.1, min=-3, max=0, step=0.02, description="learning rate", layout=wide),
        "momentum": widgets.FloatSlider(0.0, min=0.0, max=0.99, step=0.01, description="momentum", layout=wide),
        "steps": slider(1, 100, 30, "steps"),
    }
    for control in controls.values():
        control.style = {"description_width": "90px"}
    alt = (
        "A map of a loss in the shape of a long bowl; the path of 30 steps jumps from side to side and creeps toward "
        "the lowest point. Beside it the loss falls with the steps."
    )
    return Explorer(draw, controls, widgets.VBox(list(controls.values())), alt=alt)


def path(rate: float, momentum: float, steps: int) -> torch.Tensor:
    """Return the start and the position after each step, (steps + 1, 2)."""
    position, curvature = torch.tensor(START, dtype=torch.float64), torch.tensor([1.0, CURVATURE], dtype=torch.float64)
    optimizer, positions = SGD([position], rate, momentum=momentum), [position.clone()]
    for _ in range(steps):
        optimizer.step([curvature * position])  # the gradient of the loss
        positions.append(position.clone())
    return torch.stack(positions)


def loss_at(positions: Values) -> Values:
    """Return the loss (...) at positions (..., 2)."""
    return (positions[..., 0] ** 2 + CURVATURE * positions[..., 1] ** 2) / 2


def draw(rate: float, momentum: float, steps: int) -> tuple[Page, str]:
    """Draw the path on the map and the loss after each step; return the page and a sentence on where the path ends."""
    positions = path(rate, momentum, steps).numpy()
    losses, verdict = loss_at(positions), _verdict(rate, momentum)
    page = Page(800, 356)
    page.text((LEFT + WIDTH // 2, 8), "the path, on lines of equal loss", anchor="ma", bold=True)
    page.image.paste(_map_with_path(positions), (LEFT, TOP))
    _draw_axes(page)
    _draw_losses(page, losses)
    page.text((LEFT, 334), f"{verdict}.", bold="diverges" in verdict)
    x, y = positions[-1] + 0.0
    numbers = f"The loss goes from {losses[0]:.3g} to {losses[-1]:.3g}; the path ends at x = {x:.3g}, y = {y:.3g}"
    return page, f"{steps} steps with rate {rate:.3g} and momentum {momentum:g}. {numbers}. {verdict}."


def _verdict(rate: float, momentum: float) -> str:
    limit = 2 * (1 + momentum) / CURVATURE  # above it each step in y is longer than the last
    if np.isclose(rate, limit):
        return f"It oscillates without end: the rate is exactly 2 (1 + momentum) / {CURVATURE:g} = {limit:.3f}"
    if rate > limit:
        return f"It diverges: the rate is above 2 (1 + momentum) / {CURVATURE:g} = {limit:.3f}"
    return f"It converges: the rate is below 2 (1 + momentum) / {CURVATURE:g} = {limit:.3f}"


@cache
def _map() -> Image.Image:
    """Draw the loss in shades, one for each half of a power of ten, with a line between two shades."""
    x = np.linspace(-X_LIMIT, X_LIMIT, WIDTH)
    y = np.linspace(Y_LIMIT, -Y_LIMIT, HEIGHT)[:, None]
    level = np.floor(2 * np.log10(loss_at(np.stack(np.broadcast_arrays(x, y), axis=-1)).clip(0.01)))
    share = ((level + 4) / 9).clip(0, 1)[..., None]
    colors = 255 - share * (255 - 255 * np.array(to_rgb(LIGHT_BLUE)))
    lines = (level != np.roll(level, 1, axis=0)) | (level != np.roll(level, 1, axis=1))
    lines[0] = lines[:, 0] = False
    colors[lines] = 150
    return Image.fromarray(colors.round().astype(np.uint8))


def _map_with_path(positions: np.ndarray) -> Image.Image:
    """Draw the path on the map; what leaves the map is cut off."""
    pixels = (positions * (1, -1) + (X_LIMIT, Y_LIMIT)) * (WIDTH / (2 * X_LIMIT), HEIGHT / (2 * Y_LIMIT))
    dots = [(x, y) for x, y in pixels.clip(-20 * WIDTH, 20 * WIDTH).tolist()]
    picture = _map().copy()
    pen = ImageDraw.Draw(picture)
    pen.line(dots, fill=BLUE, width=2)
    for x, y in dots:
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=BLUE)
    for (x, y), shape, color in ((dots[0], pen.ellipse, "black"), (dots[-1], pen.rectangle, RED)):
        shape((x - 5, y - 5, x + 5, y + 5), fill=color, outline="white")
    x, y = WIDTH // 2, HEIGHT // 2
    pen.line((x - 6, y, x + 6, y), fill="black", width=2)
    pen.line((x, y - 6, x, y + 6), fill="black", width=2)
    return picture


def _draw_axes(page: Page) -> None:
    page.box((LEFT - 1, TOP - 1), (WIDTH + 2, HEIGHT + 2), outline=GRAY)
    for x in range(-8, 9, 4):
        page.text((LEFT + (x + X_LIMIT) * WIDTH / (2 * X_LIMIT), TOP + HEIGHT + 4), str(x), anchor="ma")
    for y in range(-2, 3):
        page.text((LEFT - 6, TOP + (Y_LIMIT - y) * HEIGHT / (2 * Y_LIMIT)), str(y), anchor="rm")
    words = "weight x (black: start, square: end, cross: lowest)"
    page.text((LEFT + WIDTH // 2, TOP + HEIGHT + 18), words, anchor="ma")
    page.text((8, TOP + HEIGHT // 2 - 30), "weight", anchor="lm")
    page.text((8, TOP + HEIGHT // 2 - 14), "y", anchor="lm")


def _draw_losses(page: Page, losses: np.ndarray) -> None:
    """Draw the loss against the step, on a logarithmic axis."""
    left, width, last = LOSS_LEFT, LOSS_WIDTH, len(losses) - 1
    powers = np.log10(losses.clip(10.0**LOWEST_POWER, 10.0**HIGHEST_POWER))
    page.text((left + width // 2, 8), "loss", anchor="ma", bold=True)
    for power in range(LOWEST_POWER, HIGHEST_POWER + 1, 2):
        y = TOP + HEIGHT * (HIGHEST_POWER - power) // (HIGHEST_POWER - LOWEST_POWER)
        page.pen.line((left, y, left + width, y), fill=PALE)
        page.text((left - 6, y), f"1e{power}" if power else "1", anchor="rm")
    page.box((left - 1, TOP - 1), (width + 2, HEIGHT + 2), outline=GRAY)
    x = left + width * np.arange(last + 1) / last
    y = TOP + HEIGHT * (HIGHEST_POWER - powers) / (HIGHEST_POWER - LOWEST_POWER)
    page.pen.line(list(zip(x.tolist(), y.tolist(), strict=True)), fill=BLUE, width=2)
    for step in (0, last // 2, last):
        page.text((left + width * step / last, TOP + HEIGHT + 4), str(step), anchor="ma")
    page.text((left + width // 2, TOP + HEIGHT + 18), "step", anchor="ma")
