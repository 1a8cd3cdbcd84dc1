"""Convolution by hand equals torch's, forward and backward, and refuses bad arguments with clear messages."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.byhand.drawing import assert_drawn_together, draw_tensor
from tests.byhand.refusals import refused
from tlhelpers.byhand.convolution import conv2d, conv2d_backward, conv2d_loops, conv2d_matrix
from tlhelpers.byhand.nn import differentiable
from tlhelpers.byhand.windows import WindowGrid

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
FORMS = pytest.mark.parametrize("convolve", [conv2d_loops, conv2d])
ONE_OR_TWO = st.integers(1, 2) | st.tuples(st.integers(1, 2), st.integers(1, 2))


def both(value):
    return value if isinstance(value, tuple) else (value, value)


@st.composite
def layers(draw):
    """Draw images, weight, bias or None, and options that fit together."""
    kernel, dilation = draw(st.tuples(st.integers(1, 3), st.integers(1, 3))), draw(ONE_OR_TWO)
    padding = draw(st.integers(0, 2) | st.tuples(st.integers(0, 3), st.integers(0, 3)) | st.just("same"))
    stride, case = draw(ONE_OR_TWO | st.just(4)), draw(st.sampled_from(["any"] * 6 + ["one position", "one pixel"]))
    if padding == "same":
        stride = 1
    elif case == "one pixel":  # as much padding as the kernel needs
        padding = tuple(-(-d * (k - 1) // 2) for k, d in zip(kernel, both(dilation), strict=True))
    ends = (9, 9) if padding == "same" else both(padding)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, both(dilation), ends, strict=True)]
    size = [draw(st.integers(n, n + 5)) if case == "any" else n for n in least]
    groups, channels, outputs = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    images = draw_tensor(draw, (draw(st.sampled_from([1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 0])), groups * channels, *size))
    weight = draw_tensor(draw, (groups * outputs, channels, *kernel))
    bias = draw_tensor(draw, (groups * outputs,)) if draw(st.booleans()) else None
    return images, weight, bias, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


def describe(layer):
    """Return words for the options and for the sizes at which an index is most easily off by one."""
    images, weight, bias, options = layer
    (k, l), stride, dilation = weight.shape[2:], both(options["stride"]), both(options["dilation"])
    positions = F.conv2d(images, weight, bias, **options).shape[2:]
    strided = len(images) and any(step > 1 and count > 1 for step, count in zip(stride, positions, strict=True))
    words = {
        "groups": options["groups"] > 1,
        "depthwise": options["groups"] > 1 and weight.shape[1] == 1,
        "stride": strided,  # more than one position along an axis on which it counts
        "stride over kernel": strided and min(stride) > max(k, l),
        "padding": options["padding"] not in ("same", 0, (0, 0)),
        "same": options["padding"] == "same",
        "dilation": max(dilation) > 1 and max(k, l) > 1,
        "rectangle": k != l,
        "even": k % 2 == 0 or l % 2 == 0,
        "one by one": k == l == 1,
        "bias": bias is not None,
        "one pixel": images.shape[2:] == (1, 1),
        "one position": positions == (1, 1),
        "no image": not len(images),
    }
    return {word for word, holds in words.items() if holds}


@pytest.mark.slow
def test_all_options_are_drawn_together():
    """Each option is drawn with each other option, and with the sizes at which mistakes are likely."""
    words = {"groups", "depthwise", "stride", "stride over kernel", "padding", "same", "dilation", "rectangle", "even"}
    apart = {("same", "stride"), ("same", "stride over kernel"), ("same", "padding")}
    apart |= {
        (word, other)
        for word in ("stride", "stride over kernel")
        for other in ("one position", "no image", "one pixel")
    }
    apart |= {("one by one", word) for word in ("dilation", "rectangle", "even")}
    words |= {"one by one", "bias", "one pixel", "one position", "no image"}
    assert_drawn_together(layers(), describe, words, apart)


# images, weight, options: the sizes at which an index is most easily off by one
DEGENERATE = [
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),  # one pixel, one weight
    ((2, 3, 4, 5), (2, 3, 1, 1), {}),  # a 1x1 kernel mixes channels and nothing else
    ((2, 3, 4, 5), (2, 3, 1, 1), {"stride": 2}),  # here it leaves pixels out
    ((1, 2, 4, 3), (3, 2, 4, 3), {}),  # as large as the image: one position
    ((1, 1, 2, 2), (1, 1, 6, 4), {"padding": (2, 1)}),  # as large as the padded image
    ((1, 2, 7, 7), (2, 2, 2, 2), {"stride": 5}),  # a stride larger than the kernel skips pixels
    ((1, 1, 3, 3), (1, 1, 2, 2), {"stride": 9}),  # a stride larger than the image
    ((1, 1, 1, 1), (1, 1, 2, 2), {"padding": 3}),  # padding larger than the kernel
    ((0, 2, 4, 4), (3, 2, 2, 2), {}),  # no image at all
    ((2, 4, 9, 14), (6, 2, 3, 2), {"stride": (2, 3), "padding": (0, 2), "dilation": (3, 2), "groups": 2}),
    ((3, 6, 5, 4), (12, 1, 2, 3), {"padding": "same", "dilation": (3, 1), "groups": 6}),  # an odd number of zeros
]


@FORMS
@pytest.mark.parametrize(("images", "weight", "options"), DEGENERATE)
def test_degenerate_sizes_equal_torch(convolve, images, weight, options):
    """Outputs and gradients equal torch's for the smallest, the largest and unusual sizes."""
    shapes = images, weight, weight[:1]
    inputs = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    outputs = F.conv2d(*inputs, **options)
    with torch.no_grad():
        torch.testing.assert_close(convolve(*inputs, **options), outputs.detach(), rtol=0, atol=1e-10)
        ours = conv2d_backward(outputs, *inputs, **options)
    for mine, torchs in zip(ours, torch.autograd.grad(outputs, inputs, outputs), strict=True):
        torch.testing.assert_close(mine, torchs, rtol=0, atol=1e-8)


