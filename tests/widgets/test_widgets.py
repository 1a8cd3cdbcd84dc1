"""Explorers show what torch computes, draw once after each change, and explain what they cannot show."""

import copy
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from matplotlib.font_manager import fontManager
from PIL import Image

import tlhelpers as tl
from tests.tiny import StagedNet
from tlhelpers.classroom.notebooks import WIDGET
from tlhelpers.widgets import browser, convolution, descent, drawing, explorer, freezing, pooling, softmax


def photo(height=20, width=24):
    return torch.rand(height, width)


def last_number(sentence):
    return float(re.findall(r"-?\d+\.\d+", sentence)[-1])


def predictions(count=30):
    """Return images of different brightness, probabilities of two classes, and labels."""
    images = [np.full((30, 40 + n, 3), 8 * n, np.uint8) for n in range(count)]
    return images, torch.rand(count, 2).softmax(dim=1), torch.randint(2, (count,))


@pytest.fixture(scope="module")
def frozen():
    """Return the explorer of a small network, and that network."""
    tl.set_seed(0)
    model = StagedNet()
    return freezing.build(model), model


def all_explorers(frozen):
    names = ["ants", "bees", "wasps"]
    yield convolution.build(photo())
    yield pooling.build(photo())
    yield softmax.build([2.0, 1.0, 0.0], names)
    yield descent.build()
    yield frozen[0]
    yield browser.build(*predictions(), names[:2])


def test_every_change_is_one_new_picture(frozen):
    """A control that changes others still causes one drawing, without matplotlib; the picture is a small PNG."""
    changes = [("kernel", "blur"), ("kernel", 4), ("temperature", 3.0), ("momentum", 0.9)]
    changes += [("layer3", True), ("page", 2)]
    for each, (name, value) in zip(all_explorers(frozen), changes, strict=True):
        draw, calls, before = each.draw, [], each.picture.value
        each.draw = lambda draw=draw, calls=calls, **state: calls.append(state) or draw(**state)
        each.controls[name].value = value
        each.draw = draw
        assert len(calls) == 1 and calls[0][name] == value
        assert each.picture.value != before and not plt.get_fignums()
        picture = Image.open(io.BytesIO(each.picture.value))
        assert picture.format == "PNG" and picture.width <= 800 and picture.height <= 400


def test_every_control_has_a_name_and_every_picture_a_description(frozen):
    """Controls have descriptions; a picture has an alternative text, and a sentence with numbers is below it."""
    for each in all_explorers(frozen):
        assert all(control.description for control in each.controls.values())
        assert each.picture.tooltip == each.alt and len(each.alt) > 60
        assert each.picture.get_state()["description"] == ""  # JupyterLab asks for it
        assert re.search(r"\d", each.line.value)


def test_one_output_holds_the_widget_and_its_picture(monkeypatch):
    """The output holds the widget, its first picture, and the alternative text, as for any other figure."""
    shown = {}
    monkeypatch.setattr(explorer, "display", lambda data, metadata, raw: shown.update(data=data, metadata=metadata))
    assert tl.explore_descent() is None
    assert shown["data"][WIDGET]["model_id"]
    assert shown["data"]["image/png"].startswith("iVBOR")
    alt = shown["metadata"]["image/png"]["alt"]
    assert shown["data"]["text/plain"] == f"Figure: {alt}"


@pytest.mark.parametrize("stride, padding, dilation", [(1, 0, 1), (2, 1, 1), (3, 3, 2), (1, 2, 4)])
def test_convolution_shows_torchs_output(stride, padding, dilation):
    """For each choice of options, the sum in the sentence is torch's output at the chosen position."""
    image = photo()
    each, kernel = convolution.build(image), torch.randn(3, 3).round(decimals=2)
    for (k, l), value in np.ndenumerate(kernel.numpy()):
        each.controls[f"w{k}{l}"].value = float(value)
    assert each.controls["kernel"].value == convolution.OWN
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    for name, value in options.items():
        each.controls[name].value = value
    expected = F.conv2d(image[None, None], kernel[None, None], **options)[0, 0]
    assert (each.controls["row"].max + 1, each.controls["column"].max + 1) == tuple(expected.shape)
    for row, column in [(0, 0), (expected.shape[0] - 1, expected.shape[1] - 1), (1, 2)]:
        each.controls["row"].value, each.controls["column"].value = row, column
        assert last_number(each.line.value) == pytest.approx(expected[row, column].item(), abs=6e-4)
        assert f"row {row}, column {column}" in each.line.value


