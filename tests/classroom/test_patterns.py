"""A wrong answer of any exercise is described by what all its errors have in common."""

import pytest
import torch

from tlhelpers.classroom.patterns import ERRORS, describe, describe_error


def trials(wrong, shape=(4, 5), count=6):
    """Return trials of an exercise that asks for the sines of its argument, answered by ``wrong`` of the sines."""
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.rand(shape, generator=generator, dtype=torch.float64) + 0.1 for _ in range(count)]
    return [((x,), wrong(x.sin(), x), x.sin()) for x in inputs]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda y, x: -y, "The sign is turned round"),
        (lambda y, x: y**2, "That is the square"),
        (lambda y, x: y.sqrt(), "The square is missing"),
        (lambda y, x: y.exp(), "A logarithm is missing"),
        (lambda y, x: y.log(), "There is a logarithm too many"),
        (lambda y, x: 1 / y, "That is one divided by it"),
        (lambda y, x: 1 - y, "That is one minus it"),
        (lambda y, x: y.round(), "It is cut or rounded"),
        (lambda y, x: y * (x - x.mean()).sign(), "The absolute values are right"),
        (lambda y, x: y.flip(-1), "The last dimension runs backwards"),
        (lambda y, x: y.flip(0), "These are the right numbers in another order"),
        (lambda y, x: y.T, "Rows and columns are exchanged"),
        (lambda y, x: 3 * y, "Everything is 3 times as large"),
        (lambda y, x: y + 0.25, "Everything is 0.25 too large"),
        (lambda y, x: y - 0.25, "Everything is 0.25 too small"),
        (lambda y, x: x, "That is argument 1 as it came"),
        (lambda y, x: torch.ones(4, 5), "It is the same for all inputs"),
        (lambda y, x: y / 0, "It is not finite"),
        (lambda y, x: y[None], "The numbers are right, the shape is not: (1, 4, 5) in place of (4, 5)"),
        (lambda y, x: y.flatten().tolist(), "The numbers are right, the shape is not: (20,) in place of (4, 5)"),
        (lambda y, x: y.sum(), "That is the sum of all"),
        (lambda y, x: y.mean().item(), "That is the mean of all"),
        (lambda y, x: y[1:], "The shape is not right: (3, 5) in place of (4, 5)"),
        (lambda y, x: torch.nn.functional.pad(y[1:-1, 1:-1], (1, 1, 1, 1)), "Inside it is right"),
        (lambda y, x: y + (x[0, 0] > 0.9), "It is right for 5 of 6"),
        (lambda y, x: y + (x[0, 0] > 0.3), "It is right for only 1 of 6"),
    ],
)
def test_the_pattern_is_named(wrong, said):
    assert describe(trials(wrong)).startswith(said)


def test_square_maps_are_transposed_too():
    assert describe(trials(lambda y, x: y.T, shape=(4, 4))) == "Rows and columns are exchanged."


@pytest.mark.parametrize("wrong", [lambda y, x: "sine", lambda y, x: {}, lambda y, x: y + torch.rand(4, 5)])
def test_nothing_is_said_of_what_follows_no_pattern(wrong):
    """Neither of texts, nor of numbers that differ by chance."""
    assert describe(trials(wrong)) is None


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (lambda x: x[9], "It reads past an end"),
        (lambda x: [1, 2][2], "It reads past an end"),
        (lambda x: x + torch.ones(3), "Two shapes do not fit"),
        (lambda x: x @ x, "Two shapes do not fit"),
        (lambda x: torch.cat([x, x[0, None, :2]]), "Two shapes do not fit"),
        (lambda x: (lambda a, b: a)(*x.shape[:1]), "It takes other arguments"),
        (lambda x: [a for a, b in [x.shape + x.shape]], "There are more or fewer numbers"),
        (lambda x: 1 // 0, "It divides by zero"),
        (lambda x: (x > 0).mean(), "Whole numbers or truth values"),
        (lambda x: torch.nn.functional.one_hot(x), "Whole numbers or truth values"),
        (lambda x: range(2.5), "A fraction stands"),
        (lambda x: missing, "There is no such name"),  # noqa: F821
        (lambda x: x.average(), "That is no tensor, or a tensor has no such function"),
    ],
)
def test_what_python_and_torch_say_is_explained(breaks, said):
    """In the words of the versions that are installed."""
    with pytest.raises(Exception) as caught:
        breaks(torch.rand(4, 5))
    assert describe_error(caught.value).startswith(said)


def test_an_unusual_error_is_not_explained():
    assert describe_error(RuntimeError("the moon is full")) == ""
    assert len(set(ERRORS.values())) == len(ERRORS)


def test_a_large_count_that_is_one_off_is_not_called_right():
    """The description compares as the judge does, and leaves it to the numbers, which are shown."""
    assert describe([((), count + 1, count) for count in (10_000_000, 20_000_000, 30_000_000)]) is None
