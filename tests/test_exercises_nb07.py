"""Answers to the exercises of notebook 07, written apart from the checker; ``test_exercises.py`` tries them."""

import torch

from tlhelpers.classroom.exercises import judge
from tlhelpers.classroom.exercises.nb07 import EXERCISES


def count_steps(photos, batch_size, epochs):
    return sum(1 for _ in range(epochs) for _ in range(0, photos, batch_size))


def sgd_step(weight, gradient, velocity, rate, momentum):
    new = velocity * momentum
    new += gradient
    weight -= rate * new
    return torch.stack([weight, new])


SOLUTIONS = {"07.1": count_steps, "07.2": sgd_step}


def test_a_tuple_in_place_of_a_stack_is_shown_what_is_expected():
    """Returning weight and velocity as a tuple is wrong, not an exception of the checker."""
    verdict = judge(EXERCISES["07.2"], lambda *inputs: tuple(sgd_step(*inputs)))
    assert verdict.status == "wrong" and "expected" in verdict.message


def test_steps_are_as_many_as_a_loader_has_batches():
    """The count is that of a loop over torch's own loader."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        photos, batch_size, epochs = EXERCISES["07.1"].draw(generator)
        loader = torch.utils.data.DataLoader(range(photos), batch_size=batch_size)
        assert EXERCISES["07.1"].reference(photos, batch_size, epochs) == epochs * len(loader)


def test_two_steps_are_those_of_torch():
    """Step after step, weight and velocity are those of torch's SGD."""
    generator = torch.Generator().manual_seed(1)
    weight, *_, rate, momentum = EXERCISES["07.2"].draw(generator)
    theirs = weight.clone().requires_grad_()
    optimizer = torch.optim.SGD([theirs], lr=rate, momentum=momentum)
    velocity = torch.zeros_like(weight)
    for _ in range(3):
        theirs.grad = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        weight, velocity = EXERCISES["07.2"].reference(weight, theirs.grad, velocity, rate, momentum)
        optimizer.step()
        torch.testing.assert_close(weight, theirs.detach())
        torch.testing.assert_close(velocity, optimizer.state[theirs]["momentum_buffer"])
