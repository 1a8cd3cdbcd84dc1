"""What freezing a stage saves: trained parameters, memory and time."""

import copy
import time
from dataclasses import dataclass

import ipywidgets as widgets
import torch
from torch import Tensor, nn

from tlhelpers.machine import autocast, pick_device
from tlhelpers.network.resnet import ResNet50
from tlhelpers.training.freezing import freeze, train_mode, unfreeze
from tlhelpers.widgets.drawing import BLACK, BLUE, GRAY, GREEN, ORANGE, PALE, Page
from tlhelpers.widgets.explorer import Explorer, slider

PIXELS = 224  # of the photos
TIMED, TIMED_PIXELS = 4, 112  # photos that are timed: together as many pixels as one
KINDS = (GREEN, BLACK, ORANGE, BLUE)  # of memory; neighbors differ when printed gray


@dataclass
class Stage:
    """What one stage costs: numbers in it, and for one photo multiply-adds and bytes kept for the way back.

    ``kept`` counts what is kept if the stage is trained, ``passing`` what is kept if only stages before it are,
    ``inputs`` what it keeps of its input if it is the first that is trained.
    """

    parameters: int = 0
    multiply_adds: int = 0
    kept: int = 0
    passing: int = 0
    inputs: int = 0


@dataclass
class Costs:
    """What all stages cost by name, and the seconds a photo takes if the head is trained, and if all is."""

    stages: dict[str, Stage]
    head_seconds: float
    all_seconds: float

    def activations(self, trained: set[str]) -> int:
        """Return the bytes that one photo's activations take until the way back has used them."""
        total, reached = 0, False
        for name, stage in self.stages.items():
            if name in trained:
                total += stage.kept + (0 if reached else stage.inputs)
                reached = True
            elif reached:
                total += stage.passing
        return total

    def seconds(self, trained: set[str]) -> float:
        """Return the seconds of a photo: the measured extremes, and between them by multiply-adds of the way back."""
        head, everything = self._way_back({[*self.stages][-1]}), self._way_back(set(self.stages))
        share = (self._way_back(trained) - head) / (everything - head)
        return self.head_seconds + share * (self.all_seconds - self.head_seconds)

    def _way_back(self, trained: set[str]) -> int:
        """Count as many multiply-adds again for weights that are trained, and for stages with trained ones before."""
        total, reached = 0, False
        for name, stage in self.stages.items():
            total += stage.multiply_adds * ((name in trained) + reached)
            reached = reached or name in trained
        return total


def explore_freezing(model: ResNet50) -> None:
    """Show what it costs to train the stages chosen: parameters, memory and seconds an epoch, which are an estimate.

    A copy of the model is measured, for some seconds; the model stays as it is.

    Parameters
    ----------
    model : ResNet50

    Raises
    ------
    ValueError
        If the model has not the stages of a ResNet.
    """
    build(model).show()


def build(model: ResNet50) -> Explorer:
    """Measure a copy of the model and return the explorer."""
    costs = measure(model)
    toggles = {
        name: widgets.ToggleButton(
            name in ("layer4", "head"), description=name, tooltip=f"train {name}", layout={"width": "90px"}
        )
        for name in costs.stages
    }
    batch = slider(1, 64, 32, "batch size")
    photos = widgets.BoundedIntText(244, min=1, max=10**7, description="photos", layout={"width": "180px"})

    def drawn(*, batch, photos, **chosen):
        return draw(costs, {name for name, on in chosen.items() if on}, batch, photos)

    row = widgets.HBox([widgets.Label("Train:"), *toggles.values()], layout={"flex_flow": "row wrap"})
    panel = widgets.VBox([row, widgets.HBox([batch, photos], layout={"flex_flow": "row wrap"})])
    alt = (
        "Bars for the parameters of each stage of the network, those of layer4 and the head trained and the others "
        "frozen; below, the memory that training takes and the seconds an epoch would take."
    )
    return Explorer(drawn, toggles | {"batch": batch, "photos": photos}, panel, alt=alt)


