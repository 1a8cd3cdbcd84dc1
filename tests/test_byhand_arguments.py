"""What several functions by hand refuse, they refuse in one sentence: what is wrong, the value, the way out."""

import inspect
import re

import pytest
import torch

from tlhelpers import byhand
from tlhelpers.byhand.arguments import check_floats, check_grad, check_images, check_pixels, pair


@pytest.mark.parametrize("value", [3, (3, 3), [3, 3]])
def test_one_number_stands_for_both_axes(value):
    """A whole number, or two of them in a tuple or a list, give (rows, columns)."""
    assert pair(value, "kernel") == (3, 3)
    assert pair((1, 2), "kernel") == (1, 2)


@pytest.mark.parametrize("value", [1.0, True, None, "same", (), (1,), (1, 2, 3), (1, 2.0), (1, True)])
def test_what_is_no_pair_is_refused(value):
    """Neither fractions nor words, and not one or three in a row."""
    words = f"stride must be a whole number or two of them, got {value!r}: give (rows, columns)"
    with pytest.raises(ValueError, match=re.escape(words)):
        pair(value, "stride")


@pytest.mark.parametrize("check", [check_images, check_pixels])
@pytest.mark.parametrize("shape", [(), (3,), (3, 4, 5), (1, 2, 3, 4, 5)])
def test_images_have_four_axes(check, shape):
    """One image without its batch axis is named as such."""
    with pytest.raises(ValueError, match=rf"\(N, C, H, W\), got shape {re.escape(str(shape))}: .*images\[None\]"):
        check(torch.zeros(shape))


def test_images_of_any_size_pass():
    """No image at all is a batch too; only pooling and its like need a pixel."""
    for shape in [(2, 3, 4, 5), (0, 3, 4, 5)]:
        check_images(torch.zeros(shape))
        check_pixels(torch.zeros(shape))
    check_images(torch.zeros(2, 0, 0, 0, dtype=torch.int64))


@pytest.mark.parametrize("shape", [(2, 0, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)])
def test_pixels_must_be_there(shape):
    """Neither channels nor rows nor columns may be missing."""
    with pytest.raises(ValueError, match=rf"one channel and one pixel, got shape {re.escape(str(shape))}: look at"):
        check_pixels(torch.zeros(shape))


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8, torch.bool, torch.complex64])
def test_floats_are_asked_for(dtype):
    """The sentence names the argument, its type and the remedy."""
    words = re.escape(f"logits must hold floats, got {dtype}: convert them with logits.float()")
    with pytest.raises(ValueError, match=words):
        check_floats(torch.zeros(2, dtype=dtype), "logits")
    with pytest.raises(ValueError, match="images must hold floats"):
        check_pixels(torch.zeros(1, 1, 1, 1, dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_precision_is_a_float(dtype):
    """Half precision and double precision pass alike."""
    check_floats(torch.zeros(2, dtype=dtype), "logits")


@pytest.mark.parametrize("wrong", [(), (1,), (2, 1), (3, 2), (1, 2, 3)])
def test_a_gradient_has_the_shape_of_its_output(wrong):
    """Nothing is stretched to fit; a shape may come as torch's or as a tuple."""
    check_grad(torch.zeros(2, 3), (2, 3))
    check_grad(torch.zeros(2, 3), torch.Size([2, 3]))
    words = re.escape(f"the shape of the output, (2, 3), got {wrong}: give the gradient of the loss")
    with pytest.raises(ValueError, match=words):
        check_grad(torch.zeros(wrong), (2, 3))


@pytest.mark.parametrize("name", [name for name in byhand.__all__ if name != "output_size"])
def test_options_are_given_by_name(name):
    """What has a default, but for a bias, goes by its name; what has none may go by its name or its place."""
    for parameter in inspect.signature(getattr(byhand, name)).parameters.values():
        by_name = parameter.default is not parameter.empty and parameter.name != "bias"
        assert parameter.kind is parameter.KEYWORD_ONLY or (
            parameter.kind is parameter.POSITIONAL_OR_KEYWORD and not by_name
        )


def test_a_size_takes_its_numbers_in_order():
    """``output_size`` is the exception: its numbers have the order of the formula, and only the rounding is named."""
    *numbers, rounding = inspect.signature(byhand.output_size).parameters.values()
    assert {number.kind for number in numbers} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert rounding.kind is inspect.Parameter.KEYWORD_ONLY


BREAKS = [
    ("isinstance(value, tuple | list)", "isinstance(value, tuple)"),
    ("len(both) != 2 or", "len(both) > 2 or"),
    (" and not isinstance(number, bool)", ""),
    ("images.ndim != 4", "images.ndim < 4"),
    ("if 0 in images.shape[1:]:", "if 0 in images.shape[2:]:"),
    ("if 0 in images.shape[1:]:", "if 0 in images.shape:"),
    ('    check_floats(images, "images")\n', ""),
    ("not values.is_floating_point()", "values.is_complex()"),
    ("tuple(grad.shape) != tuple(shape)", "grad.ndim != len(shape)"),
]
