"""What it costs to train some stages of a network: parameters, memory and time."""

import copy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from tlhelpers.arguments import check_network
from tlhelpers.cost.memory import record_saved, sizes
from tlhelpers.cost.profiling import shortest_time
from tlhelpers.features.recording import record_layers
from tlhelpers.machine import pick_device
from tlhelpers.network.resnet import ResNet50
from tlhelpers.precision import autocast
from tlhelpers.training.freezing import freeze, train_mode, unfreeze

PIXELS = 224  # height and width of an image
TIMED_IMAGES, TIMED_PIXELS = 4, 112  # the images that are timed; together they have as many pixels as one of 224


@dataclass
class StageCosts:
    """The costs of one stage. Multiply-adds and bytes are those of one image.

    Parameters
    ----------
    parameters : int
    multiply_adds : int
        Of its convolutions and linear layers in the forward pass.
    trained_bytes : int
        What autograd keeps in this stage for the backward pass if the stage is trained.
    frozen_bytes : int
        The same if the stage is frozen, but an earlier stage is trained, so that gradients pass through.
    input_bytes : int
        What is kept of its input in addition if no earlier stage is trained. Otherwise the earlier stage keeps it.
    """

    parameters: int = 0
    multiply_adds: int = 0
    trained_bytes: int = 0
    frozen_bytes: int = 0
    input_bytes: int = 0


@dataclass
class Costs:
    """The costs of all stages, and the measured seconds of a training step with one image.

    Parameters
    ----------
    stages : dict
        By the names of the stages, from the image to the head.
    head_seconds : float
        If only the head is trained.
    all_seconds : float
        If all stages are trained.
    """

    stages: dict[str, StageCosts]
    head_seconds: float
    all_seconds: float

    def activation_bytes(self, trained: set[str]) -> int:
        """Return the bytes that one image's activations take if the named stages are trained."""
        total, gradients_pass = 0, False
        for name, stage in self.stages.items():
            if name in trained:
                total += stage.trained_bytes + (0 if gradients_pass else stage.input_bytes)
                gradients_pass = True
            elif gradients_pass:
                total += stage.frozen_bytes
        return total

    def seconds(self, trained: set[str]) -> float:
        """Estimate the seconds of one image if the named stages are trained.

        The two measured times are the ends; between them the multiply-adds of the backward pass decide.
        """
        head, everything = self._backward_multiply_adds({"head"}), self._backward_multiply_adds(set(self.stages))
        share = (self._backward_multiply_adds(trained) - head) / (everything - head)
        return self.head_seconds + share * (self.all_seconds - self.head_seconds)

    def _backward_multiply_adds(self, trained: set[str]) -> int:
        """Count those of a forward pass once for gradients of weights, and once for gradients of the stage's input."""
        total, gradients_pass = 0, False
        for name, stage in self.stages.items():
            total += stage.multiply_adds * ((name in trained) + gradients_pass)
            gradients_pass = gradients_pass or name in trained
        return total


def measure_stages(model: ResNet50) -> Costs:
    """Measure on this machine what the stages of a model cost; the model itself stays as it is.

    Raises
    ------
    ValueError
        If the model does not have the stages of a ResNet.
    """
    check_network(model, "stages")
    device = pick_device()
    trial = copy.deepcopy(model).float().to(device).to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(0)  # its own, so that the caller's random numbers stay the same
    image, images = (
        torch.rand(count, 3, pixels, pixels, generator=generator, dtype=torch.float32).to(device)
        for count, pixels in ((1, PIXELS), (TIMED_IMAGES, TIMED_PIXELS))
    )
    stages = {name: StageCosts(multiply_adds=count) for name, count in count_multiply_adds(trial, image).items()}
    for name, modules in trial.stages().items():
        stages[name].parameters = sum(p.numel() for module in modules for p in module.parameters())
    train_stages(trial, {"head"})
    head_seconds = shortest_time(partial(_train_step, trial, images), rounds=1)
    train_stages(trial, {"stem"})
    for name, (new, _) in saved_by_stage(trial, image).items():
        stages[name].frozen_bytes = new
    train_stages(trial, set(stages))
    for name, (new, shared) in saved_by_stage(trial, image).items():
        stages[name].trained_bytes, stages[name].input_bytes = new, shared
    return Costs(stages, head_seconds, shortest_time(partial(_train_step, trial, images), rounds=1))


def train_stages(model: ResNet50, names: set[str]) -> None:
    """Train the named stages, freeze the others, and put each into the mode that goes with it."""
    for name, modules in model.stages().items():
        for module in modules:
            (unfreeze if name in names else freeze)(module)
    train_mode(model)


def count_multiply_adds(model: ResNet50, image: Tensor) -> dict[str, int]:
    """Return the multiply-adds of each stage's convolutions and linear layers for one image (1, 3, H, W)."""
    layers = {name: layer for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d | nn.Linear)}
    with torch.no_grad(), record_layers(model, *layers) as outputs:
        model(image)
    counts: dict[nn.Module, int] = {
        layer: outputs[name].numel() * layer.weight[0].numel() for name, layer in layers.items()
    }
    return {
        name: sum(counts.get(layer, 0) for module in modules for layer in module.modules())
        for name, modules in model.stages().items()
    }


def saved_by_stage(model: ResNet50, image: Tensor) -> dict[str, tuple[int, int]]:
    """Return the bytes that autograd saves in each stage: new ones, and those that an earlier stage saves as well.

    What follows a stage, such as pooling, counts as a part of it.
    """
    starts: list[int] = []
    with record_saved(model) as saved:
        first_layers = [modules[0] for modules in model.stages().values()]
        hooks = [layer.register_forward_pre_hook(lambda *_: starts.append(len(saved))) for layer in first_layers]
        model(image)
    for hook in hooks:
        hook.remove()
    found, before = {}, set()
    for name, start, end in zip(model.stages(), starts, [*starts[1:], len(saved)], strict=True):
        here = sizes(saved[start:end])
        shared = sum(size for address, size in here.items() if address in before)
        found[name] = sum(here.values()) - shared, shared
        before |= set(here)
    return found


def _train_step(model: ResNet50, images: Tensor) -> None:
    """Compute one forward and one backward pass."""
    model.zero_grad()
    with autocast(images.device):
        logits = model(images)
    logits.float().logsumexp(dim=1).sum().backward()
    model.fc.weight.grad.sum().item()  # waits until the device has finished