def measure(model: ResNet50) -> Costs:
    """Count and measure what the stages of a copy of the model cost on this machine."""
    if not all(hasattr(model, name) for name in ("conv1", "bn1", "layer1", "layer2", "layer3", "layer4", "fc")):
        raise ValueError(f"model must have the stages of a ResNet, got {type(model).__name__}: give load_resnet50()")
    device = pick_device()
    trial = copy.deepcopy(model).float().to(device, memory_format=torch.channels_last)
    noise = torch.Generator().manual_seed(0)  # of its own: what the notebook draws next stays the same
    photo, small = (
        torch.rand(count, 3, pixels, pixels, generator=noise, dtype=torch.float32).to(device)
        for count, pixels in ((1, PIXELS), (TIMED, TIMED_PIXELS))
    )
    parts = trial.stages()
    found = {name: Stage(sum(p.numel() for m in modules for p in m.parameters())) for name, modules in parts.items()}
    train(trial, {"head"})
    head = min(_seconds(trial, small) for _ in range(2))  # the first warms up
    train(trial, {"stem"})
    for name, (fresh, _) in kept(trial, photo, found).items():
        found[name].passing = fresh
    train(trial, set(parts))
    for name, (fresh, shared) in kept(trial, photo, found).items():
        found[name].kept, found[name].inputs = fresh, shared
    return Costs(found, head, min(_seconds(trial, small) for _ in range(2)))


def train(model: nn.Module, names: set[str]) -> None:
    """Train these stages, freeze the others, and set the modes that go with it."""
    for name, modules in model.stages().items():
        for module in modules:
            (unfreeze if name in names else freeze)(module)
    train_mode(model)


def _seconds(model: nn.Module, images: Tensor) -> float:
    """Return the seconds that these images take, forward and back."""
    model.zero_grad()
    start = time.perf_counter()
    with autocast(images.device):
        logits = model(images)
    logits.float().logsumexp(dim=1).sum().backward()
    model.fc.weight.grad.sum().item()  # waits until the device is done
    return time.perf_counter() - start


def kept(model: nn.Module, images: Tensor, found: dict[str, Stage]) -> dict[str, tuple[int, int]]:
    """Return the bytes that autograd keeps in each stage: new ones, and those that an earlier stage keeps as well.

    What follows a stage, such as a pooling, counts as its own. Multiply-adds are noted in ``found`` on the way.
    """
    own = {tensor.untyped_storage().data_ptr() for tensor in [*model.parameters(), *model.buffers()]}
    sizes, holders, shared, now = {}, {}, dict.fromkeys(found, 0), ["stem"]
    alive, seen = [], set()  # tensors are held so that no two get the same address

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        address = storage.data_ptr()
        if address not in own:
            alive.append(tensor)
            sizes[address] = storage.nbytes()
            if holders.setdefault(address, now[0]) != now[0] and (address, now[0]) not in seen:
                seen.add((address, now[0]))
                shared[now[0]] += storage.nbytes()
        return tensor

    def enter(name: str):
        return lambda *_: now.__setitem__(0, name)

    def count(name: str):
        def hook(module, _, output):
            found[name].multiply_adds += output[0].numel() * module.weight[0].numel()

        return hook

    hooks = []
    for name, modules in model.stages().items():
        found[name].multiply_adds = 0
        hooks.append(modules[0].register_forward_pre_hook(enter(name)))
        layers = [layer for module in modules for layer in module.modules()]
        hooks += [m.register_forward_hook(count(name)) for m in layers if isinstance(m, nn.Conv2d | nn.Linear)]
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(images)
    for hook in hooks:
        hook.remove()
    fresh = {name: sum(sizes[at] for at, holder in holders.items() if holder == name) for name in found}
    return {name: (fresh[name], shared[name]) for name in found}


