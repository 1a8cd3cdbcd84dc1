"""Answers to the exercises of notebook 07 that share no code with the exercises; ``test_exercises.py`` uses them."""

import math

import pytest
import torch

import tlhelpers as tl
from tlhelpers.classroom.exercises import find_exercise
from tlhelpers.classroom.judging import judge


def count_steps(photos, batch_size, epochs):
    return sum(1 for _ in range(epochs) for _ in range(0, photos, batch_size))


def sgd_step(weight, gradient, velocity, rate, momentum):
    new = velocity * momentum
    new += gradient
    weight -= rate * new
    return torch.stack([weight, new])


with torch.device("meta"):  # the names without the values
    NAMES = [name for name, _ in tl.ResNet50().named_buffers()]


def changed_tensors():
    return sum(not name.startswith("bn1.") for name in NAMES)


def stop_early(losses, accuracies, patience):
    best, kept, waited, run = math.inf, None, 0, 0
    for loss, accuracy in zip(losses.tolist(), accuracies.tolist(), strict=True):
        run += 1
        waited += 1
        if loss < best:
            best, kept, waited = loss, accuracy, 0
        if waited == patience:
            break
    return torch.tensor([run, kept])


SOLUTIONS = {"07.1": count_steps, "07.2": sgd_step, "07.3": changed_tensors, "07.4": stop_early}


def keras_step(weight, gradient, velocity, rate, momentum):
    velocity = momentum * velocity - rate * gradient
    return torch.stack([weight + velocity, velocity])


def moves_first(weight, gradient, velocity, rate, momentum):
    weight -= rate * velocity
    velocity = momentum * velocity + gradient
    return torch.stack([weight, velocity])


def damped(weight, gradient, velocity, rate, momentum):
    velocity = momentum * velocity + (1 - momentum) * gradient
    return torch.stack([weight - rate * velocity, velocity])


def only_plus(weight, gradient, velocity, rate, momentum):
    velocity = velocity * momentum + gradient
    return torch.stack([weight + rate * velocity, velocity])


def rate_twice_told(weight, gradient, velocity, rate, momentum):
    velocity = momentum * velocity + rate * gradient
    return torch.stack([weight - velocity, velocity])


def returns_the_weight(weight, gradient, velocity, rate, momentum):
    return weight - rate * (momentum * velocity + gradient)


def joins(weight, gradient, velocity, rate, momentum):
    velocity = momentum * velocity + gradient
    return torch.cat([weight - rate * velocity, velocity])


def against_the_one_before(losses, accuracies, patience):
    waited = 0
    for epoch in range(1, len(losses)):
        waited = 0 if losses[epoch] < losses[epoch - 1] else waited + 1
        if waited == patience:
            break
    return torch.tensor([epoch + 1, accuracies[losses[: epoch + 1].tolist().index(losses[: epoch + 1].min())]])


def stops(losses, patience, *, reset=True, late=False, ties=False):
    """Return how many epochs are run and which one is kept; a loop with one mistake."""
    best, kept, waited = math.inf, 0, 0
    for epoch, loss in enumerate(losses):
        if loss < best or (ties and loss == best):
            best, kept = loss, epoch
            waited = 0 if reset else waited
        else:
            waited += 1
        if waited > patience if late else waited >= patience:
            break
    return epoch + 1, kept


def never_starts_anew(losses, accuracies, patience):
    run, kept = stops(losses, patience, reset=False)
    return torch.tensor([run, accuracies[kept]])


def more_than_patience(losses, accuracies, patience):
    run, kept = stops(losses, patience, late=True)
    return torch.tensor([run, accuracies[kept]])


def ties_count(losses, accuracies, patience):
    run, kept = stops(losses, patience, ties=True)
    return torch.tensor([run, accuracies[kept]])


def keeps_the_last(losses, accuracies, patience):
    run, _ = stops(losses, patience)
    return torch.tensor([run, accuracies[run - 1]])


def keeps_the_best_of_the_test(losses, accuracies, patience):
    run, _ = stops(losses, patience)
    return torch.tensor([run, max(accuracies[:run])])


def looks_ahead(losses, accuracies, patience):
    run, _ = stops(losses, patience)
    return torch.tensor([run, accuracies[losses.tolist().index(min(losses))]])


def counts_from_zero(losses, accuracies, patience):
    run, kept = stops(losses, patience)
    return torch.tensor([run - 1, accuracies[kept]])


def says_when_it_was_best(losses, accuracies, patience):
    _, kept = stops(losses, patience)
    return torch.tensor([kept + 1, accuracies[kept]])


# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("07.1", lambda n, size, epochs: epochs * (n // size), "The last, smaller batch"),
    ("07.1", lambda n, size, epochs: int(n / size) * epochs, "The last, smaller batch"),
    ("07.1", lambda n, size, epochs: epochs * (n // size + 1), "One too many where the photos fill"),
    ("07.1", lambda n, size, epochs: math.ceil(n * epochs / size), "A batch does not reach into"),
    ("07.1", lambda n, size, epochs: round(n / size) * epochs, "Rounded to the nearest"),
    ("07.1", lambda n, size, epochs: len(range(0, n, size)), "That is one epoch"),
    ("07.1", lambda n, size, epochs: n / size * epochs, "Steps come whole"),
    ("07.2", keras_step, "That velocity holds the rate and the minus"),
    ("07.2", moves_first, "The weight moved with the old velocity"),
    ("07.2", damped, "The gradient is taken up whole"),
    ("07.2", only_plus, "Uphill"),
    ("07.2", rate_twice_told, "The rate belongs to the move"),
    ("07.2", returns_the_weight, "That is the new weight alone"),
    ("07.2", joins, "Joined end to end"),
    ("07.3", 159, "That is as many as before"),
    ("07.3", 158, "A batch norm keeps more than one buffer"),
    ("07.3", 157, "Mean and variance are two"),
    ("07.3", 153, "The frozen stem has six tensors"),
    ("07.3", 3, "Those are the tensors that no longer change"),
    ("07.3", 0, "Only one batch norm is frozen"),
    ("07.3", 52 * 2, "Two for each batch norm"),
    ("07.4", against_the_one_before, "Compared with the epoch before"),
    ("07.4", never_starts_anew, "The waiting is never set back"),
    ("07.4", more_than_patience, "One epoch too late"),
    ("07.4", ties_count, "As low as the lowest is no gain"),
    ("07.4", keeps_the_last, "That is the accuracy after the last epoch"),
    ("07.4", keeps_the_best_of_the_test, "The best of the test photos was picked"),
    ("07.4", looks_ahead, "It looked at epochs that were never run"),
    ("07.4", counts_from_zero, "The epochs are counted from 0"),
    ("07.4", says_when_it_was_best, "That is the epoch of the lowest loss"),
]


def test_the_answer_is_the_number_of_tensors_that_change():
    """A forward pass in training mode, with the first batch norm frozen, changes as many tensors as the answer says."""
    network = tl.ResNet50()
    tl.freeze(network.bn1)
    tl.train_mode(network)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():
        network(torch.randn(2, 3, 64, 64))
    changed = [name for name, tensor in network.state_dict().items() if not tensor.equal(before[name])]
    assert len(changed) == find_exercise("07.3").reference()


class Scripted(torch.nn.Module):
    """A network whose validation losses are given: each forward pass in eval mode has the next one, for label 0."""

    def __init__(self, losses):
        super().__init__()
        self.scores, self.losses = torch.nn.Parameter(torch.zeros(1, 2)), iter(losses.tolist())

    def forward(self, images):
        if self.training:
            return self.scores
        return torch.tensor([[0.0, math.log(math.expm1(next(self.losses)))]])  # log(1 + exp(score)) is the loss


def test_a_training_stops_where_that_of_the_package_does():
    """With the same validation losses, ``tl.fit`` runs as many epochs; some trainings stop early, some do not."""
    generator, stopped = torch.Generator().manual_seed(1), []
    loader = torch.utils.data.DataLoader([(torch.zeros(3, 2, 2), 0)])
    for _ in range(10):
        losses, accuracies, patience = find_exercise("07.4").draw(generator)
        model = Scripted(losses)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        history = tl.fit(model, loader, loader, optimizer, epochs=len(losses), patience=patience)
        run, _ = find_exercise("07.4").reference(losses, accuracies, patience)
        assert run == len(history)
        assert [epoch.val_loss for epoch in history] == pytest.approx(losses[: int(run)].tolist())
        stopped.append(len(history) < len(losses))
    assert {True, False} == set(stopped)


def test_a_tuple_instead_of_a_stack_gets_the_expected_result():
    """Returning weight and velocity as a tuple is wrong, and does not make the check fail."""
    verdict = judge(find_exercise("07.2"), lambda *inputs: tuple(sgd_step(*inputs)))
    assert verdict.status == "wrong" and "expected" in verdict.message


def test_steps_are_as_many_as_a_loader_has_batches():
    """The number of steps is that of a loop over torch's loader."""
    generator = torch.Generator().manual_seed(1)
    for _ in range(5):
        photos, batch_size, epochs = find_exercise("07.1").draw(generator)
        loader = torch.utils.data.DataLoader(range(photos), batch_size=batch_size)
        assert find_exercise("07.1").reference(photos, batch_size, epochs) == epochs * len(loader)


def test_three_steps_are_those_of_torch():
    """After each step, weight and velocity are those of torch's SGD."""
    generator = torch.Generator().manual_seed(1)
    weight, *_, rate, momentum = find_exercise("07.2").draw(generator)
    theirs = weight.clone().requires_grad_()
    optimizer = torch.optim.SGD([theirs], lr=rate, momentum=momentum)
    velocity = torch.zeros_like(weight)
    for _ in range(3):
        theirs.grad = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
        weight, velocity = find_exercise("07.2").reference(weight, theirs.grad, velocity, rate, momentum)
        optimizer.step()
        torch.testing.assert_close(weight, theirs.detach())
        torch.testing.assert_close(velocity, optimizer.state[theirs]["momentum_buffer"])
