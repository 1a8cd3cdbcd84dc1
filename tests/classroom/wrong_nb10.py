"""Wrong answers to the exercises of notebook 10, as learners write them; ``test_wrong_answers.py`` uses them."""

import torch


def everything_faster(share, factor):
    return factor


def new_time_only(share, factor):
    return (1 - share) + share / factor


def average_speed(share, factor):
    return (1 - share) * 1 + share * factor


def forgets_the_rest(share, factor):
    return 1 / (share / factor)


def rest_and_part_exchanged(share, factor):
    return 1 / ((1 - share) / factor + share)


def percent_instead_of_share(share, factor):
    return 100 / (100 - share + share / factor)


def one_operation_a_product(channels, filters, size, kernel, number_bytes):
    products = channels * filters * kernel**2 * size**2
    return products / (number_bytes * (channels * size**2 + filters * size**2 + channels * filters * kernel**2))


def only_images(channels, filters, size, kernel, number_bytes):
    return 2 * channels * filters * kernel**2 * size**2 / (number_bytes * size**2 * (channels + filters))


def floats_and_not_bytes(channels, filters, size, kernel, number_bytes):
    numbers = channels * size**2 + filters * size**2 + channels * filters * kernel**2
    return 2 * channels * filters * kernel**2 * size**2 / numbers


def bytes_per_operation(channels, filters, size, kernel, number_bytes):
    numbers = channels * size**2 + filters * size**2 + channels * filters * kernel**2
    return number_bytes * numbers / (2 * channels * filters * kernel**2 * size**2)


def kernel_of_one_row(channels, filters, size, kernel, number_bytes):
    numbers = channels * size**2 + filters * size**2 + channels * filters * kernel
    return 2 * channels * filters * kernel * size**2 / (number_bytes * numbers)


def with_a_bias(channels, filters, size, kernel, number_bytes):
    numbers = channels * size**2 + filters * size**2 + filters * (channels * kernel**2 + 1)
    return (2 * channels * filters * kernel**2 + filters) * size**2 / (number_bytes * numbers)


def as_with_a_sign(x):
    step = x.max() / 127
    return torch.round(x / step) * step


def whole_numbers(x):
    return torch.round(x / x.max() * 255)


def cut_off(x):
    step = x.max() / 255
    return (x / step).int() * step


def two_hundred_and_fifty_six(x):
    step = x.max() / 256
    return (x / step).round() * step


def wrapped_around(x):
    step = x.max() / 255
    return (x / step).round().to(torch.int8) * step


def from_the_smallest_on(x):
    step = (x.max() - x.min()) / 255
    return torch.round((x - x.min()) / step) * step + x.min()


def no_scale(weight, down, up, scale):
    return weight + torch.einsum("or,rcij->ocij", up.squeeze(-1).squeeze(-1), down)


def everything_scaled(weight, down, up, scale):
    return scale * (weight + torch.einsum("or,rcij->ocij", up[..., 0, 0], down))


def adapter_only(weight, down, up, scale):
    return scale * torch.einsum("or,rcij->ocij", up[..., 0, 0], down)


def matrices_of_other_sizes(weight, down, up, scale):
    return weight + scale * (down @ up)


def divided_by_the_rank(weight, down, up, scale):
    return weight + scale / down.shape[0] * torch.einsum("or,rcij->ocij", up[..., 0, 0], down)


def places_exchanged(weight, down, up, scale):
    return weight + scale * torch.einsum("or,rcij->ocji", up[..., 0, 0], down)


WRONG = {
    "10.3": [
        everything_faster,
        new_time_only,
        average_speed,
        forgets_the_rest,
        rest_and_part_exchanged,
        percent_instead_of_share,
    ],
    "10.1": [
        one_operation_a_product,
        only_images,
        floats_and_not_bytes,
        bytes_per_operation,
        kernel_of_one_row,
        with_a_bias,
    ],
    "10.2": [
        as_with_a_sign,
        whole_numbers,
        cut_off,
        two_hundred_and_fifty_six,
        wrapped_around,
        from_the_smallest_on,
    ],
    "10.4": [
        no_scale,
        everything_scaled,
        adapter_only,
        matrices_of_other_sizes,
        divided_by_the_rank,
        places_exchanged,
    ],
}
