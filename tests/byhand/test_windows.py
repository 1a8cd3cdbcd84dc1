"""Windows by hand: their number, copying them into columns and adding them up equal torch's."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.byhand.drawing import assert_drawn_together, draw_tensor
from tests.byhand.refusals import refused
from tlhelpers.byhand.windows import WindowGrid, col2im, im2col, output_size

ONE_OR_TWO = st.integers(1, 3) | st.tuples(st.integers(1, 3), st.integers(1, 3))


def both(value):
    return value if isinstance(value, tuple) else (value, value)


@st.composite
def window_cases(draw):
    """Draw images, a kernel that fits, and options."""
    options = {
        "stride": draw(ONE_OR_TWO | st.just(5)),
        "padding": draw(st.integers(0, 2) | st.tuples(st.integers(0, 3), st.integers(0, 3))),
        "dilation": draw(ONE_OR_TWO),
    }
    kernel, case = draw(ONE_OR_TWO | st.just(4)), draw(st.sampled_from(["any"] * 6 + ["one position", "one pixel"]))
    if case == "one pixel":  # as much padding as the kernel needs
        options["padding"] = tuple(
            -(-d * (k - 1) // 2) for k, d in zip(both(kernel), both(options["dilation"]), strict=True)
        )
    axes = zip(both(kernel), both(options["dilation"]), both(options["padding"]), strict=True)
    least = [max(1, d * (k - 1) + 1 - 2 * p) for k, d, p in axes]
    size = [draw(st.integers(n, n + 5)) if case == "any" else n for n in least]
    batch, channels = draw(st.sampled_from([2, 3, 2, 3, 2, 3, 1, 0])), draw(st.sampled_from([2, 3, 2, 3, 1]))
    return draw_tensor(draw, (batch, channels, *size)), kernel, options


def describe(example):
    """Return words for the options and for the sizes at which an index is most easily off by one."""
    images, kernel, options = example
    (stride, padding, dilation), (k, l) = (both(value) for value in options.values()), both(kernel)
    positions = F.unfold(images[:0], kernel, **options).shape[2]
    words = {
        "stride": max(stride) > 1,
        "stride over kernel": min(stride) > max(k, l),
        "padding": max(padding) > 0,
        "dilation": max(dilation) > 1 and max(k, l) > 1,
        "rectangle": k != l,
        "even": k % 2 == 0 or l % 2 == 0,
        "one pixel": images.shape[2:] == (1, 1),
        "one position": positions == 1,
        "no image": not len(images),
    }
    return {word for word, holds in words.items() if holds}


@pytest.mark.slow
def test_all_options_are_drawn_together():
    """Each option is drawn with each other option, and with the sizes at which mistakes are likely."""
    words = {"stride", "stride over kernel", "padding", "dilation", "rectangle", "even", "one pixel", "one position"}
    assert_drawn_together(window_cases(), describe, words | {"no image"})


@given(case=window_cases())
def test_columns_are_copied_as_torch_unfolds(case):
    """The columns equal torch's bit for bit, in the same order."""
    images, kernel, options = case
    assert torch.equal(im2col(images, kernel, **options), F.unfold(images, kernel, **options))


@given(case=window_cases(), data=st.data())
def test_columns_are_added_up_as_torch_folds(case, data):
    """Every pixel gets the sum of its entries; entries of the padding are left out."""
    images, kernel, options = case
    size = tuple(images.shape[2:])
    columns = draw_tensor(data.draw, F.unfold(images, kernel, **options).shape)
    expected = F.fold(columns, size, kernel, **options)
    torch.testing.assert_close(col2im(columns, size, kernel, **options), expected, rtol=0, atol=1e-10)


@given(case=window_cases(), data=st.data())
def test_adding_up_is_copying_transposed(case, data):
    """col2im is the transpose of im2col: the sum of im2col(x) times y equals that of x times col2im(y)."""
    images, kernel, options = case
    columns = im2col(images, kernel, **options)
    other = draw_tensor(data.draw, columns.shape)
    there, back = (columns * other).sum(), (images * col2im(other, tuple(images.shape[2:]), kernel, **options)).sum()
    torch.testing.assert_close(there, back, rtol=1e-10, atol=1e-10)


