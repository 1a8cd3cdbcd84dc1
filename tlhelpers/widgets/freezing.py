"""What training or freezing a stage changes: trained parameters, memory and time."""

import ipywidgets as widgets

from tlhelpers.cost.stages import PIXELS, TIMED_IMAGES, TIMED_PIXELS, Costs, measure_stages
from tlhelpers.network.resnet import ResNet50
from tlhelpers.widgets.drawing import BLACK, BLUE, GRAY, GREEN, ORANGE, PALE, Page
from tlhelpers.widgets.explorer import Explorer, slider

MEMORY_COLORS = (GREEN, BLACK, ORANGE, BLUE)  # by kind of memory; neighbors differ when printed in gray


def explore_freezing(model: ResNet50) -> None:
    """Show what it costs to train the chosen stages: parameters, memory, and an estimate of the time of an epoch.

    A copy of the model is measured, which takes some seconds; the model stays as it is.

    Parameters
    ----------
    model : ResNet50

    Raises
    ------
    ValueError
        If the model does not have the stages of a ResNet.
    """
    build(model).show()


def build(model: ResNet50) -> Explorer:
    """Measure a copy of the model and return the explorer."""
    costs = measure_stages(model)
    toggles = {
        name: widgets.ToggleButton(
            name in ("layer4", "head"), description=name, tooltip=f"train {name}", layout={"width": "90px"}
        )
        for name in costs.stages
    }
    batch = slider(1, 64, 32, "batch size")
    photos = widgets.BoundedIntText(196, min=1, max=10**7, description="photos", layout={"width": "180px"})

    def draw_chosen(*, batch: int, photos: int, **chosen: bool) -> tuple[Page, str]:
        return draw(costs, {name for name, on in chosen.items() if on}, batch, photos)

    row = widgets.HBox([widgets.Label("Train:"), *toggles.values()], layout={"flex_flow": "row wrap"})
    panel = widgets.VBox([row, widgets.HBox([batch, photos], layout={"flex_flow": "row wrap"})])
    alt = (
        "Bars for the parameters of each stage of the network, those of layer4 and the head trained and the others "
        "frozen; below, the memory that training takes and the seconds an epoch would take."
    )
    return Explorer(draw_chosen, toggles | {"batch": batch, "photos": photos}, panel, alt=alt)


def draw(costs: Costs, trained: set[str], batch: int, photos: int) -> tuple[Page, str]:
    """Draw parameters by stage, memory by kind and seconds per epoch; return the page and a sentence for each."""
    page = Page(760, 356)
    return page, " ".join(
        [
            _draw_stages(page, costs, trained),
            _draw_memory(page, costs, trained, batch),
            _draw_time(page, costs, trained, photos),
        ]
    )


def _draw_stages(page: Page, costs: Costs, trained: set[str]) -> str:
    largest = max(stage.parameters for stage in costs.stages.values())
    page.text((20, 8), "parameters by stage", bold=True)
    for row, (name, stage) in enumerate(costs.stages.items()):
        y, on = 32 + 26 * row, name in trained
        page.text((72, y + 10), name, anchor="rm")
        page.box((80, y), (max(2, round(380 * stage.parameters / largest)), 20), fill=BLUE if on else PALE)
        page.text((472, y + 10), f"{stage.parameters:,} {'trained' if on else 'frozen'}", anchor="lm")
    count, total = _count(costs, trained), _count(costs, set(costs.stages))
    return f"{count:,} of {total:,} parameters are trained, in {len(trained)} of {len(costs.stages)} stages."


def _draw_memory(page: Page, costs: Costs, trained: set[str], batch: int) -> str:
    memory = _megabytes(costs, trained, batch)
    total, largest = sum(memory.values()), sum(_megabytes(costs, set(costs.stages), batch).values())
    page.text((20, 204), "memory for training", bold=True)
    page.box((20, 228), (560, 20), fill=PALE)
    x, left = 20.0, 20
    for (name, megabytes), color in zip(memory.items(), MEMORY_COLORS, strict=True):
        width = 560 * megabytes / largest
        if round(width):
            page.box((round(x), 228), (round(x + width) - round(x), 20), fill=color)
        page.box((left, 259), (12, 12), fill=color)
        page.text((left + 18, 265), f"{name} {megabytes:,.0f} MB", anchor="lm")
        x, left = x + width, left + 182
    page.text((590, 238), f"{total:,.0f} of {largest:,.0f} MB", anchor="lm")
    page.text((580, 208), "pale: if all stages were trained", anchor="ra", color=GRAY)
    listed = ", ".join(f"{name} {megabytes:,.0f} MB" for name, megabytes in memory.items())
    return f"Memory: {listed}; together {total:,.0f} MB for a batch of {batch} photos of {PIXELS} pixels."


def _draw_time(page: Page, costs: Costs, trained: set[str], photos: int) -> str:
    if not trained:
        page.text((20, 320), "Nothing is trained, so there is no backward pass.")
        return "Nothing is trained, so there is no backward pass."
    seconds, longest = photos * costs.seconds(trained), photos * costs.seconds(set(costs.stages))
    page.text((20, 298), f"time for an epoch of {photos:,} photos, an estimate", bold=True)
    page.box((20, 322), (560, 20), fill=PALE)
    page.box((20, 322), (max(1, round(560 * min(1.0, seconds / longest))), 20), fill=BLUE)
    page.text((590, 332), f"{_time(seconds)} of {_time(longest)}", anchor="lm")
    return (
        f"Estimate for an epoch of {photos:,} photos: {_time(seconds)}; all stages trained: {_time(longest)}. "
        "How it was found: the memory of the activations is what autograd keeps for one photo in float32, times the "
        f"batch size. The seconds were measured on this machine with {TIMED_IMAGES} photos of {TIMED_PIXELS} pixels, "
        "for the head alone and for all stages; between them, the multiply-adds of the backward pass decide. Reading "
        "the photos and the steps of the optimizer take time in addition."
    )


def _megabytes(costs: Costs, trained: set[str], batch: int) -> dict[str, float]:
    """Return the memory of each kind: four bytes a number in float32, and the activations of a batch."""
    count = _count(costs, trained)
    return {
        "parameters": 4e-6 * _count(costs, set(costs.stages)),
        "gradients": 4e-6 * count,
        "momentum": 4e-6 * count,
        "activations": 1e-6 * batch * costs.activation_bytes(trained),
    }


def _count(costs: Costs, names: set[str]) -> int:
    """Return the number of parameters in some stages."""
    return sum(costs.stages[name].parameters for name in names)


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s" if seconds < 600 else f"{seconds / 60:,.0f} min"
