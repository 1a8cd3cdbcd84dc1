"""Gradient descent in a long bowl: how far each step goes, and what momentum changes."""

from functools import cache

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.colors import to_rgb
from PIL import Image, ImageDraw

from tlhelpers.byhand import SGD
from tlhelpers.widgets.drawing import BLUE, GRAY, LIGHT_BLUE, PALE, RED, Page
from tlhelpers.widgets.explorer import Explorer, slider

STEEP = 20.0  # the loss is (x² + STEEP y²) / 2: so many times as curved in y as in x
START = (-8.0, 1.6)
WIDE, HIGH = 10.0, 3.0  # the picture ends at this distance from the lowest point
LEFT, TOP, WIDTH, HEIGHT = 72, 36, 440, 264  # of the map, in pixels
LOSSES = (576, 200, -6, 4)  # the curve's left edge and width, and its lowest and highest power of ten


def explore_descent() -> None:
    """Show gradient descent on the loss (x² + 20 y²) / 2: choose learning rate, momentum and the number of steps."""
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
        "A map of a loss in the shape of a long bowl; the path of 30 steps jumps from side to side and creeps towards "
        "the lowest point. Beside it the loss falls with the steps."
    )
    return Explorer(draw, controls, widgets.VBox(list(controls.values())), alt=alt)


def path(rate: float, momentum: float, steps: int) -> torch.Tensor:
    """Return the start and where each step leads: (steps + 1, 2)."""
    place, curvature = torch.tensor(START, dtype=torch.float64), torch.tensor([1.0, STEEP], dtype=torch.float64)
    optimizer, places = SGD([place], rate, momentum=momentum), [place.clone()]
    for _ in range(steps):
        optimizer.step([curvature * place])  # the gradient of the loss
        places.append(place.clone())
    return torch.stack(places)


def loss_at(places):
    """Return the loss at places (..., 2)."""
    return (places[..., 0] ** 2 + STEEP * places[..., 1] ** 2) / 2


def draw(rate: float, momentum: float, steps: int) -> tuple[Page, str]:
    """Draw the path on the map and the loss of every step, and say where it ends."""
    places = path(rate, momentum, steps).numpy()
    losses, verdict = loss_at(places), _verdict(rate, momentum)
    page = Page(800, 356)
    page.text((LEFT + WIDTH // 2, 8), "the path, on lines of equal loss", anchor="ma", bold=True)
    page.image.paste(_map_with(places), (LEFT, TOP))
    _draw_axes(page)
    _draw_losses(page, losses)
    page.text((LEFT, 334), f"{verdict}.", bold="diverges" in verdict)
    x, y = places[-1] + 0.0
    numbers = f"The loss goes from {losses[0]:.3g} to {losses[-1]:.3g}; the path ends at x = {x:.3g}, y = {y:.3g}"
    return page, f"{steps} steps with rate {rate:.3g} and momentum {momentum:g}. {numbers}. {verdict}."


def _verdict(rate: float, momentum: float) -> str:
    limit = 2 * (1 + momentum) / STEEP  # beyond it every step in y is longer than the one before
    if np.isclose(rate, limit):
        return f"It swings for ever: the rate is just 2 (1 + momentum) / {STEEP:g} = {limit:.3f}"
    if rate > limit:
        return f"It diverges: the rate is above 2 (1 + momentum) / {STEEP:g} = {limit:.3f}"
    return f"It converges: the rate is below 2 (1 + momentum) / {STEEP:g} = {limit:.3f}"


@cache
def _map() -> Image.Image:
    """Return the loss as shades that grow by halves of a power of ten, with a line between shades."""
    x = np.linspace(-WIDE, WIDE, WIDTH)
    y = np.linspace(HIGH, -HIGH, HEIGHT)[:, None]
    level = np.floor(2 * np.log10(loss_at(np.stack(np.broadcast_arrays(x, y), axis=-1)).clip(0.01)))
    share = ((level + 4) / 9).clip(0, 1)[..., None]
    colors = 255 - share * (255 - 255 * np.array(to_rgb(LIGHT_BLUE)))
    lines = (level != np.roll(level, 1, axis=0)) | (level != np.roll(level, 1, axis=1))
    lines[0] = lines[:, 0] = False
    colors[lines] = 150
    return Image.fromarray(colors.round().astype(np.uint8))


def _map_with(places: np.ndarray) -> Image.Image:
    """Return the map with the path on it; what leaves the map is cut off."""
    dots = (places * (1, -1) + (WIDE, HIGH)) * (WIDTH / (2 * WIDE), HEIGHT / (2 * HIGH))
    dots = [tuple(dot) for dot in dots.clip(-20 * WIDTH, 20 * WIDTH).tolist()]
    picture = _map().copy()
    pen = ImageDraw.Draw(picture)
    pen.line(dots, fill=BLUE, width=2)
    for x, y in dots:
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=BLUE)
    for (x, y), shape, color in ((dots[0], pen.ellipse, "black"), (dots[-1], pen.rectangle, RED)):
        shape((x - 5, y - 5, x + 5, y + 5), fill=color, outline="white")
    center = WIDTH // 2, HEIGHT // 2
    pen.line((center[0] - 6, center[1], center[0] + 6, center[1]), fill="black", width=2)
    pen.line((center[0], center[1] - 6, center[0], center[1] + 6), fill="black", width=2)
    return picture


def _draw_axes(page: Page) -> None:
    page.box((LEFT - 1, TOP - 1), (WIDTH + 2, HEIGHT + 2), outline=GRAY)
    for x in range(-8, 9, 4):
        page.text((LEFT + (x + WIDE) * WIDTH / (2 * WIDE), TOP + HEIGHT + 4), str(x), anchor="ma")
    for y in range(-2, 3):
        page.text((LEFT - 6, TOP + (HIGH - y) * HEIGHT / (2 * HIGH)), str(y), anchor="rm")
    words = "weight x (black: start, square: end, cross: lowest)"
    page.text((LEFT + WIDTH // 2, TOP + HEIGHT + 18), words, anchor="ma")
    page.text((8, TOP + HEIGHT // 2 - 30), "weight", anchor="lm")
    page.text((8, TOP + HEIGHT // 2 - 14), "y", anchor="lm")


def _draw_losses(page: Page, losses: np.ndarray) -> None:
    left, width, low, high = LOSSES
    powers = np.log10(losses.clip(10.0**low, 10.0**high))
    heights = TOP + HEIGHT * (high - powers) / (high - low)
    page.text((left + width // 2, 8), "loss", anchor="ma", bold=True)
    for power in range(low, high + 1, 2):
        y = TOP + HEIGHT * (high - power) // (high - low)
        page.pen.line((left, y, left + width, y), fill=PALE)
        page.text((left - 6, y), f"1e{power}" if power else "1", anchor="rm")
    page.box((left - 1, TOP - 1), (width + 2, HEIGHT + 2), outline=GRAY)
    across = left + width * np.arange(len(losses)) / (len(losses) - 1)
    page.pen.line(list(zip(across.tolist(), heights.tolist(), strict=True)), fill=BLUE, width=2)
    for step in (0, (len(losses) - 1) // 2, len(losses) - 1):
        page.text((left + width * step / (len(losses) - 1), TOP + HEIGHT + 4), str(step), anchor="ma")
    page.text((left + width // 2, TOP + HEIGHT + 18), "step", anchor="ma")