def test_convolution_lists_the_nine_products():
    """In the example on paper of notebook 01, three ones are subtracted from 8, 7 and 8."""
    image = torch.tensor([[1, 2, 1, 7, 8], [2, 1, 1, 8, 7], [1, 1, 2, 7, 7], [2, 1, 1, 8, 8], [1, 2, 1, 7, 8.0]])
    line = convolution.build(image).line.value
    assert "1 × (-1) + 1 × 0 + 8 × 1 + 1 × (-1) + 2 × 0 + 7 × 1 + 1 × (-1) + 1 × 0 + 8 × 1 = 20.000" in line


def test_choosing_a_kernel_fills_in_its_weights():
    """Nine numbers appear; changing one of them makes the kernel "your own", and changing it back names it again."""
    each = convolution.build(photo())
    each.controls["kernel"].value = "sharpen"
    assert [each.controls[f"w{k}{l}"].value for k in range(3) for l in range(3)] == convolution.KERNELS["sharpen"]
    each.controls["w11"].value = 4.0
    assert each.controls["kernel"].value == convolution.OWN
    each.controls["w11"].value = 5.0
    assert each.controls["kernel"].value == "sharpen"


def test_a_message_is_shown_where_nothing_can_be_drawn():
    """A kernel larger than the image, or padding wider than half a window: a sentence, and the last picture stays."""
    each = convolution.build(photo(5, 5))
    before = each.picture.value
    each.controls["dilation"].value = 4
    assert "must fit into" in each.line.value and each.picture.value == before
    each.controls["dilation"].value = 1
    assert "must fit into" not in each.line.value
    each.controls["w00"].value = float("nan")
    assert "must hold nine numbers" in each.line.value
    each = pooling.build(photo(5, 5))
    before = each.picture.value
    each.controls["padding"].value = 2
    assert "at most half the kernel" in each.line.value and each.picture.value == before
    each.controls["padding"].value = 0
    each.controls["kernel"].value = 7
    assert "must fit into" in each.line.value and each.picture.value == before


@pytest.mark.parametrize("kind, theirs", [("max", F.max_pool2d), ("mean", F.avg_pool2d)])
@pytest.mark.parametrize("kernel, stride, padding", [(2, 2, 0), (3, 2, 1), (4, 1, 2), (7, 5, 0)])
def test_pooling_shows_torchs_output(kind, theirs, kernel, stride, padding):
    """The number in the sentence is torch's output at the chosen position, also in corners with padding."""
    image = photo()
    each = pooling.build(image)
    each.controls["kind"].value = kind
    for name, value in (("kernel", kernel), ("stride", stride), ("padding", padding)):
        each.controls[name].value = value
    expected = theirs(image[None, None], kernel, stride, padding)[0, 0]
    assert (each.controls["row"].max + 1, each.controls["column"].max + 1) == tuple(expected.shape)
    for row, column in [(0, 0), (expected.shape[0] - 1, expected.shape[1] - 1)]:
        each.controls["row"].value, each.controls["column"].value = row, column
        assert last_number(each.line.value) == pytest.approx(expected[row, column].item(), abs=6e-4)


def test_a_new_window_size_sets_the_stride():
    """The stride becomes the window size, as in pooling without a given stride."""
    each = pooling.build(photo())
    each.controls["kernel"].value = 5
    assert each.controls["stride"].value == 5


def test_softmax_shows_torchs_numbers():
    """Probabilities and cross-entropy are torch's at any temperature, even where a probability rounds to 0."""
    each = softmax.build(torch.tensor([2.0, 1.0, 0.0]), ["ants", "bees", "wasps"])
    each.controls["z1"].value, each.controls["truth"].value = -3.5, 1
    for temperature in (0.1, 1.0, 10.0):
        each.controls["temperature"].value = temperature
        scores = torch.tensor([[2.0, -3.5, 0.0]]).double() / temperature
        for name, p in zip(["ants", "bees", "wasps"], scores.softmax(dim=1)[0].tolist(), strict=True):
            assert f"{name} {p:.3f}" in each.line.value
        assert last_number(each.line.value) == round(F.cross_entropy(scores, torch.tensor([1])).item(), 3)