@FORMS
@given(layer=layers())
def test_convolution_equals_torch(convolve, layer):
    """The outputs equal torch's for drawn shapes and options."""
    images, weight, bias, options = layer
    expected = F.conv2d(images, weight, bias, **options)
    torch.testing.assert_close(convolve(images, weight, bias, **options), expected, rtol=0, atol=1e-10)


@given(layer=layers(), data=st.data())
def test_gradients_equal_autograd(layer, data):
    """The gradients of images, weight and bias equal those of autograd through torch's convolution."""
    images, weight, bias, options = layer
    inputs = [given.clone().requires_grad_() for given in (images, weight, bias) if given is not None]
    outputs = F.conv2d(*inputs, **options)
    grad = draw_tensor(data.draw, outputs.shape)
    ours = conv2d_backward(grad, images, weight, bias, **options)
    assert len(ours) == 3 and (ours[2] is None) == (bias is None)
    for mine, torchs in zip(ours, torch.autograd.grad(outputs, inputs, grad), strict=False):
        torch.testing.assert_close(mine, torchs, rtol=0, atol=1e-8)


@given(layer=layers())
def test_gradients_equal_difference_quotients(layer):
    """The backward function passes gradcheck, which compares it with finite differences."""
    images, weight, bias, options = layer
    assume(len(images) and images.numel() * weight.numel() < 1500)
    convolve = differentiable(partial(conv2d, **options), partial(conv2d_backward, **options))
    inputs = [given if given is None else given.clone().requires_grad_() for given in (images, weight, bias)]
    assert torch.autograd.gradcheck(convolve, inputs, fast_mode=True)


@given(layer=layers(), data=st.data())
def test_convolution_is_a_matrix(layer, data):
    """The matrix times the pixels gives the outputs, and its transpose gives the gradient of the pixels."""
    images, weight, _, options = layer
    matrix = conv2d_matrix(weight, tuple(images.shape[2:]), **options)
    outputs = F.conv2d(images, weight, **options)
    assert matrix.shape == (outputs[:1].numel() or matrix.shape[0], images.shape[1:].numel())
    torch.testing.assert_close(images.flatten(1) @ matrix.mT, outputs.flatten(1), rtol=0, atol=1e-10)
    grad = draw_tensor(data.draw, outputs.shape)
    back, _, _ = conv2d_backward(grad, images, weight, **options)
    torch.testing.assert_close(grad.flatten(1) @ matrix, back.flatten(1), rtol=0, atol=1e-10)


