"""Wrong answers to the exercises of notebook 07, as learners write them; ``test_wrong_answers.py`` uses them."""

import math

import torch


def drops_the_last_batch(photos, batch_size, epochs):
    return photos // batch_size * epochs


def lets_batches_cross_epochs(photos, batch_size, epochs):
    return math.ceil(photos * epochs / batch_size)


def always_adds_a_batch(photos, batch_size, epochs):
    return (photos // batch_size + 1) * epochs


def forgets_the_epochs(photos, batch_size, epochs):
    return math.ceil(photos / batch_size)


def rounds_to_the_nearest(photos, batch_size, epochs):
    return round(photos / batch_size) * epochs


def returns_nothing(photos, batch_size, epochs):
    steps = 0
    for _ in range(epochs):
        steps += math.ceil(photos / batch_size)


def averages_the_gradient(weight, gradient, velocity, rate, momentum):
    velocity = momentum * velocity + (1 - momentum) * gradient
    return torch.stack([weight - rate * velocity, velocity])


def keeps_the_rate_in_the_velocity(weight, gradient, velocity, rate, momentum):
    velocity = momentum * velocity + rate * gradient
    return torch.stack([weight - velocity, velocity])


def moves_by_the_old_velocity(weight, gradient, velocity, rate, momentum):
    return torch.stack([weight - rate * velocity, momentum * velocity + gradient])


def looks_ahead_like_nesterov(weight, gradient, velocity, rate, momentum):
    velocity = momentum * velocity + gradient
    return torch.stack([weight - rate * (gradient + momentum * velocity), velocity])


def turns_the_velocity_downhill(weight, gradient, velocity, rate, momentum):
    velocity = momentum * velocity - gradient
    return torch.stack([weight + rate * velocity, velocity])


def one_behind_the_other(weight, gradient, velocity, rate, momentum):
    velocity = momentum * velocity + gradient
    return torch.cat([weight - rate * velocity, velocity])


freezing_holds_everything = 0
freezing_changes_no_buffer = 53 * 3
the_counter_still_counts = 53 * 3 - 2
counts_the_layers = 53 - 1
what_stays_in_place_of_what_changes = 3
forgets_the_counters = 52 * 2


def counts_bad_epochs_in_all(losses, accuracies, patience):
    best, bad = 0, 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < losses[best]:
            best = epoch
        else:
            bad += 1
        if bad == patience:
            break
    return torch.tensor([epoch + 1, accuracies[best]])


def compares_with_the_epoch_before(losses, accuracies, patience):
    best, bad = 0, 0
    for epoch in range(1, len(losses)):
        bad = 0 if losses[epoch] < losses[epoch - 1] else bad + 1
        if losses[epoch] < losses[best]:
            best = epoch
        if bad == patience:
            break
    return torch.tensor([epoch + 1, accuracies[best]])


def takes_an_equal_loss_for_better(losses, accuracies, patience):
    best = 0
    for epoch in range(len(losses)):
        if losses[epoch] <= losses[best]:
            best = epoch
        if epoch - best == patience:
            break
    return torch.tensor([epoch + 1, accuracies[best]])


def one_epoch_too_patient(losses, accuracies, patience):
    best = 0
    for epoch in range(len(losses)):
        if losses[epoch] < losses[best]:
            best = epoch
        if epoch - best > patience:
            break
    return torch.tensor([epoch + 1, accuracies[best]])


def picks_the_best_test_accuracy(losses, accuracies, patience):
    best = 0
    for epoch in range(len(losses)):
        if losses[epoch] < losses[best]:
            best = epoch
        if epoch - best == patience:
            break
    return torch.tensor([epoch + 1, accuracies[: epoch + 1].max()])


def looks_past_the_stop(losses, accuracies, patience):
    best = 0
    for epoch in range(len(losses)):
        if losses[epoch] < losses[best]:
            best = epoch
        if epoch - best == patience:
            break
    return torch.tensor([epoch + 1, accuracies[losses.argmin()]])


WRONG = {
    "07.1": [
        drops_the_last_batch,
        lets_batches_cross_epochs,
        always_adds_a_batch,
        forgets_the_epochs,
        rounds_to_the_nearest,
        returns_nothing,
    ],
    "07.2": [
        averages_the_gradient,
        keeps_the_rate_in_the_velocity,
        moves_by_the_old_velocity,
        looks_ahead_like_nesterov,
        turns_the_velocity_downhill,
        one_behind_the_other,
    ],
    "07.3": [
        freezing_holds_everything,
        freezing_changes_no_buffer,
        the_counter_still_counts,
        counts_the_layers,
        what_stays_in_place_of_what_changes,
        forgets_the_counters,
    ],
    "07.4": [
        counts_bad_epochs_in_all,
        compares_with_the_epoch_before,
        takes_an_equal_loss_for_better,
        one_epoch_too_patient,
        picks_the_best_test_accuracy,
        looks_past_the_stop,
    ],
}