@pytest.mark.parametrize("rate, momentum, steps", [(0.02, 0.0, 50), (0.08, 0.9, 100), (0.3, 0.5, 20)])
def test_descent_takes_torchs_steps(rate, momentum, steps):
    """Every position on the path is where torch's SGD goes with autograd's gradients."""
    position = torch.tensor(descent.START, dtype=torch.float64, requires_grad=True)
    optimizer, positions = torch.optim.SGD([position], rate, momentum=momentum), [position.detach().clone()]
    for _ in range(steps):
        optimizer.zero_grad()
        descent.loss_at(position).backward()
        optimizer.step()
        positions.append(position.detach().clone())
    torch.testing.assert_close(descent.path(rate, momentum, steps), torch.stack(positions))
    assert f"to {descent.loss_at(positions[-1]).item():.3g};" in descent.draw(rate, momentum, steps)[1]


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_descent_says_when_it_diverges(momentum):
    """With a rate just below the stated limit, the loss falls in many steps; with one just above it, it grows."""
    limit = 2 * (1 + momentum) / descent.CURVATURE
    for rate, word in ((0.98 * limit, "It converges"), (limit, "It oscillates"), (1.02 * limit, "It diverges")):
        assert word in descent.draw(rate, momentum, 10)[1]
    for factor, falls in ((0.98, True), (1.02, False)):
        losses = descent.loss_at(descent.path(factor * limit, momentum, 1000))
        assert (losses[-1] < losses[0]).item() is falls


def test_the_largest_descent_does_not_overflow():
    """With the largest rate and the most steps, all numbers are finite."""
    each = descent.build()
    for name in ("rate", "momentum", "steps"):
        each.controls[name].value = each.controls[name].max if name != "rate" else 10 ** each.controls[name].max
    assert "inf" not in each.line.value and "nan" not in each.line.value and "It diverges" in each.line.value


def test_freezing_counts_what_is_trained(frozen):
    """If a stage and all after it are trained, the counts are those after freezing the stages below it."""
    each, model = frozen
    names = list(model.stages())
    for number, name in enumerate(names):
        for index, toggle in enumerate(names):
            each.controls[toggle].value = index >= number
        trial = copy.deepcopy(model)
        tl.freeze_below(trial, name)
        trained, total = tl.count_parameters(trial)
        assert each.line.value.startswith(f"{trained:,} of {total:,} parameters")
    for name in names:
        each.controls[name].value = False
    assert "Nothing is trained" in each.line.value


def test_the_browser_begins_with_the_most_wrong_image():
    """Images are sorted by the probability of their true class, twelve on a page; each is described in the sentence."""
    images, probabilities, labels = predictions()
    order = probabilities[range(30), labels].argsort(stable=True).tolist()
    each = browser.build(list(zip(images, labels.tolist(), strict=True)), probabilities, labels, ["ants", "bees"])
    for page in (1, 2, 3):
        each.controls["page"].value = page
        found = [int(number) for number in re.findall(r"(\d+) is (?:ants|bees),", each.line.value)]
        assert found == order[12 * page - 12 : 12 * page]
    assert each.controls["page"].max == 3


