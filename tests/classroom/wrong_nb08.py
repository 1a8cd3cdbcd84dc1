"""Wrong answers to the exercises of notebook 08, as learners write them; ``test_wrong_answers.py`` uses them."""

import math

import torch


def mcnemar(gained, lost):
    n, k = gained + lost, min(gained, lost)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)


def disagreements(first, second):
    return (first & ~second).sum().item(), (second & ~first).sum().item()


def one_sided(first, second):
    gained, lost = disagreements(first, second)
    n, k = gained + lost, min(gained, lost)
    return sum(math.comb(n, i) for i in range(k + 1)) / 2**n


def exactly_as_uneven(first, second):
    gained, lost = disagreements(first, second)
    n, k = gained + lost, min(gained, lost)
    return min(1.0, 2 * math.comb(n, k) / 2**n)


def above_one_when_even(first, second):
    gained, lost = disagreements(first, second)
    n, k = gained + lost, min(gained, lost)
    return 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n


def compares_how_many_are_right(first, second):
    return mcnemar(first.sum().item(), second.sum().item())


def tosses_for_every_photo(first, second):
    n, k = len(first), min(disagreements(first, second))
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(k + 1)) / 2**n)


def chi_square(first, second):
    gained, lost = disagreements(first, second)
    return math.erfc(math.sqrt((gained - lost) ** 2 / (gained + lost) / 2))  # no disagreement: a division by zero


def takes_the_best(losses):
    return losses.mean(dim=1).argmin().item()


def one_standard_deviation(losses):
    means = losses.mean(dim=1)
    best = means.argmin()
    return (means <= means[best] + losses[best].std()).nonzero()[0].item()


def divides_by_the_strategies(losses):
    means = losses.mean(dim=1)
    best = means.argmin()
    return (means <= means[best] + losses[best].std() / math.sqrt(len(losses))).nonzero()[0].item()


def means_over_the_strategies(losses):
    means = losses.mean(dim=0)
    best = means.argmin()
    limit = means[best] + losses[:, best].std() / math.sqrt(losses.shape[1])
    return (means <= limit).nonzero()[0].item()


def most_complicated_within_the_limit(losses):
    means = losses.mean(dim=1)
    best = means.argmin()
    limit = means[best] + losses[best].std() / math.sqrt(losses.shape[1])
    return (means <= limit).nonzero()[-1].item()


def grants_each_its_own_error(losses):
    means = losses.mean(dim=1)
    errors = losses.std(dim=1) / math.sqrt(losses.shape[1])
    return (means - errors <= means.min()).nonzero()[0].item()


adds_the_chances = 10 * 5
none_passes = round(100 * 0.95**10)
exactly_one_passes = round(100 * 10 * 0.05 * 0.95**9)
the_chance_of_one_test = 5
all_of_them_pass = round(100 * 0.05**10)
counts_the_probe_too = round(100 * (1 - 0.95**11))


def walks_backwards(before, after, features, labels, shares):
    losses = []
    for share in shares:
        first, second = (share * old + (1 - share) * new for old, new in zip(before, after, strict=True))
        logits = (features @ first.T).relu() @ second.T
        losses.append(torch.nn.functional.cross_entropy(logits, labels))
    return torch.stack(losses)


def forgets_the_relu(before, after, features, labels, shares):
    losses = []
    for share in shares:
        first, second = (old + share * (new - old) for old, new in zip(before, after, strict=True))
        losses.append(torch.nn.functional.cross_entropy(features @ first.T @ second.T, labels))
    return torch.stack(losses)


def mixes_the_answers(before, after, features, labels, shares):
    old, new = ((features @ first.T).relu() @ second.T for first, second in (before, after))
    return torch.stack([torch.nn.functional.cross_entropy(old + share * (new - old), labels) for share in shares])


def softmax_before_cross_entropy(before, after, features, labels, shares):
    losses = []
    for share in shares:
        first, second = (old + share * (new - old) for old, new in zip(before, after, strict=True))
        logits = (features @ first.T).relu() @ second.T
        losses.append(torch.nn.functional.cross_entropy(logits.softmax(dim=1), labels))
    return torch.stack(losses)


def moves_only_the_head(before, after, features, labels, shares):
    losses = []
    hidden = (features @ before[0].T).relu()
    for share in shares:
        second = before[1] + share * (after[1] - before[1])
        losses.append(torch.nn.functional.cross_entropy(hidden @ second.T, labels))
    return torch.stack(losses)


def goes_on_from_where_it_stands(before, after, features, labels, shares):
    losses = []
    first, second = before
    for share in shares:
        first += share * (after[0] - first)
        second += share * (after[1] - second)
        logits = (features @ first.T).relu() @ second.T
        losses.append(torch.nn.functional.cross_entropy(logits, labels))
    return torch.stack(losses)


WRONG = {
    "08.1": [
        one_sided,
        exactly_as_uneven,
        above_one_when_even,
        compares_how_many_are_right,
        tosses_for_every_photo,
        chi_square,
    ],
    "08.2": [
        takes_the_best,
        one_standard_deviation,
        divides_by_the_strategies,
        means_over_the_strategies,
        most_complicated_within_the_limit,
        grants_each_its_own_error,
    ],
    "08.3": [
        adds_the_chances,
        none_passes,
        exactly_one_passes,
        the_chance_of_one_test,
        all_of_them_pass,
        counts_the_probe_too,
    ],
    "08.4": [
        walks_backwards,
        forgets_the_relu,
        mixes_the_answers,
        softmax_before_cross_entropy,
        moves_only_the_head,
        goes_on_from_where_it_stands,
    ],
}
