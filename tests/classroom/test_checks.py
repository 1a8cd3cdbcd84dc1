"""A check raises an error where something differs, and names the place."""

import pytest
import torch
from torch import nn

from tlhelpers.classroom.checks import check_close, check_frozen, check_shape


def test_equal_values_print_one_line_without_digits_of_the_run(capsys):
    """The line is the same in every run, so that a notebook can store it."""
    check_close(torch.rand(3, 4), torch.rand(3, 4), what="sums", atol=2)
    assert capsys.readouterr().out == "sums: equal, 12 values, no difference above 2\n"


@pytest.mark.parametrize("wrong", [0.1, float("nan"), float("inf")])
def test_one_wrong_value_is_found_and_named(wrong):
    """The error has the index of the value, the value itself and the expected one."""
    ours, theirs = torch.zeros(2, 3), torch.zeros(2, 3)
    ours[1, 2] = wrong
    with pytest.raises(AssertionError, match=rf"sums differs at index \(1, 2\): got {wrong:g}, expected 0 .1 of 6"):
        check_close(ours, theirs, what="sums")


def test_several_references_are_all_compared(capsys):
    """One line is printed if all agree; the error names the first reference that does not by its number."""
    values = torch.ones(3)
    check_close(values, values.clone(), values.double(), what="ones")
    assert capsys.readouterr().out == "ones: equal, 3 values, no difference above 1e-06\n"
    for references, number in [((values + 1, values), 1), ((values, values + 1), 2)]:
        with pytest.raises(AssertionError, match=rf"ones, beside reference {number}, differs at index \(0,\)"):
            check_close(values, *references, what="ones")


def test_tuples_are_compared_part_by_part(capsys):
    """Gradients come as tuples. Every part counts, and a missing part is a difference, too."""
    pair = torch.ones(2, 2), torch.zeros(3)
    check_close(pair, (torch.ones(2, 2), torch.zeros(3)), what="gradients")
    assert "gradients: equal, 7 values" in capsys.readouterr().out
    with pytest.raises(AssertionError, match=r"gradients part 2 differs at index \(0,\)"):
        check_close(pair, (torch.ones(2, 2), torch.ones(3)), what="gradients")
    for other in (pair[:1], torch.ones(2, 2)):
        with pytest.raises(AssertionError, match="gradients has 2 parts, expected 1"):
            check_close(pair, other, what="gradients")


def test_nan_and_infinity_equal_themselves():
    """A result may hold both where the reference does."""
    values = torch.tensor([float("nan"), float("inf"), -float("inf")])
    check_close(values, values.clone())


def test_another_shape_is_an_error_even_if_it_would_broadcast():
    """The error has both shapes."""
    with pytest.raises(AssertionError, match=r"shape \(3,\), expected \(1, 3\)"):
        check_close(torch.ones(3), torch.ones(1, 3))
    with pytest.raises(AssertionError, match="expected"):
        check_shape(torch.ones(3), (4,))


@pytest.mark.parametrize("name", ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"])
def test_any_change_of_a_parameter_or_buffer_is_found(name):
    """Each tensor of a batch norm is changed once, and the error names it."""
    norm = nn.BatchNorm2d(2)
    with pytest.raises(AssertionError, match=f"1 tensors changed, first {name}"), check_frozen(norm):
        norm.state_dict()[name].add_(1)


def test_unchanged_modules_print_one_line(capsys):
    """The line counts the tensors of all modules."""
    with check_frozen(nn.Linear(2, 2), nn.BatchNorm2d(2)):
        pass
    assert capsys.readouterr().out == "frozen: 7 tensors unchanged, bit for bit\n"