def draw(costs: Costs, trained: set[str], batch: int, photos: int) -> tuple[Page, str]:
    """Draw parameters by stage, memory by kind and seconds an epoch, and say the numbers."""
    page = Page(760, 356)
    count, total = _draw_stages(page, costs, trained)
    memory = {
        "parameters": 4e-6 * total,
        "gradients": 4e-6 * count,
        "momentum": 4e-6 * count,
        "activations": 1e-6 * batch * costs.activations(trained),
    }
    full = 1e-6 * (12 * total + batch * costs.activations(set(costs.stages)))
    _draw_memory(page, memory, full)
    listed = ", ".join(f"{name} {megabytes:,.0f} MB" for name, megabytes in memory.items())
    said = f"{count:,} of {total:,} parameters are trained, in {len(trained)} of {len(costs.stages)} stages. Memory: "
    said += f"{listed}; together {sum(memory.values()):,.0f} MB for a batch of {batch} photos of {PIXELS} pixels."
    if not trained:
        page.text((20, 320), "Nothing is trained: no way back, and nothing to learn.")
        return page, f"{said} Nothing is trained, so there is no way back and nothing to learn."
    seconds, longest = photos * costs.seconds(trained), photos * costs.seconds(set(costs.stages))
    page.text((20, 298), f"time for an epoch of {photos:,} photos, an estimate", bold=True)
    page.box((20, 322), (560, 20), fill=PALE)
    page.box((20, 322), (max(1, round(560 * min(1.0, seconds / longest))), 20), fill=BLUE)
    page.text((590, 332), f"{_time(seconds)} of {_time(longest)}", anchor="lm")
    said += f" Estimate for an epoch of {photos:,} photos: {_time(seconds)}; all stages trained: {_time(longest)}."
    return page, (
        f"{said} How: activations are what autograd was seen to keep of one photo in float32, times the batch; "
        f"seconds were measured here with {TIMED} photos of {TIMED_PIXELS} pixels, for the head alone and for all, and "
        "shared out by multiply-adds; reading photos and the optimizer's step come on top."
    )


def _draw_stages(page: Page, costs: Costs, trained: set[str]) -> tuple[int, int]:
    """Draw a bar for the parameters of each stage; return how many are trained, and how many there are."""
    largest = max(stage.parameters for stage in costs.stages.values())
    page.text((20, 8), "parameters by stage", bold=True)
    for row, (name, stage) in enumerate(costs.stages.items()):
        y, on = 32 + 26 * row, name in trained
        page.text((72, y + 10), name, anchor="rm")
        page.box((80, y), (max(2, round(380 * stage.parameters / largest)), 20), fill=BLUE if on else PALE)
        page.text((472, y + 10), f"{stage.parameters:,} {'trained' if on else 'frozen'}", anchor="lm")
    total = sum(stage.parameters for stage in costs.stages.values())
    return sum(stage.parameters for name, stage in costs.stages.items() if name in trained), total


def _draw_memory(page: Page, memory: dict[str, float], full: float) -> None:
    page.text((20, 204), "memory for training", bold=True)
    page.box((20, 228), (560, 20), fill=PALE)
    x, left = 20.0, 20
    for (name, megabytes), color in zip(memory.items(), KINDS, strict=True):
        width = 560 * megabytes / full
        if round(width):
            page.box((round(x), 228), (round(x + width) - round(x), 20), fill=color)
        page.box((left, 259), (12, 12), fill=color)
        page.text((left + 18, 265), f"{name} {megabytes:,.0f} MB", anchor="lm")
        x, left = x + width, left + 182
    page.text((590, 238), f"{sum(memory.values()):,.0f} of {full:,.0f} MB", anchor="lm")
    page.text((580, 208), "pale: if all stages were trained", anchor="ra", color=GRAY)


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:,.0f} s" if seconds < 600 else f"{seconds / 60:,.0f} min"
