"""Wrong answers to the exercises of notebook 03, as learners write them; ``test_wrong_answers.py`` uses them."""

import math

import torch


def softmax(z):
    exponentials = (z - z.amax(dim=-1, keepdim=True)).exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


# 03.1: softmax with a temperature


def formula_as_written(logits, temperature):
    exponentials = (logits / temperature).exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def temperature_multiplied(logits, temperature):
    return softmax(logits * temperature)


def divided_afterwards(logits, temperature):
    return softmax(logits) / temperature


def over_the_images(logits, temperature):
    z = logits / temperature
    exponentials = (z - z.amax(dim=0)).exp()
    return exponentials / exponentials.sum(dim=0)


def scores_clamped(logits, temperature):
    exponentials = (logits / temperature).clamp(-80, 80).exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def largest_of_the_batch(logits, temperature):
    z = logits / temperature
    exponentials = (z - z.max()).exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


# 03.2: the gradient at a temperature


def last_link_forgotten(logits, labels, temperature):
    error = softmax(logits / temperature)
    error[range(len(labels)), labels] -= 1
    return error / len(labels)


def mean_forgotten(logits, labels, temperature):
    error = softmax(logits / temperature)
    error[range(len(labels)), labels] -= 1
    return error / temperature


def temperature_in_the_link_only(logits, labels, temperature):
    error = softmax(logits)
    error[range(len(labels)), labels] -= 1
    return error / len(labels) / temperature


def link_upside_down(logits, labels, temperature):
    error = softmax(logits / temperature)
    error[range(len(labels)), labels] -= 1
    return error / len(labels) * temperature


def labels_of_all_in_every_row(logits, labels, temperature):
    error = softmax(logits / temperature)
    error[:, labels] -= 1
    return error / len(labels) / temperature


def label_subtracted_in_place_of_one(logits, labels, temperature):
    return (softmax(logits / temperature) - labels[:, None]) / len(labels) / temperature


# 03.4: softmax alone, backwards


def own_score_only(grad, logits):
    p = softmax(logits)
    return grad * p * (1 - p)


def others_not_weighted(grad, logits):
    return softmax(logits) * (grad - grad.sum(dim=-1, keepdim=True))


def mean_in_place_of_sum(grad, logits):
    p = softmax(logits)
    return p * (grad - (grad * p).mean(dim=-1, keepdim=True))


def divided_by_the_images(grad, logits):
    p = softmax(logits)
    return p * (grad - (grad * p).sum(dim=-1, keepdim=True)) / len(logits)


def logits_taken_for_probabilities(grad, logits):
    return logits * (grad - (grad * logits).sum(dim=-1, keepdim=True))


def matrices_times_the_batch(grad, logits):
    p = softmax(logits)
    slopes = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    return slopes @ grad


WRONG = {
    "03.1": [
        formula_as_written,
        temperature_multiplied,
        divided_afterwards,
        over_the_images,
        scores_clamped,
        largest_of_the_batch,
    ],
    "03.2": [
        last_link_forgotten,
        mean_forgotten,
        temperature_in_the_link_only,
        link_upside_down,
        labels_of_all_in_every_row,
        label_subtracted_in_place_of_one,
    ],
    "03.3": [
        1 - 0.2,  # the share of the right class forgotten
        1.0,  # as without smoothing
        1 - 0.2 / 10,  # only one share taken away
        0.2 / 10,  # the target of a wrong class
        1 - 0.2 + 0.2 / 9,  # nine classes share, the right one among them
        -0.82 * math.log(0.82) - 9 * 0.02 * math.log(0.02),  # the smallest loss
    ],
    "03.4": [
        own_score_only,
        others_not_weighted,
        mean_in_place_of_sum,
        divided_by_the_images,
        logits_taken_for_probabilities,
        matrices_times_the_batch,
    ],
}
