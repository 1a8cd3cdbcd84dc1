"""Compare the speed of the mathematics by hand with torch's: ``python -m benchmarks.byhand``.

Measured are the convolutions of ResNet-50 on eight images, forward and backward; plain loops on a small image; and the
whole network on one photo. Both implementations take turns. The result is the median of the ratios of their times in
the same turn, with quartiles. The matrix product alone, without copying the windows, is timed as well and shows its
share of the time.
"""

import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
import torchvision

import tlhelpers as tl
from benchmarks import store

TURNS, BATCH = 25, 8
LAYERS = {  # channels in and out, height of the image, height of the kernel, options
    "stage 1, 3x3": (64, 64, 56, 3, {"padding": 1}),
    "stage 2, 3x3": (128, 128, 28, 3, {"padding": 1}),
    "stage 3, 3x3": (256, 256, 14, 3, {"padding": 1}),
    "stage 4, 3x3": (512, 512, 7, 3, {"padding": 1}),
    "stem, 7x7 of stride 2": (3, 64, 224, 7, {"stride": 2, "padding": 3}),
    "stage 1, 1x1": (256, 64, 56, 1, {}),
}


def take_turns(ours: Callable, theirs: Callable, turns: int = TURNS) -> dict[str, float]:
    """Time two functions in turns; return medians in milliseconds and the quartiles of the ratio."""
    seconds = {ours: [], theirs: []}
    for turn in range(turns + 1):  # the first turn warms up
        for function in (ours, theirs) if turn % 2 else (theirs, ours):
            start = time.perf_counter()
            function()
            seconds[function].append(time.perf_counter() - start)
    pairs = list(zip(seconds[ours][1:], seconds[theirs][1:], strict=True))
    low, middle, high = statistics.quantiles((our / their for our, their in pairs), n=4)
    return {
        "ours_ms": round(1000 * statistics.median(our for our, _ in pairs), 3),
        "torch_ms": round(1000 * statistics.median(their for _, their in pairs), 3),
        "ratio": round(middle, 2),
        "ratio_quartiles": [round(low, 2), round(high, 2)],
    }


def convolution(inputs: int, outputs: int, side: int, kernel: int, options: dict) -> dict[str, dict]:
    """Time one layer forward and backward; the backward pass is for images and weight, as in training."""
    images = torch.randn(BATCH, inputs, side, side, requires_grad=True)
    weight = torch.randn(outputs, inputs, kernel, kernel, requires_grad=True)
    result = F.conv2d(images, weight, **options)
    grad, plain = torch.randn_like(result), (images.detach(), weight.detach())
    kernels, columns = plain[1].flatten(1), tl.byhand.im2col(plain[0], kernel, **options)
    columns = columns.transpose(0, 1).flatten(1)  # those of all images side by side, as in conv2d
    return {
        "product alone": take_turns(lambda: kernels @ columns, lambda: F.conv2d(*plain, **options)),
        "forward": take_turns(
            lambda: tl.byhand.conv2d(*plain, **options),
            lambda: F.conv2d(*plain, **options),
        ),
        "backward": take_turns(
            lambda: tl.byhand.conv2d_backward(grad, *plain, **options),
            lambda: torch.autograd.grad(result, (images, weight), grad, retain_graph=True),
        ),
    }


def loops() -> dict[str, float]:
    """Time plain loops on a small image: eight 3x3 kernels on 3 channels of 16 by 16 pixels."""
    images, weight = torch.randn(1, 3, 16, 16), torch.randn(8, 3, 3, 3)
    return take_turns(lambda: tl.byhand.conv2d_loops(images, weight), lambda: F.conv2d(images, weight))


@torch.no_grad()
def whole_network() -> dict[str, float]:
    """Time a photo of 224 by 224 pixels in ResNet-50 with our operations, and in torchvision's."""
    theirs = torchvision.models.resnet50().eval()
    ours = tl.ResNet50(ops=tl.byhand.nn).eval()
    ours.load_state_dict(theirs.state_dict())
    photo = torch.randn(1, 3, 224, 224)
    return take_turns(lambda: ours(photo), lambda: theirs(photo))


def main() -> None:
    """Measure everything, store it and print the ratios."""
    tl.set_seed(0)
    result = {"settings": {"turns": TURNS, "batch": BATCH, "dtype": "float32", "threads": torch.get_num_threads()}}
    result["convolutions"] = {name: convolution(*layer) for name, layer in LAYERS.items()}
    result |= {"loops": loops(), "resnet50_one_photo": whole_network()}
    store("byhand", result)
    for name, found in result["convolutions"].items():
        ratios = ", ".join(f"{part} {times['ratio']}" for part, times in found.items())
        print(f"{name}: {ratios} times torch's time")
    print(f"loops: {result['loops']['ratio']}; ResNet-50: {result['resnet50_one_photo']['ratio']}")


if __name__ == "__main__":
    main()
