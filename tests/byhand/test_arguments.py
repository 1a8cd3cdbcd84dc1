"""The shared checks of arguments: each refusal is one sentence with the value, the rule and the remedy."""

import inspect
import re

import pytest
import torch
from torch import nn, optim

from tests.byhand.refusals import refused
from tlhelpers import byhand
from tlhelpers.byhand.arguments import (
    check_dtype,
    check_floats,
    check_grad,
    check_images,
    check_pixels,
    check_rows,
    check_shape,
    pair,
    require,
    upcast,
)


def test_every_refusal_has_the_same_grammar():
    """The value comes first, then the rule, then the remedy; nothing is raised if the rule holds."""
    require(True, "stride", 1, "be 1 or more", "use 1")
    with pytest.raises(ValueError) as caught:
        require(False, "stride", 0, "be 1 or more", "use 1")
    assert str(caught.value) == "stride is 0; it must be 1 or more; use 1"


@pytest.mark.parametrize("value", [3, (3, 3), [3, 3]])
def test_one_number_stands_for_both_axes(value):
    """An integer, or two of them in a tuple or a list, give (rows, columns)."""
    assert pair(value, "kernel") == (3, 3)
    assert pair((1, 2), "kernel") == (1, 2)


@pytest.mark.parametrize("value", [1.0, True, None, "same", (), (1,), (1, 2, 3), (1, 2.0), (1, True)])
def test_other_values_than_pairs_of_integers_are_refused(value):
    """Fractions, booleans, words, and sequences of another length than two are refused."""
    words = f"stride is {value!r}; it must be an integer or two of them; give (rows, columns)"
    with refused(re.escape(words)):
        pair(value, "stride")


@pytest.mark.parametrize("check", [check_images, check_pixels])
@pytest.mark.parametrize("shape", [(), (3,), (3, 4, 5), (1, 2, 3, 4, 5)])
def test_images_have_four_axes(check, shape):
    """Every other number of axes is refused, and the message shows the shape."""
    with refused(rf"images.shape is {re.escape(str(shape))}; it must have .*\(N, C, H, W\); .*images\[None\]"):
        check(torch.zeros(shape))


def test_images_of_any_size_pass():
    """An empty batch is accepted; ``check_images`` accepts images without pixels, too."""
    for shape in [(2, 3, 4, 5), (0, 3, 4, 5)]:
        check_images(torch.zeros(shape))
        check_pixels(torch.zeros(shape))
    check_images(torch.zeros(2, 1, 0, 0, dtype=torch.int64))


@pytest.mark.parametrize("shape", [(2, 0, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)])
def test_pixels_must_be_there(shape):
    """Images without channels, rows or columns are refused."""
    with refused(rf"images.shape is {re.escape(str(shape))}; it must have at least one (channel|pixel); check"):
        check_pixels(torch.zeros(shape))
    if shape[1] == 0:
        with refused("it must have at least one channel"):
            check_images(torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.complex64])