def test_the_browser_can_show_wrong_images_only():
    """The filter goes to the first page of the wrong images; buttons turn the pages and stop at the ends."""
    images, probabilities, labels = predictions()
    wrong = (probabilities.argmax(dim=1) != labels).sum().item()
    each = browser.build(images, probabilities, labels, ["ants", "bees"])
    back, slider, forward, _ = each.box.children[0].children
    for button, expected in ((forward, 2), (forward, 3), (forward, 3), (back, 2)):
        button.click()
        assert slider.value == expected
    each.controls["only_wrong"].value = True
    assert slider.value == 1 and slider.max == -(-wrong // 12)
    assert f"of {wrong}, most wrong first" in each.line.value and "rightly" not in each.line.value


def test_the_browser_works_without_wrong_images():
    """If every prediction is right, the filter shows no image and raises no error."""
    each = browser.build([np.zeros((5, 5, 3))], torch.tensor([[1.0, 0.0]]), torch.tensor([0]), ["ants", "bees"])
    each.controls["only_wrong"].value = True
    assert "No image" in each.line.value


@pytest.mark.parametrize(
    "image", [Image.new("L", (500, 20)), np.zeros((7, 9, 3)), torch.ones(3, 300, 200), np.zeros((900, 5, 3), np.uint8)]
)
def test_thumbnails_are_small(image):
    """A thumbnail has 112 by 112 pixels for every kind and size of image."""
    assert browser.thumbnail(image).size == browser.thumbnail((image, 1)).size == (112, 112)


HARD = ["<script>alert('ant')</script>", "$5_bill_$x^", "", "نملة", "\U0010c001\nx", 60 * "long "]


@pytest.mark.filterwarnings("error::UserWarning")
def test_explorers_draw_names_as_they_are(make_font):
    """Names in any script are drawn, whole in the sentence, and never read as HTML."""
    fontManager.addfont(make_font("\U0010c001", "Squares for widgets"))
    images, probabilities, labels = [np.zeros((5, 5, 3))] * 6, np.eye(6), np.arange(6)
    for each in (browser.build(images, probabilities, labels, HARD), softmax.build(range(6), HARD)):
        assert "<" not in each.line.value and "&lt;script&gt;" in each.line.value
        for words in ("$5_bill_$x^", "(no name)", "\u2068نملة\u2069", "\U0010c001↵x", 60 * "long "):
            assert words in each.line.value


def test_another_font_changes_the_picture(make_font):
    """A character that another font has is drawn with it, and one that no font has as a box."""
    fontManager.addfont(make_font("\U0010c002", "Squares for a page"))
    pages = [softmax.build([0, 0], ["a", letter]).page.png() for letter in ("\U0010c002", "\U0010c003", "□")]
    assert pages[0] != pages[1] and pages[1] == pages[2]


def test_names_stay_in_their_place_in_the_browser():
    """Between the names below neighboring images is a gap, also for long names and wide letters."""
    images, classes = [np.zeros((5, 5, 3))] * 6, [f"{letter}{40 * letter}" for letter in "mwäßЖ7"]
    for guesses in (np.eye(6), np.roll(np.eye(6), 1, axis=0)):
        pixels = np.array(browser.build(images, guesses, np.arange(6), classes).page.image)
        for column in range(1, 6):
            gap = 18 + 128 * column - 8
            assert (pixels[150:186, gap - 1 : gap + 1] == 255).all()


@pytest.mark.parametrize("anchor", ["la", "ma", "ra", "lm", "rm", "ms"])
def test_other_fonts_stand_where_the_usual_one_does(anchor, make_font):
    """Text with another font keeps the place and the line of text with the usual one."""
    fontManager.addfont(make_font("\U0010c004", "Narrow"))
    places, bases = [], []
    for words in ("H\U0010c004H", "HHH"):
        page = drawing.Page(200, 60)
        page.text((100, 30), words, anchor=anchor)
        rows, columns = np.nonzero(np.array(page.image)[..., 0] < 128)
        places.append({"l": columns.min(), "m": (columns.min() + columns.max()) / 2, "r": columns.max()}[anchor[0]])
        bases.append(rows.max())
    assert abs(places[0] - places[1]) <= 2 and abs(bases[0] - bases[1]) <= 1


IMAGES, PROBABILITIES, LABELS = predictions(4)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: tl.explore_convolution(torch.zeros(3, 8, 8)), "must be gray"),
        (lambda: tl.explore_convolution(torch.zeros(2, 8)), "3 to 224 rows"),
        (lambda: tl.explore_convolution(torch.full((4, 4), torch.nan)), "NaN"),
        (lambda: tl.explore_pooling(torch.zeros(225, 8)), "2 to 224 rows"),
        (lambda: tl.explore_softmax(torch.zeros(2, 3), "abc"), "in a row"),
        (lambda: tl.explore_softmax([1.0], ["a"]), "two to eight"),
        (lambda: tl.explore_softmax([1.0, torch.inf], ["a", "b"]), "infinity"),
        (lambda: tl.explore_softmax([1.0, 2.0], ["a"]), "1 names"),
        (lambda: tl.explore_freezing(torch.nn.Linear(2, 2)), "without 'stages'; it must be a ResNet50"),
        (lambda: tl.browse_predictions(IMAGES, PROBABILITIES, LABELS, ["a"]), "a column per class"),
        (lambda: tl.browse_predictions(IMAGES[:3], PROBABILITIES, LABELS, ["a", "b"]), "one of each"),
        (lambda: tl.browse_predictions(IMAGES, PROBABILITIES, LABELS[:3], ["a", "b"]), "one of each"),
        (lambda: tl.browse_predictions([], PROBABILITIES[:0], LABELS[:0], ["a", "b"]), "is empty"),
        (lambda: tl.browse_predictions(IMAGES, PROBABILITIES * torch.nan, LABELS, ["a", "b"]), "from 0 to 1"),
        (lambda: tl.browse_predictions(IMAGES, PROBABILITIES, LABELS + 2, ["a", "b"]), "integers from 0 to 1"),
    ],
)
def test_bad_arguments_are_refused_in_a_sentence(call, words):
    """A ValueError says what is wrong, what must hold, and what to do."""
    with pytest.raises(ValueError, match=words):
        call()