@pytest.mark.parametrize(("side", "sizes"), [(18, [5]), (104, [2, 2, 1]), (160, [1] * 5)])
def test_images_are_convolved_in_batches(side, sizes):
    """However many images are convolved at a time, outputs and gradients equal torch's."""
    images = torch.randn(5, 4, side, side, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 4, 5, 5, dtype=torch.float64, requires_grad=True)
    grid = WindowGrid((side, side), 5, 1, 0, 1)
    assert [len(images[some]) for some in grid.batches(images)] == sizes
    theirs = F.conv2d(images, weight)
    grad = torch.randn_like(theirs)
    expected = torch.autograd.grad(theirs, (images, weight), grad)
    found = conv2d_backward(grad, images.detach(), weight.detach())
    torch.testing.assert_close(conv2d(images.detach(), weight.detach()), theirs.detach(), rtol=0, atol=1e-8)
    torch.testing.assert_close(found[:2], expected, rtol=0, atol=1e-8)


def test_same_adds_the_odd_zero_at_the_end():
    """With an even kernel, the odd zero is added after the last pixel, as in torch."""
    image = torch.arange(1.0, 5).reshape(1, 1, 1, 4)
    assert conv2d(image, torch.ones(1, 1, 1, 2), padding="same").tolist() == [[[[3.0, 5.0, 7.0, 4.0]]]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8])
@FORMS
def test_outputs_keep_the_dtype(convolve, dtype):
    """Outputs and gradients have the dtype of the images, also if it is an integer type."""
    images, weight, bias = (torch.ones(shape, dtype=dtype) for shape in [(2, 2, 3, 3), (2, 2, 2, 2), (2,)])
    outputs = convolve(images, weight, bias, padding=1)
    assert outputs.dtype == dtype and torch.equal(outputs, F.conv2d(images, weight, bias, padding=1))
    gradients = conv2d_backward(outputs, images, weight, bias, padding=1)
    assert dtype in (torch.int64, torch.uint8) or {gradient.dtype for gradient in gradients} == {dtype}


def test_inputs_are_left_as_they_were():
    """No function changes its arguments, with or without padding, also where the pixels are the columns."""
    images, weight, bias = torch.ones(2, 2, 4, 4), torch.ones(4, 2, 3, 3), torch.ones(4)
    for kernels, padding in [(weight, 0), (weight, 1), (weight[..., :1, :1], 0)]:
        outputs = conv2d_loops(images, kernels, bias, padding=padding)
        before = outputs.clone()
        conv2d(images, kernels, bias, padding=padding)
        conv2d_backward(outputs, images, kernels, bias, padding=padding)
        conv2d_matrix(kernels, 4, padding=padding)
        assert torch.equal(outputs, before)
    assert all(bool((argument == 1).all()) for argument in (images, weight, bias))