def test_other_values_than_floats_are_refused(dtype):
    """The message names the argument, its dtype and how to convert it."""
    words = re.escape(
        f"logits.dtype is {dtype}; it must be a floating-point type; convert the values with logits.float()"
    )
    with refused(words):
        check_floats(torch.zeros(2, dtype=dtype), "logits")
    with refused(f"images.dtype is {dtype}; it must be a floating-point type"):
        check_pixels(torch.zeros(1, 1, 1, 1, dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_precision_is_a_float(dtype):
    """Half, single and double precision are accepted."""
    check_floats(torch.zeros(2, dtype=dtype), "logits")


@pytest.mark.parametrize("wrong", [(), (1,), (2, 1), (3, 2), (1, 2, 3)])
def test_a_gradient_has_the_shape_of_its_output(wrong):
    """Nothing is broadcast; the shape may be given as a torch.Size or as a tuple."""
    check_grad(torch.zeros(2, 3), (2, 3), torch.float32)
    check_grad(torch.zeros(2, 3), torch.Size([2, 3]), torch.float32)
    words = re.escape(
        f"grad.shape is {wrong}; it must be (2, 3), the shape of the output; give the gradient of the loss"
    )
    with refused(words):
        check_grad(torch.zeros(wrong), (2, 3), torch.float32)


@pytest.mark.parametrize("shape", [(1,), (2, 3)])
def test_a_gradient_has_the_type_of_its_output(shape):
    """Another precision is refused, except for the gradient of a single number, such as a loss."""
    words = re.escape(
        "grad.dtype is torch.float64; it must be torch.float32, the dtype of the output; convert it with grad.to"
    )
    with refused(words):
        check_grad(torch.zeros(shape, dtype=torch.float64), shape, torch.float32)
    check_grad(torch.tensor(1.0, dtype=torch.float64), (), torch.float32)


def test_shapes_and_dtypes_must_match_exactly():
    """Nothing is broadcast or converted; the message says what the shape or the dtype belongs to."""
    check_shape(torch.zeros(3), "bias", (3,), "one value for each channel")
    check_dtype(torch.zeros(3), "bias", torch.float32, "images")
    with refused(r"bias.shape is \(3, 1\); it must be \(3,\), one value for each channel; change its shape"):
        check_shape(torch.zeros(3, 1), "bias", (3,), "one value for each channel")
    with refused(r"bias.dtype is torch.float64; it must be torch.float32, .* images; .* images.to\(bias.dtype\)"):
        check_dtype(torch.zeros(3).double(), "bias", torch.float32, "images")


@pytest.mark.parametrize(
    ("features", "weight"),
    [((2, 3), (4, 5)), ((3,), (4, 3)), ((2, 3), (3,)), ((2, 1, 3), (4, 3)), ((2, 3, 1), (4, 3, 1))],
)
def test_features_and_weight_have_the_same_columns(features, weight):
    """Both are matrices, with one row for each image and for each class."""
    check_rows(torch.zeros(2, 3), torch.zeros(4, 3))
    with refused(re.escape(f"is ({features}, {weight}); it must be (N, D) and (C, D) with the same D; transpose")):
        check_rows(torch.zeros(features), torch.zeros(weight))


def test_values_of_16_bits_are_converted_to_32():
    """Values of 16 bits become float32; longer ones and integers stay as they are."""
    for dtype in (torch.float16, torch.bfloat16):
        assert upcast(torch.ones(2, dtype=dtype)).dtype == torch.float32
    for dtype in (torch.float32, torch.float64, torch.int64):
        values = torch.ones(2, dtype=dtype)
        assert upcast(values) is values


@pytest.mark.parametrize("name", [name for name in byhand.__all__ if name not in ("nn", "output_size")])
def test_options_are_given_by_name(name):
    """Arguments with a default, except a bias, are keyword-only; those without one may be positional, too."""
    for parameter in inspect.signature(getattr(byhand, name)).parameters.values():
        by_name = parameter.default is not parameter.empty and parameter.name != "bias"
        assert parameter.kind is parameter.KEYWORD_ONLY or (
            parameter.kind is parameter.POSITIONAL_OR_KEYWORD and not by_name
        )


TORCHS = {
    "conv2d_loops conv2d conv2d_backward conv2d_matrix": nn.Conv2d,
    "im2col": nn.Unfold,
    "col2im": nn.Fold,
    "max_pool2d max_pool2d_backward": nn.MaxPool2d,
    "mean_pool2d mean_pool2d_backward": nn.AvgPool2d,
    "batch_norm2d batch_norm2d_backward": nn.BatchNorm2d,
    "cross_entropy cross_entropy_backward": nn.CrossEntropyLoss,
    "SGD": optim.SGD,
    "Adam": optim.Adam,
    "AdamW": optim.AdamW,
    "kaiming_normal": nn.init.kaiming_normal_,
    "kaiming_uniform": nn.init.kaiming_uniform_,
    "cosine_rate": optim.lr_scheduler.CosineAnnealingLR,
    "one_cycle_rate one_cycle_momentum": optim.lr_scheduler.OneCycleLR,
}
OTHER_NAMES = {
    "class_weights": "weight",
    "lr_min": "eta_min",
    "warmup": "pct_start",
    "low": "base_momentum",
    "high": "max_momentum",
}


def defaults(function):
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not each.empty and each.name != "bias"}


@pytest.mark.parametrize(
    ("name", "theirs"), [(name, theirs) for names, theirs in TORCHS.items() for name in names.split()]
)
def test_defaults_are_torchs(name, theirs):
    """Every default has the value of torch's default, although some names differ."""
    ours, torchs = defaults(getattr(byhand, name)), defaults(theirs)
    ours = {OTHER_NAMES.get(option, option): value for option, value in ours.items()}
    if "start" in ours:  # torch divides: by div_factor, and the result again by final_div_factor
        start, end = ours.pop("start"), ours.pop("end")
        assert start == 1 / torchs["div_factor"] and end == start / torchs["final_div_factor"]
    assert ours == {option: torchs[option] for option in ours}


def test_the_other_defaults():
    """The default temperature is 1, and the default generator is torch's global one."""
    for name in ("softmax", "log_softmax", "softmax_backward", "log_softmax_backward"):
        assert defaults(getattr(byhand, name)) == {"temperature": 1.0}
    for name in ("xavier_normal", "xavier_uniform"):
        assert defaults(getattr(byhand, name)) == {"generator": None}
    assert byhand.output_size(5, 2) == byhand.output_size(5, 2, 1, 0, 1, ceil_mode=False) == 4
    assert byhand.output_size(5, 2, 2) == 2  # not rounded up


def test_a_size_takes_its_numbers_in_order():
    """The arguments of ``output_size`` are positional, in the order of the formula; only the rounding is not."""
    *numbers, rounding = inspect.signature(byhand.output_size).parameters.values()
    assert {number.kind for number in numbers} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert rounding.kind is inspect.Parameter.KEYWORD_ONLY


BREAKS = [
    ("isinstance(value, tuple | list)", "isinstance(value, tuple)"),
    ("len(both) == 2 and", "len(both) <= 2 and"),
    (" and not isinstance(value, bool)", ""),
    ("images.ndim == 4", "images.ndim >= 4"),
    ("shape[1] > 0", "True"),
    ("0 not in shape[2:]", "0 not in shape[3:]"),
    ("0 not in shape[2:]", "0 not in shape"),
    ('    check_floats(images, "images")\n', ""),
    ("values.is_floating_point()", "not values.is_complex()"),
    ("found == wanted", "len(found) == len(wanted)"),
    ("tensor.dtype == dtype", "True"),
    ("if grad.ndim:", "if True:"),
    ("if grad.ndim:", "if grad.ndim > 1:"),
    ("features.ndim == weight.ndim == 2", "features.ndim == 2"),
    ("features.ndim == weight.ndim == 2", "features.ndim == weight.ndim"),
    ("shapes[0][1] == shapes[1][1]", "True"),
    ("(torch.float16, torch.bfloat16)", "(torch.float16,)"),
]
