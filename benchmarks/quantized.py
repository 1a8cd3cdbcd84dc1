"""Compare 8-bit integer networks of three libraries: ``python -m benchmarks.quantized``.

ResNet-50 with its ImageNet head runs in float32, as a frozen network of this package, and in int8 by torch.ao (FX mode,
deprecated), torchao (PT2E, compiled) and ONNX Runtime (QDQ). The step sizes are calibrated with 32 of the training
photos. A test photo counts as right if the best of all 1000 classes is right. All networks take turns in one process.
"""

import copy
import io
import logging
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import Tensor, nn
from torch.ao.quantization import get_default_qconfig_mapping
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx
from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e
from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
    X86InductorQuantizer,
    get_default_x86_inductor_quantization_config,
)

import tlhelpers as tl
from benchmarks import spread, store
from tlhelpers.network.frozen import FrozenNetwork

WEIGHTS, AT_ONCE, CALIBRATED, ROUNDS = "he2015", 8, 32, 3
ANT, BEE = 310, 309  # of ImageNet's classes
Network = Callable[[Tensor], Tensor]


def by_fx(model: nn.Module, photos: Tensor, folder: Path) -> tuple[Network, int]:
    """Return torch.ao's network and the bytes of its file."""
    prepared = prepare_fx(copy.deepcopy(model), get_default_qconfig_mapping("x86"), (photos[:AT_ONCE],))
    for batch in photos.split(AT_ONCE):
        prepared(batch)
    network, file = convert_fx(prepared), io.BytesIO()
    torch.save(network.state_dict(), file)
    return network, len(file.getvalue())


def by_pt2e(model: nn.Module, photos: Tensor, folder: Path) -> tuple[Network, int]:
    """Return torchao's network, compiled, and the bytes of its file."""
    quantizer = X86InductorQuantizer().set_global(get_default_x86_inductor_quantization_config())
    exported = torch.export.export(copy.deepcopy(model), (photos[:AT_ONCE],)).module()
    prepared = prepare_pt2e(exported, quantizer)
    for batch in photos.split(AT_ONCE):
        prepared(batch)
    converted, file = convert_pt2e(prepared), io.BytesIO()
    torch.save(converted.state_dict(), file)
    network = torch.compile(converted)
    with torch._inductor.config.patch(freezing=True):
        network(photos[:AT_ONCE])
    return network, len(file.getvalue())


class Photos(CalibrationDataReader):
    """Training photos in the form that ONNX Runtime asks for, batch by batch."""

    def __init__(self, photos: Tensor) -> None:
        self.batches = iter(photos.split(AT_ONCE))

    def get_next(self) -> dict | None:
        batch = next(self.batches, None)
        return None if batch is None else {"images": batch.numpy()}


def exported(model: nn.Module, photos: Tensor, folder: Path) -> Path:
    """Write the network as ONNX and return its path."""
    path = folder / "float32.onnx"
    names = {"input_names": ["images"], "output_names": ["logits"]}
    torch.onnx.export(model, (photos[:AT_ONCE],), path, dynamo=True, external_data=False, verbose=False, **names)
    return path


def session(path: Path) -> Network:
    """Return a function from images to logits that runs ONNX Runtime."""
    running = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(running.run(None, {"images": images.numpy()})[0])


def by_onnx(model: nn.Module, photos: Tensor, folder: Path) -> tuple[Network, int]:
    """Return ONNX Runtime's network in float32 and the bytes of its file."""
    path = exported(model, photos, folder)
    return session(path), path.stat().st_size


def by_onnx_int8(model: nn.Module, photos: Tensor, folder: Path) -> tuple[Network, int]:
    """Return ONNX Runtime's network in int8 and the bytes of its file."""
    path = folder / "int8.onnx"
    kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
    source = exported(model, photos, folder)
    quantize_static(source, path, Photos(photos), quant_format=QuantFormat.QDQ, per_channel=True, **kinds)
    return session(path), path.stat().st_size


def as_it_is(model: nn.Module, photos: Tensor, folder: Path) -> tuple[Network, int]:
    """Return the plain network and the bytes of its parameters and buffers."""
    return model, sum(values.nbytes for values in model.state_dict().values())


def frozen(model: nn.Module, photos: Tensor, folder: Path) -> tuple[Network, int]:
    """Return this package's frozen network and the bytes of its parameters and buffers."""
    network = FrozenNetwork(model, "fc")
    return network, sum(values.nbytes for values in network.network.state_dict().values())


WAYS = {
    "float32": as_it_is,
    "tlhelpers": frozen,
    "torch.ao, FX": by_fx,
    "torchao, PT2E": by_pt2e,
    "ONNX Runtime, float32": by_onnx,
    "ONNX Runtime, int8": by_onnx_int8,
}


def padded(network: Network, images: Tensor) -> Tensor:
    """Return the logits (N, 1000) batch by batch; the last batch is filled up, so that all have the same size."""
    missing = -len(images) % AT_ONCE
    filled = torch.cat([images, images[:missing]])
    return torch.cat([network(batch).float() for batch in filled.split(AT_ONCE)])[: len(images)]


def judged(logits: Tensor, exact: Tensor, labels: Tensor) -> dict:
    """Return the accuracy, the number of predictions that differ from float32, and the relative error of the logits."""
    answers, truth = logits.argmax(dim=1), torch.tensor([ANT, BEE])[labels]
    return {
        "accuracy": round((answers == truth).double().mean().item(), 4),
        "other_answers": (answers != exact.argmax(dim=1)).sum().item(),
        "off": round(((logits - exact).norm() / exact.norm()).item(), 4),
    }


@torch.no_grad()
def main() -> None:
    """Prepare every network, let them take turns, and store the results."""
    model, photos = tl.load_resnet50(WEIGHTS).eval(), tl.ants_and_bees()
    few = spread(photos.train, CALIBRATED)
    transform = tl.eval_transform(model.weights)
    calibration, images = (torch.cat([x for x, _ in tl.make_loader(part, transform)]) for part in (few, photos.test))
    networks, found = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name, prepare in WAYS.items():
            start = time.perf_counter()
            networks[name], size = prepare(model, calibration, Path(folder))
            found[name] = {"megabytes": round(size / 1e6, 1), "seconds": round(time.perf_counter() - start, 1)}
    rates = {name: [] for name in WAYS}
    for _ in range(ROUNDS):
        for name, network in networks.items():
            padded(network, images[:AT_ONCE])
            start = time.perf_counter()
            logits = padded(network, images)
            rates[name].append(len(images) / (time.perf_counter() - start))
            if name == "float32":
                exact = logits
            found[name] |= judged(logits, exact, photos.test.labels)
    for name, each in rates.items():
        ratio = statistics.median(mine / first for mine, first in zip(each, rates["float32"], strict=True))
        found[name] |= {"images_per_second": [round(rate, 1) for rate in each]}
        found[name] |= {"median": round(statistics.median(each), 1), "ratio": round(ratio, 2)}
        print(name, found[name])
    settings = {"weights": WEIGHTS, "at_once": AT_ONCE, "calibrated_with": CALIBRATED, "rounds": ROUNDS}
    settings |= {"dtype": str(tl.pick_dtype(torch.device("cpu"))), "threads": torch.get_num_threads()}
    store("quantized", {"settings": settings, "ways": found})


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    main()
