"""A wrong answer of any exercise is described by what all its results have in common."""

import pytest
import torch

from tlhelpers.classroom.patterns import ERRORS, describe, describe_error


def trials(wrong, shape=(4, 5), count=6):
    """Return trials of an exercise that asks for the sine of its argument; ``wrong`` turns the sine into the answer."""
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.rand(shape, generator=generator, dtype=torch.float64) + 0.1 for _ in range(count)]
    return [((x,), wrong(x.sin(), x), x.sin()) for x in inputs]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda y, x: -y, "The sign is turned round"),
        (lambda y, x: y**2, "This is the square"),
        (lambda y, x: y.sqrt(), "A square is missing"),
        (lambda y, x: y.exp(), "A logarithm is missing"),
        (lambda y, x: y.log(), "There is one logarithm too many"),
        (lambda y, x: 1 / y, "This is 1 divided by"),
        (lambda y, x: 1 - y, "This is 1 minus"),
        (lambda y, x: y.round(), "The result is rounded"),
        (lambda y, x: y * (x - x.mean()).sign(), "The absolute values are right, but"),
        (lambda y, x: y.flip(-1), "The last dimension is in reverse order"),
        (lambda y, x: y.flip(0), "These are the right values in the wrong order"),
        (lambda y, x: y.T, "Rows and columns are exchanged"),
        (lambda y, x: 3 * y, "Everything is 3 times as large"),
        (lambda y, x: y + 0.25, "Everything is 0.25 too large"),
        (lambda y, x: y - 0.25, "Everything is 0.25 too small"),
        (lambda y, x: x, "This is argument 1, unchanged"),
        (lambda y, x: torch.ones(4, 5), "It is the same for all inputs"),
        (lambda y, x: y / 0, "It is not finite"),
        (lambda y, x: y[None], "The values are right, but the shape is not: (1, 4, 5) in place of (4, 5)"),
        (lambda y, x: y.flatten().tolist(), "The values are right, but the shape is not: (20,) in place of (4, 5)"),
        (lambda y, x: y.sum(), "This is the sum of all"),
        (lambda y, x: y.mean().item(), "This is the mean of all"),
        (lambda y, x: y[1:], "The shape is not right: (3, 5) in place of (4, 5)"),
        (lambda y, x: torch.nn.functional.pad(y[1:-1, 1:-1], (1, 1, 1, 1)), "It is right inside, but"),
        (lambda y, x: y + (x[0, 0] > 0.9), "It is right for 5 of 6"),
        (lambda y, x: y + (x[0, 0] > 0.3), "It is right for only 1 of 6"),
    ],
)
def test_the_pattern_is_named(wrong, said):
    """The sentence names what all wrong results have in common."""
    assert describe(trials(wrong)).startswith(said)


def test_square_maps_are_transposed_too():
    """Rows and columns can be exchanged without a change of shape."""
    assert describe(trials(lambda y, x: y.T, shape=(4, 4))) == "Rows and columns are exchanged."


@pytest.mark.parametrize("wrong", [lambda y, x: "sine", lambda y, x: {}, lambda y, x: y + torch.rand(4, 5)])
def test_results_without_a_pattern_get_no_sentence(wrong):
    """Neither texts nor results with random errors."""
    assert describe(trials(wrong)) is None


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (lambda x: x[9], "An index is past the end"),
        (lambda x: [1, 2][2], "An index is past the end"),
        (lambda x: x + torch.ones(3), "Two shapes do not fit"),
        (lambda x: x @ x, "Two shapes do not fit"),
        (lambda x: torch.cat([x, x[0, None, :2]]), "Two shapes do not fit"),
        (lambda x: (lambda a, b: a)(*x.shape[:1]), "The function does not take the arguments"),
        (lambda x: [a for a, b in [x.shape + x.shape]], "The number of values differs"),
        (lambda x: 1 // 0, "It divides by zero"),
        (lambda x: (x > 0).mean(), "Integers or truth values"),
        (lambda x: torch.nn.functional.one_hot(x), "Integers or truth values"),
        (lambda x: range(2.5), "A floating-point number is used"),
        (lambda x: missing, "There is no such name"),  # noqa: F821
        (lambda x: x.average(), "This is not a tensor, or tensors do not have"),
    ],
)
def test_messages_of_python_and_torch_are_explained(breaks, said):
    """The words that are searched for occur in the messages of the installed versions."""
    with pytest.raises(Exception) as caught:
        breaks(torch.rand(4, 5))
    assert describe_error(caught.value).startswith(said)


def test_an_unusual_error_is_not_explained():
    """There is no sentence for it. Each kind of error has a sentence of its own."""
    assert describe_error(RuntimeError("the moon is full")) == ""
    assert len(set(ERRORS.values())) == len(ERRORS)


def test_a_large_count_that_is_one_off_is_not_called_right():
    """The description compares as exactly as the check does; the check then shows the values."""
    assert describe([((), count + 1, count) for count in (10_000_000, 20_000_000, 30_000_000)]) is None
