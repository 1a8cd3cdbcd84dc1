"""Wrong arguments, as learners type them: each gets one sentence that names the argument, its value and the way out."""

import math
import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from torch import nn
from torchvision.models import resnet18

import tlhelpers as tl
from tests.tiny import ENTRY, StagedNet, transform, write_folder
from tlhelpers.arguments import first_line, shown
from tlhelpers.network.resnet import with_batch_axis
from tlhelpers.photos.datasets import read_folder

SENTENCE = re.compile(r"[^;\n]+ is [^;\n]+; it must [^;\n]+; [^;\n]+")
RUN_IT = "run the cell that makes it"
ITSELF = "give the network itself, as load_resnet50 returns it"
PART = "give photos.train or photos.val, where photos = image_folder(path)"
LOADER = "make it with make_loader"
OURS = "it must be a ResNet50 of this package; make it with load_resnet50"


@pytest.fixture(scope="module")
def have(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Return what a notebook has: a network, photos, a loader of each part, an optimizer, features with labels."""
    folder, model = write_folder(tmp_path_factory.mktemp("photos")), StagedNet(2)
    photos = read_folder(folder)
    return SimpleNamespace(
        folder=folder,
        model=model,
        photos=photos,
        train=tl.make_loader(photos.train, transform(), shuffle=True),
        val=tl.make_loader(photos.val, transform()),
        optimizer=torch.optim.SGD(model.parameters(), lr=0.01),
        theirs=resnet18(num_classes=2),
        features=(torch.rand(4, 3), torch.tensor([0, 1, 0, 1])),
    )


# a call on what the notebook has, and the sentence that it gets
WRONG: list[tuple[Callable[[SimpleNamespace], object], str]] = [
    # both parts of the photos, a folder or a loader instead of the photos for training
    (lambda h: tl.transfer(h.model, h.photos), f"train is of type Photos; it must be a PhotoDataset; {PART}"),
    (lambda h: tl.cross_validate(h.model, h.photos, "LP-FT"), f"train is of type Photos; it must be a .*; {PART}"),
    (lambda h: tl.fit_probe(h.model, h.photos), f"train is of type Photos; it must be a PhotoDataset; {PART}"),
    (lambda h: tl.make_loader(h.photos, transform()), f"dataset is of type Photos; it must be a .*; {PART}"),
    (lambda h: tl.stratified_folds(h.photos), f"dataset is of type Photos; it must be a PhotoDataset; {PART}"),
    (lambda h: tl.transfer(h.model, "data/photos"), f"train is 'data/photos'; it must be a PhotoDataset; {PART}"),
    (lambda h: tl.transfer(h.model, h.train), f"train is of type DataLoader; it must be a PhotoDataset; {PART}"),
    (lambda h: tl.make_loader(h.folder, transform()), f"dataset is '.*photos.*'; it must be a PhotoDataset; {PART}"),
    # photos instead of a loader of them
    (lambda h: tl.evaluate(h.model, h.photos.val), f"loader is of type PhotoDataset; it must be a loader .*; {LOADER}"),
    (lambda h: tl.evaluate(h.model, h.photos), f"loader is of type Photos; it must be a loader of .*; {LOADER}"),
    (lambda h: tl.evaluate(h.model, [1, 2]), f"loader is of type list; it must be a loader of batches; {LOADER}"),
    (lambda h: tl.extract_features(h.model, h.photos.val), f"loader is of type PhotoDataset; it .*; {LOADER}"),
    (lambda h: tl.keep_below(h.model, "layer4", h.photos.val), f"loader is of type PhotoDataset; it .*; {LOADER}"),
    (lambda h: tl.train_one_epoch(h.model, h.photos.train, h.optimizer), f"loader is of type Photo.*; {LOADER}"),
    (lambda h: tl.fit(h.model, h.train, h.photos.val, h.optimizer, epochs=1), f"val_loader is of type .*; {LOADER}"),
    # the network forgotten, or in another place
    (lambda h: tl.transfer(h.photos.train, h.model), f"model is of type PhotoDataset; it must be a network; {ITSELF}"),
    (lambda h: tl.evaluate(h.val, h.model), f"model is of type DataLoader; it must be a network; {ITSELF}"),
    (lambda h: tl.extract_features(h.val, h.model), f"model is of type DataLoader; it must be a network; {ITSELF}"),
    (lambda h: tl.freeze_below("layer4", h.model), f"model is 'layer4'; it must be a network; {ITSELF}"),
    (lambda h: tl.replace_head(2, h.model), f"model is 2; it must be a network; {ITSELF}"),
    (lambda h: tl.add_adapters(4, h.model), f"model is 4; it must be a network; {ITSELF}"),
    (lambda h: tl.freeze(h.model.parameters()), f"module is of type generator; it must be a network; {ITSELF}"),
    (lambda h: tl.count_parameters(h.model.state_dict()), f"model is of type OrderedDict; it must .*; {ITSELF}"),
    (lambda h: tl.load_checkpoint(h.model, "last.pt"), "path is of type StagedNet; it must be a path; give a str or a"),
    # None, from a cell that was not run, or from model = replace_head(model, 2)
    (lambda h: tl.transfer(None, h.photos.train), f"model is None; it must be a network; {RUN_IT}"),
    (lambda h: tl.evaluate(tl.replace_head(StagedNet(), 2), h.val), f"model is None; it must be a network; {RUN_IT}"),
    (lambda h: tl.evaluate(h.model, None), f"loader is None; it must be a loader of batches; {RUN_IT}"),
    (lambda h: tl.fit_probe(h.model, None), f"train is None; it must be a PhotoDataset; {RUN_IT}"),
    (lambda h: tl.train_one_epoch(h.model, h.train, None), f"optimizer is None; it must be an optimizer .*; {RUN_IT}"),
    (lambda h: tl.save_checkpoint(None, h.model, h.optimizer), f"path is None; it must be a path; {RUN_IT}"),
    (lambda h: tl.save_checkpoint("a.pt", h.model, None), f"optimizer is None; it must be an optimizer .*; {RUN_IT}"),
    (lambda h: tl.load_checkpoint("a.pt", None), f"model is None; it must be a network; {RUN_IT}"),
    (lambda h: tl.image_folder(None), f"path is None; it must be the path of a folder .*; {RUN_IT}"),
    (lambda h: tl.load_resnet50(None), f"weights is None; it must be a path; {RUN_IT}"),
    (lambda h: tl.eval_transform(None), f"weights is None; it must be the entry of some weights; {RUN_IT}"),
    (lambda h: tl.denormalize(None, ENTRY), f"images is None; it must be a tensor; {RUN_IT}"),
    (lambda h: with_batch_axis(None), f"images is None; it must be a tensor; {RUN_IT}"),
    (lambda h: tl.average_weights(h.model, None), f"before is None; it must be a network; {RUN_IT}"),
    (lambda h: tl.h_score(h.features[0], None), f"labels is None; it must be a tensor; {RUN_IT}"),
    (lambda h: tl.head_from_classifier(h.model, None), f"classifier is None; it must be a LogisticRegr.*; {RUN_IT}"),
    (lambda h: tl.record_layers(h.model, None).__enter__(), f"name is None; it must be the name of a .*; {RUN_IT}"),
    (lambda h: tl.saved_bytes(h.model, None), f"images is None; it must be a tensor; {RUN_IT}"),
    # a network of torchvision, or one with random weights, where the pretrained one of this package is needed
    (lambda h: tl.transfer(h.theirs, h.photos.train), f"model is of type ResNet without 'weights'; {OURS}"),
    (lambda h: tl.fit_probe(h.theirs, h.photos.train), f"model is of type ResNet without 'weights'; {OURS}"),
    (lambda h: tl.freeze_below(h.theirs, "layer4"), f"model is of type ResNet without 'stages'; {OURS}"),
    (lambda h: tl.keep_below(h.theirs, "layer4", h.val), f"model is of type ResNet without 'stages'; {OURS}"),
    (lambda h: tl.recompute_blocks(h.theirs), f"model is of type ResNet without blocks; {OURS}"),
    (lambda h: tl.eval_transform(h.model), "weights is of type StagedNet; it must be the entry .*; give model.weights"),
    # other things in each other's place
    (lambda h: tl.make_loader(h.photos.train, "eval"), "transform is 'eval'; it must be a transform; give eval_trans"),
    (lambda h: tl.train_one_epoch(h.model, h.train, torch.optim.SGD), "optimizer is of type .*; make it with torch.op"),
    (
        lambda h: tl.train_one_epoch(h.model, h.train, h.optimizer, schedule=0.1),
        "schedule is 0.1; it must .* or give N",
    ),
    (
        lambda h: tl.h_score(h.features, h.features[1]),
        "features is of type tuple; it must be a tensor; convert it with",
    ),
    (lambda h: tl.leep([[0.5, 0.5]], h.features[1]), "probabilities is of type list; it must be a tensor; convert it"),
    (lambda h: with_batch_axis("photo.jpg"), "images is 'photo.jpg'; it must be a tensor; convert it"),
    (lambda h: tl.show_images(Image.new("RGB", (4, 4))), "images is of type Image; it must be a seq.*; give a list"),
    (lambda h: tl.show_images(None), f"images is None; it must be a sequence of images; {RUN_IT}"),
    (lambda h: tl.show_images(["photo.jpg"]), "image is 'photo.jpg'; it must be a PIL image.*; open a file with Image"),
    (lambda h: tl.show_images(h.photos.val), "image is of type tuple; it must be a PIL image.*; .*what holds it"),
    (lambda h: tl.show_images([torch.rand(1, 8, 8)]), "image is a tensor of shape (1, 8, 8) and .*; .*what holds it"),
    (lambda h: tl.show(None), f"alt is None; it must be a text; {RUN_IT}"),
    (lambda h: tl.autocast("cpu"), "device is 'cpu'; it must be a device of torch; give torch.device('cpu') or pick"),
    (lambda h: tl.explore_pooling("photo.jpg"), "image is 'photo.jpg'; it must be a gray image, an array or a tensor"),
    (lambda h: tl.show_images([Image.new("L", (4, 4))] * 2, ["a"]), "titles is 1 texts; it must be one for each of 2"),
    (
        lambda h: tl.image_folder("~nobody-of-this-name/x"),
        "path is '~nobody.*; it must be a path that can be",
    ),
    (lambda h: tl.image_folder("x" * 5000), r"path is 'xx.*\.\.\.'; it must be a path .*name too long"),
    (lambda h: tl.load_resnet50("x" * 5000), r"weights is 'xx.*\.\.\.'; it must be a path .*name too long"),
    # what is drawn
    (
        lambda h: tl.plot_history([1, 2]),
        f"history is of type list; it must be a list of the results of epochs; {RUN_IT}",
    ),
    (lambda h: tl.plot_history(None), f"history is None; it must be a list of the results of .*; .*{RUN_IT}"),
    (
        lambda h: tl.plot_confusion([0, 1], [0], ["a", "b"]),
        "the number of labels and predictions is 2 and 1; it must be the same",
    ),
    (lambda h: tl.plot_features(torch.rand(3, 1), [0, 1, 1], ["a", "b"]), "points is a tensor .*; it must .* (3 x 2);"),
    (lambda h: tl.plot_numbers("ab"), "values is 'ab'; it must have rows and columns of numbers (any x any); give an"),
    (lambda h: tl.plot_roofline([1, 2], {"a": 1.0}, 2.0), "points is of type list; it must have rows and .* (any x 3)"),
    (lambda h: tl.plot_times({}), "times is of type dict; it must be the times of one or more runs with the same kin"),
    (lambda h: tl.plot_times({"a": {"x": 1.0}, "b": {"y": 2.0}}), "times is of type dict; it must be the times of on"),
    (lambda h: tl.browse_predictions(None, None, None, []), f"images is None; it must be a sequence of .*; {RUN_IT}"),
    (lambda h: tl.denormalize(torch.rand(2, 5), ENTRY), "images is a tensor of shape (2, 5) and type float32; it must"),
    (lambda h: tl.shortest_time(None), "work is None; it must be a function; give its name without (), or a lambda"),
    (lambda h: tl.time_by_kind(3), "step is 3; it must be a function; give its name without (), or a lambda"),
    (lambda h: tl.AdaptedConv2d(h.model.fc, 1), "convolution is of type Linear; it must be a convolution; give one"),
    (
        lambda h: tl.AdaptedConv2d(nn.Conv2d(4, 4, 1, groups=2), 1),
        "convolution is Conv2d.*; it must have one group and",
    ),
    # numbers
    (lambda h: tl.set_seed("a"), "seed is 'a'; it must be an integer of 0 or more; give 0 or another int"),
    (lambda h: tl.set_seed(2**32), "seed is 4294967296; it must be below 2\\*\\*32.*; give a smaller number"),
    (
        lambda h: tl.evaluate(StagedNet(1000), h.val),
        "the number of classes of the model is 1000; it must be 2, the number of classes of the photos; give the model",
    ),
    (lambda h: tl.transfer(h.model, h.photos.train, steps="3"), "steps is '3'; it must be an integer of 1 or more"),
    (lambda h: tl.transfer(h.model, h.photos.train, size=-1), "size is -1; it must be an integer of 1 or more; give 1"),
    (lambda h: tl.transfer(h.model, h.photos.train, size="96"), "size is '96'; it must be an integer of 1 or more"),
    (lambda h: tl.transfer(h.model, h.photos.train, peak_rate=math.inf), "peak_rate is inf; it must be positive and f"),
    (lambda h: tl.fit(h.model, h.train, h.val, h.optimizer, epochs=math.inf), "epochs is inf; it must be an integer"),
    (lambda h: tl.fit(h.model, h.train, h.val, h.optimizer, epochs=1, folder=7), "folder is 7; it must be a path; giv"),
    (lambda h: tl.train_one_epoch(h.model, h.train, h.optimizer, label_smoothing=math.nan), "label_smoothing is nan; "),
    (lambda h: tl.make_loader(h.photos.val, transform(), workers=1.5), "workers is 1.5; it must be an integer of 0 or"),
    (lambda h: tl.make_loader(h.photos.val, transform(), batch_size=True), "batch_size is True; it must be an integer"),
    (lambda h: tl.stratified_folds(h.photos.train, "5"), "count is '5'; it must be an integer of 2 or more; give 2"),
    (lambda h: tl.replace_head(h.model, ["ant", "bee"]), "num_classes is of type list; it must be an integer of 2 or"),
    (lambda h: tl.average_weights(h.model, h.model, share=math.nan), "share is nan; it must be from 0 to 1; give 0.5"),
]


@pytest.mark.parametrize(("call", "sentence"), WRONG, ids=[sentence[:40] for _, sentence in WRONG])
def test_a_wrong_argument_gets_one_sentence(have, call, sentence):
    """The sentence has the name, the value, the rule and the way out, and the network is as it was."""
    before = {name: values.clone() for name, values in have.model.state_dict().items()}
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(").replace(")", r"\)")) as caught:
        call(have)
    assert SENTENCE.fullmatch(str(caught.value)), str(caught.value)
    assert all(torch.equal(values, before[name]) for name, values in have.model.state_dict().items())


def test_a_list_of_batches_is_as_good_as_a_loader(have):
    """Notebook 07 trains on a single batch that it made itself."""
    model, batches = StagedNet(2), list(have.val)
    assert tl.evaluate(model, batches).loss == tl.evaluate(model, have.val).loss
    tl.train_one_epoch(model, batches, torch.optim.SGD(model.parameters(), lr=0.01))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "None"),
        (2.5, "2.5"),
        ("a" * 300, repr("a" * 100 + "...")),
        (torch.zeros(2, 3), "a tensor of shape (2, 3) and type float32"),
        (torch.zeros(2, 3).numpy(), "an array of shape (2, 3) and type float32"),
        ({"a": 1}, "of type dict"),
    ],
)
def test_a_value_is_shown_in_one_line(value, words):
    """Numbers and short texts are shown themselves, and anything that may be long by what it is."""
    assert shown(value) == words


def test_an_error_of_a_library_is_quoted_by_one_short_line():
    """Libraries raise some errors with many lines or a long one, and some with none: those are quoted by their type."""
    assert first_line(ValueError("one\ntwo")) == "one"
    assert first_line(AssertionError()) == "AssertionError"
    assert first_line(ValueError("x" * 1000)) == "x" * 100