IMAGES, WEIGHT = torch.zeros(2, 3, 5, 5), torch.zeros(6, 3, 3, 3)
BAD = {
    "unbatched images": ((IMAGES[0], WEIGHT), {}, r"images.shape is \(3, 5, 5\); .*images\[None\]"),
    "one kernel alone": ((IMAGES, WEIGHT[0, 0]), {}, r"weight.shape is \(3, 3\); it must have .*weight\[None, None\]"),
    "kernels of five axes": ((IMAGES, WEIGHT[None]), {}, r"weight.shape is \(1, 6, 3, 3, 3\); it must have"),
    "channels": ((IMAGES, WEIGHT[:, :2]), {}, r"weight.shape is \(6, 2, 3, 3\); it must be \(6, 3, .* 3 channels"),
    "channels of groups": (
        (IMAGES, WEIGHT),
        {"groups": 3},
        r"weight.shape is .*; it must be \(6, 1, .*groups=3; change",
    ),
    "kernels by groups": ((IMAGES, WEIGHT[:4, :1]), {"groups": 3}, r"kernels is 4; it must be a multiple of groups=3"),
    "channels by groups": ((IMAGES, WEIGHT[:, :1]), {"groups": 2}, r"channels is 3; it must be a multiple of groups=2"),
    "no kernel": ((IMAGES, WEIGHT[:0]), {}, r"the number of kernels is 0; it must be .* but not 0; change"),
    "groups zero": ((IMAGES, WEIGHT), {"groups": 0}, r"groups is 0; it must be an integer of 1 or more; use 1"),
    "groups a fraction": ((IMAGES, WEIGHT), {"groups": 1.0}, r"groups is 1\.0; it must be an integer of 1 or more"),
    "groups true": ((IMAGES, WEIGHT), {"groups": True}, r"groups is True; it must be an integer of 1 or more"),
    "dtypes": ((IMAGES.byte(), WEIGHT), {}, r"weight.dtype is torch\.float32; it must be torch\.uint8, .*images\.to\("),
    "dtype of bias": (
        (IMAGES, WEIGHT, torch.zeros(6).double()),
        {},
        r"bias.dtype is torch\.float64; .*images\.to\(bias",
    ),
    "booleans": ((IMAGES.bool(), WEIGHT.bool()), {}, r"images.dtype is torch\.bool; it must be a type of numbers"),
    "bias too short": ((IMAGES, WEIGHT, torch.zeros(3)), {}, r"bias.shape is \(3,\); it must be \(6,\), one value"),
    "bias a number": ((IMAGES, WEIGHT, torch.zeros(())), {}, r"bias.shape is \(\); it must be \(6,\), one value"),
    "bias a column": ((IMAGES, WEIGHT, torch.zeros(6, 1)), {}, r"bias.shape is \(6, 1\); it must be \(6,\), one value"),
    "stride zero": ((IMAGES, WEIGHT), {"stride": 0}, r"stride is 0; it must be 1 or more; use 1"),
    "stride negative": ((IMAGES, WEIGHT), {"stride": (1, -2)}, r"stride is -2; it must be 1 or more; use 1"),
    "stride a fraction": ((IMAGES, WEIGHT), {"stride": 1.5}, r"stride is 1\.5; it must be an integer .*; give"),
    "padding negative": ((IMAGES, WEIGHT), {"padding": -1}, r"padding is -1; it must be 0 or more; crop"),
    "padding of three": ((IMAGES, WEIGHT), {"padding": (1, 1, 1)}, r"padding is \(1, 1, 1\); it must be .*; give"),
    "padding a word": (
        (IMAGES, WEIGHT),
        {"padding": "full"},
        r"padding is 'full'; it must be integers or \"same\"; give 0",
    ),
    "padding of zeros": ((IMAGES, WEIGHT), {"padding": "zeros"}, r"padding is 'zeros'; it must be .* \"same\"; give"),
    "same with stride": (
        (IMAGES, WEIGHT),
        {"padding": "same", "stride": (1, 2)},
        r"stride is \(1, 2\); it must be 1 for",
    ),
    "dilation zero": ((IMAGES, WEIGHT), {"dilation": 0}, r"dilation is 0; it must be 1 or more; use 1"),
    "dilation negative": (
        (IMAGES, WEIGHT),
        {"padding": "same", "dilation": -1},
        r"dilation is -1; it must be 1 or more",
    ),
    "dilated": (
        (IMAGES, WEIGHT),
        {"dilation": 3},
        r"kernel is 3, with dilation a span of 7 pixels; it must fit into 5",
    ),
    "kernel too large": (
        (IMAGES[..., :2], WEIGHT),
        {},
        r"kernel is 3, .*; it must fit into 2 pixels, .*; use a smaller",
    ),
    "kernel empty": ((IMAGES, WEIGHT[..., :0]), {}, r"kernel is 0; it must be 1 pixel or more; give"),
    "no pixels": ((IMAGES[..., :0], WEIGHT), {"padding": 2}, r"the image size is 0; it must be 1 pixel or more; check"),
}
FUNCTIONS = pytest.mark.parametrize("function", [conv2d_loops, conv2d, partial(conv2d_backward, torch.zeros(1))])


@FUNCTIONS
@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_get_one_sentence(function, case):
    """The message names the argument, its value, the rule and the remedy; torch refuses these arguments too."""
    arguments, options, message = BAD[case]
    with refused(message):
        function(*arguments, **options)
    if case != "unbatched images":  # torch takes these; here N is never left out
        with pytest.raises((RuntimeError, TypeError)):
            F.conv2d(*arguments, **options)


def test_no_channels_are_refused():
    """Images without channels are refused, although torch returns an empty tensor."""
    with refused(r"images.shape is \(2, 0, 5, 5\); it must have at least one channel"):
        conv2d(IMAGES[:, :0], WEIGHT[:, :0])