@given(case=window_cases(), data=st.data())
def test_columns_of_several_images_stand_side_by_side(case, data):
    """The columns of each group are those of im2col, image after image."""
    images, kernel, options = case
    if not len(images):
        return
    channels, positions = images.shape[1], F.unfold(images, kernel, **options).shape[2]
    groups = data.draw(st.sampled_from([g for g in (1, 2, 3) if channels % g == 0]))
    columns = WindowGrid(images.shape[2:], kernel, **options).columns(images, groups)
    expected = F.unfold(images, kernel, **options).transpose(0, 1).reshape(groups, -1, len(images) * positions)
    assert torch.equal(columns, expected)


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"padding": 1}, {"padding": 1, "stride": 2}])
def test_a_kernel_of_one_pixel_copies_only_if_it_must(options):
    """Without stride and padding, the pixels themselves are the columns; otherwise they are copied."""
    images = torch.arange(12.0).reshape(1, 1, 3, 4)
    columns = WindowGrid((3, 4), 1, **({"stride": 1, "padding": 0, "dilation": 1} | options)).columns(images, 1)
    assert torch.equal(columns, F.unfold(images, 1, **options))
    assert (columns.data_ptr() == images.data_ptr()) == (not options)


@pytest.mark.parametrize("max_entries", [1, 17, 40, 10**6])
def test_batches_hold_each_image_once(max_entries):
    """However few entries are allowed, the batches contain each image once, and none is empty."""
    images = torch.arange(7)[:, None, None, None].expand(7, 2, 3, 3)
    grid = WindowGrid((3, 3), 3, 1, 0, 1)  # 18 entries an image
    batches = [images[some, 0, 0, 0].tolist() for some in grid.batches(images, max_entries)]
    assert sum(batches, []) == list(range(7))
    assert {len(batch) for batch in batches[:-1]} <= {max(1, max_entries // 18)} and all(batches)


def result_of(function, *arguments, **options):
    """Return what a function returns, or "refused"."""
    try:
        return function(*arguments, **options)
    except (RuntimeError, ValueError):
        return "refused"


def test_every_rounding_of_the_size_is_torchs():
    """In all small cases the size equals torch's, rounded down or up, or is refused as in torch."""
    numbers = itertools.product(range(1, 8), range(1, 6), range(1, 5), range(3), (1, 2))
    for size, kernel, stride, padding, dilation in numbers:
        image, options = torch.zeros(1, 1, size, 1), {"stride": stride, "dilation": (dilation, 1)}
        columns = result_of(F.unfold, image, (kernel, 1), padding=(padding, 0), **(options | {"stride": (stride, 1)}))
        expected = columns if isinstance(columns, str) else columns.shape[2]
        assert result_of(output_size, size, kernel, stride, padding, dilation) == expected
        if 2 * padding <= kernel:  # pooling has a rule of its own against more
            pooled = result_of(F.max_pool2d, image, (kernel, 1), padding=(padding, 0), ceil_mode=True, **options)
            expected = pooled if isinstance(pooled, str) else pooled.shape[2]
            ours = result_of(output_size, size, kernel, stride, padding, dilation, ceil_mode=True)
            assert ours == expected, (size, kernel, stride, padding, dilation)


def test_a_kernel_that_is_slightly_too_large_has_one_position_in_ceil_mode():
    """In ceil mode a window may extend beyond an image that is smaller; otherwise it may not."""
    assert output_size(2, 3, 2, ceil_mode=True) == F.max_pool2d(torch.zeros(1, 1, 2, 2), 3, 2, ceil_mode=True).shape[2]
    with refused("kernel is 3, .*; it must fit into 2 pixels"):
        output_size(2, 3, 2)
    with refused("kernel is 4, .*; it must fit into 2 pixels"):
        output_size(2, 4, 2, ceil_mode=True)


def test_one_number_stands_for_both_axes():
    """One integer means the same as a pair of them, for the kernel and all options."""
    images = torch.arange(50.0).reshape(1, 2, 5, 5)
    columns = im2col(images, 2, stride=2, padding=1, dilation=3)
    assert torch.equal(columns, im2col(images, (2, 2), stride=(2, 2), padding=(1, 1), dilation=(3, 3)))
    ours = col2im(columns, 5, 2, stride=2, padding=1, dilation=3)
    assert torch.equal(ours, col2im(columns, (5, 5), [2, 2], stride=(2, 2), padding=(1, 1), dilation=(3, 3)))


def test_integers_are_copied_too():
    """Integer pixels, which torch's unfold refuses, are copied to the right positions."""
    assert im2col(torch.arange(6).reshape(1, 1, 2, 3), 2)[0].tolist() == [[0, 1], [1, 2], [3, 4], [4, 5]]


def test_inputs_are_left_as_they_were():
    """The columns are copies, even where a kernel covers every pixel once."""
    images = torch.ones(1, 2, 3, 3)
    for padding in (0, 1):
        columns = im2col(images, 1, padding=padding)
        columns += col2im(columns, 3, 1, padding=padding).sum()
    assert bool((images == 1).all())


def test_what_needs_no_copy_is_not_copied():
    """Without padding the images are returned, and a kernel of one pixel at every position copies nothing."""
    images = torch.rand(1, 4, 5, 6)
    plain, padded, sparse = (WindowGrid((5, 6), 1, stride, padding, 1) for stride, padding in ((1, 0), (1, 1), (2, 0)))
    assert plain.pad(images) is images and sparse.pad(images) is images
    assert padded.pad(images).shape == (1, 4, 7, 8)
    assert plain.columns(images, 2).data_ptr() == images.data_ptr()
    assert sparse.columns(images, 2).data_ptr() != images.data_ptr()


@pytest.mark.parametrize(
    ("max_entries", "batches"), [(1, [1] * 7), (5183, [1] * 7), (5184, [2, 2, 2, 1]), (10**6, [7])]
)
def test_batches_hold_as_many_images_as_fit(max_entries, batches):
    """The windows of one image have 4 * 9 * 72 = 2592 entries; a batch has at least one image."""
    images = torch.empty(7, 4, 8, 9)
    found = [len(images[batch]) for batch in WindowGrid((8, 9), 3, 1, 1, 1).batches(images, max_entries)]
    assert found == batches


IMAGES, COLUMNS = torch.zeros(2, 3, 5, 5), torch.zeros(2, 27, 9)
BAD = {
    "unbatched": (im2col, (IMAGES[0], 3), {}, r"images.shape is \(3, 5, 5\); it must have .*images\[None\]"),
    "too large": (im2col, (IMAGES, 9), {}, r"kernel is 9, .*; it must fit into 5 pixels, .*; use a smaller"),
    "dilated": (im2col, (IMAGES, 3), {"dilation": 3}, r"kernel is 3, with dilation a span of 7 pixels; it must fit"),
    "dilation": (im2col, (IMAGES, 3), {"dilation": 0}, r"dilation is 0; it must be 1 or more; use 1"),
    "kernel a word": (im2col, (IMAGES, "large"), {}, r"kernel is 'large'; it must be an integer .*; give \(rows"),
    "kernel empty": (im2col, (IMAGES, 0), {}, r"kernel is 0; it must be 1 pixel or more; give a positive"),
    "stride true": (im2col, (IMAGES, 3), {"stride": True}, r"stride is True; it must be an integer .*; give"),
    "stride zero": (im2col, (IMAGES, 3), {"stride": 0}, r"stride is 0; it must be 1 or more; use 1"),
    "negative": (im2col, (IMAGES, 3), {"padding": -1}, r"padding is -1; it must be 0 or more; crop"),
    "same": (im2col, (IMAGES, 3), {"padding": "same"}, r"padding is 'same'; it must be an integer .*; give"),
    "no rows": (
        im2col,
        (IMAGES[:, :, :0], 1),
        {"padding": 1},
        r"the image size is 0; it must be 1 pixel or more; check",
    ),
    "no channel": (
        im2col,
        (IMAGES[:, :0], 1),
        {},
        r"images.shape is \(2, 0, 5, 5\); it must have at least one channel",
    ),
    "columns": (col2im, (COLUMNS, 6, 3), {}, r"is \(2, 27, 9\); .*\(N, a multiple of 9, 16\).*6 by 6.*; give"),
    "entries": (col2im, (COLUMNS[:, 1:], 5, 3), {}, r"columns.shape is \(2, 26, 9\); it must be .*of 9, 9\).*; give"),
    "no entry": (col2im, (COLUMNS[:, :0], 5, 3), {}, r"columns.shape is \(2, 0, 9\); it must be"),
    "too many": (col2im, (COLUMNS, 4, 3), {}, r"is \(2, 27, 9\); .*\(N, a multiple of 9, 4\).*4 by 4.*; give"),
    "four axes": (col2im, (COLUMNS[..., None], 5, 3), {}, r"columns.shape is \(2, 27, 9, 1\); it must be"),
    "a matrix": (col2im, (COLUMNS[0], 5, 3), {}, r"columns.shape is \(27, 9\); it must be"),
    "size": (col2im, (COLUMNS, (5, 5, 5), 3), {}, r"size is \(5, 5, 5\); it must be .*; give \(rows, columns\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_arguments_get_one_sentence(case):
    """The message names the argument, its value, the rule and the remedy; torch refuses these arguments too."""
    function, arguments, options, message = BAD[case]
    with refused(message):
        function(*arguments, **options)
    if case not in ("unbatched", "a matrix"):  # torch takes these; here N is never left out
        with pytest.raises((RuntimeError, TypeError)):
            {im2col: F.unfold, col2im: F.fold}[function](*arguments, **options)


@given(
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 3)),
    ceil_mode=st.booleans(),
)
def test_every_position_covers_the_pixels_of_the_definition(size, kernel, stride, padding, dilation, ceil_mode):
    """Element (k, l) at position (i, j) covers pixel (i stride + k dilation - padding, ...), or the padding."""
    spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    assume(all(n + 2 * p >= span for n, p, span in zip(size, padding, spans, strict=True)))
    grid = WindowGrid(size, kernel, stride, padding, dilation, ceil_mode=ceil_mode)
    numbers = torch.arange(1.0, size[0] * size[1] + 1).reshape(1, 1, *size)
    surrounded, padded = grid.pad(numbers, -1.0), torch.zeros(grid.padded_size)
    padded[grid.padded_part] = 1
    for element, (k, l) in enumerate(itertools.product(*map(range, kernel))):
        for i, j in itertools.product(*map(range, grid.shape)):
            row, column = i * stride[0] + k * dilation[0], j * stride[1] + l * dilation[1]  # of the padded image
            y, x = row - padding[0], column - padding[1]
            inside = 0 <= y < size[0] and 0 <= x < size[1]
            assert surrounded[grid.elements[element]][0, 0, i, j] == (numbers[0, 0, y, x] if inside else -1)
            near = row < size[0] + 2 * padding[0] and column < size[1] + 2 * padding[1]
            assert padded[grid.elements[element]][i, j] == near
    assert torch.equal(surrounded[grid.image_part], numbers)
    ones = [torch.ones(1, 1, *grid.shape)] * len(grid.elements)
    seen = torch.zeros(1, 1, *grid.padded_size)
    for pixels in grid.elements:
        seen[pixels] += 1
    assert torch.equal(grid.add_windows(ones, (1, 1)), seen[grid.image_part])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_columns_of_16_bit_values_are_added_in_32_bits(dtype):
    """A pixel in 400 windows gets the exact sum of 400 ones, also where 16 bits would stop counting."""
    columns = torch.ones(1, 400, 400, dtype=dtype)
    assert col2im(columns, 39, 20).amax() == 400


BREAKS = [
    ("max(padded, elements[-1].stop)", "padded"),
    ("slice(padded), elements", "slice(before, padded), elements"),
    ("upcast(window).new_zeros", "window.new_zeros"),
    # output_size
    ("size + 2 * padding, dilation * (kernel - 1) + 1", "size + padding, dilation * (kernel - 1) + 1"),
    ("dilation * (kernel - 1) + 1\n    positions", "dilation * kernel\n    positions"),
    ("stride - 1 if ceil_mode else 0", "stride if ceil_mode else 0"),
    ("// stride + 1\n", "// stride\n"),
    ("* stride >= size + padding else", "* stride >= size + 2 * padding else"),
    ("return positions - 1 if ceil_mode and", "return positions - 1 if"),
    ("require(positions >= 1", "require(span <= padded"),
    # im2col
    ("images.flatten(0, 1)[:, None])  #", "images.transpose(0, 1).flatten(0, 1)[:, None])  #"),
    ("windows[:, number] = padded[pixels]", "windows[:, -1 - number] = padded[pixels]"),
    ("for row in rows for column in columns]", "for column in columns for row in rows]"),
    ("slice(k * dilation, k * dilation + reach, stride)", "slice(k, k + reach, stride)"),
    ("slice(k * dilation, k * dilation + reach, stride)", "slice(k * dilation + stride - 1, None, stride)"),
    ("slice(before, before + size), slice(padded)", "slice(0, size), slice(padded)"),
    # col2im
    ("total[pixels] += window", "total[pixels] = window"),
    ("windows = columns.reshape(*channels, elements", "windows = columns.flip(1).reshape(*channels, elements"),
    ("return total[self.image_part]", "return total"),
    (
        "columns.reshape(*channels, elements, *grid.shape)",
        "columns.reshape(*channels, elements, *grid.shape[::-1])",
    ),
    ("fits and columns.shape[2] == positions", "fits"),
    # columns and batches for the large product
    ("channels = images.transpose(0, 1)  #", "channels = images.reshape(images.shape[1], -1, *images.shape[2:])  #"),
    (" or self.shape != self.padded_size", ""),
    ("self.padded_size != images.shape[2:] or ", ""),
    ("slice(start, start + step)", "slice(start, start + step + 1)"),
    ("max(1, max_entries // entries)", "max(2, max_entries // entries)"),
]