def test_a_gradient_of_another_shape_is_refused():
    """The message says which shape the output has."""
    with refused(r"grad.shape is \(2, 6, 5, 5\); it must be \(2, 6, 3, 3\), the shape of the output; give"):
        conv2d_backward(torch.zeros(2, 6, 5, 5), IMAGES, WEIGHT)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((WEIGHT[0], 5), {}, r"weight.shape is \(3, 3, 3\); it must have"),
        ((WEIGHT, 5), {"groups": 4}, r"the number of kernels is 6; it must be a multiple of groups=4"),
        ((WEIGHT[:, :0], 5), {}, r"the number of channels is 0; it must be .* but not 0; change"),
        ((WEIGHT, (5, 5, 5)), {}, r"size is \(5, 5, 5\); it must be .*; give \(rows, columns\)"),
        ((WEIGHT, 2), {}, r"kernel is 3, .*; it must fit into 2 pixels"),
    ],
)
def test_the_matrix_has_the_same_refusals(arguments, options, message):
    """Arguments that cannot be convolved are refused by ``conv2d_matrix``, too."""
    with refused(message):
        conv2d_matrix(*arguments, **options)


BREAKS = [
    # conv2d_loops
    ("first = o // (len(weight) // groups) * channels", "first = o // (len(weight) // groups)"),
    ("slice(i * down, i * down + height * d, d)", "slice(i, i + height * d, d)"),
    ("slice(i * down, i * down + height * d, d)", "slice(i * down, i * down + height * d)"),
    ("slice(j * right, j * right + width * e, e)", "slice(j * down, j * down + width * e, e)"),
    ("padded = grid.pad(images)\n", "padded = images\n"),
    ("(window * weight[o]).sum()", "(window * weight[o].flip(1, 2)).sum()"),
    ("return outputs if bias is None else outputs + bias[:, None, None]", "return outputs"),
    # conv2d
    ("outputs[some] = products.reshape(len(weight), -1,", "outputs[some] = products.flip(1).reshape(len(weight), -1,"),
    ("*grid.shape).transpose(0, 1)\n    if", "*grid.shape).reshape(outputs[some].shape)\n    if"),
    ("outputs += bias[:, None, None]", "outputs += bias"),
    ("products = kernels @ grid", "products = kernels.flip(2) @ grid"),
    ("kernels @ grid.columns(images[some], groups)", "kernels @ grid.columns(images, groups)"),
    ("weight.shape[3]), stride, padding, dilation)", "weight.shape[3]), stride, 0, dilation)"),
    ("weight.shape[3]), stride, padding", "weight.shape[3]), 1, padding"),
    # conv2d_backward
    ("grad_kernels += products", "grad_kernels = products"),
    ("grad_kernels += products", "grad_kernels += products.flip(2)"),
    ("products = grad[some].transpose(0, 1).reshape", "products = grad[some].reshape"),
    ("(kernels.mT @ products)", "(kernels.flip(1).mT @ products)"),
    ("grid.add_windows(windows.unbind(1)", "grid.add_windows(windows.flip(1).unbind(1)"),
    ("None if bias is None else grad.sum((0, 2, 3))", "None"),
    ("None if bias is None else grad.sum((0, 2, 3))", "None if bias is None else grad.mean((0, 2, 3))"),
    ("    check_grad(grad, (len(images), len(weight), *grid.shape), images.dtype)\n", ""),
    # conv2d_matrix
    ("fill_diagonal_(1)", "fill_diagonal_(2)"),
    ("groups=groups).flatten(1).mT", "groups=groups).flatten(1)"),
    ("conv2d(units, weight, stride=stride, padding", "conv2d(units, weight, stride=1, padding"),
    ("stride=stride, padding=padding, dilation=dilation", "stride=stride, padding=0, dilation=dilation"),
    ("padding=padding, dilation=dilation, groups=groups)", "padding=padding, dilation=1, groups=groups)"),
    ("(weight.shape[1] * groups, *pair", "(weight.shape[1], *pair"),
    # what is refused
    ('pair(stride, "stride") == (1, 1)', "True"),
    ("is_integer(groups) and", "isinstance(groups, int) and"),
    ("count > 0 and count % groups == 0", "count % groups == 0"),
    ("count > 0 and count % groups == 0", "count > 0"),
    ("images.dtype != torch.bool", "True"),
    ('    check_dtype(weight, "weight", images.dtype, "images")\n', ""),
    ('        check_dtype(bias, "bias", images.dtype, "images")\n', ""),
    ('        check_shape(bias, "bias", weight.shape[:1], "one value for each output channel")\n', ""),
    ("shape[1] * groups == channels", "True"),
]
