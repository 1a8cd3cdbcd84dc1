"""Wrong answers to the exercises of notebook 09, as learners write them; ``test_wrong_answers.py`` uses them."""

import math

import torch

import tlhelpers as tl


def one_place_only(n):
    return 1 / n


def any_candidate_at_any_place(n):
    return 1 / n**n


def a_coin_for_each_pair(n):
    return 0.5 ** math.comb(n, 2)


def forwards_or_backwards(n):
    return 2 / math.factorial(n)


def counts_the_orders(n):
    return math.factorial(n)


def factorial_of_a_fraction(n):
    return math.factorial(1 / n)


def positive_entropy(old, new):
    return -sum((new[old == z] == y).double().mean().log().item() for z, y in zip(old, new, strict=True)) / len(old)


def given_the_new_label(old, new):
    return sum((old[new == y] == z).double().mean().log().item() for z, y in zip(old, new, strict=True)) / len(old)


def both_at_once(old, new):
    shares = [((old == z) & (new == y)).double().mean() for z, y in zip(old, new, strict=True)]
    return torch.stack(shares).log().mean().item()


def log_of_the_mean(old, new):
    shares = [(new[old == z] == y).double().mean() for z, y in zip(old, new, strict=True)]
    return torch.stack(shares).mean().log().item()


def each_pair_counted_once(old, new):
    pairs = torch.stack([old, new], dim=1).unique(dim=0)
    return sum((new[old == z] == y).double().mean().log().item() for z, y in pairs) / len(pairs)


def zero_times_log_of_zero(old, new):
    counts = torch.stack([torch.stack([((old == z) & (new == y)).sum() for y in new.unique()]) for z in old.unique()])
    given = counts / counts.sum(dim=1, keepdim=True)
    return (counts * given.log()).sum().item() / len(old)


takes_the_weakest_score = 95 - 74
a_fraction_of_one = 0.95 - 0.88
accuracy_of_the_choice = 88
from_chosen_to_best = 88 - 95
beside_the_second_best_probe = 93 - 88
difference_of_the_scores = -0.12 - -0.20


def lead_of(first, second, labels, rows):
    return tl.leep(first[rows], labels[rows]) - tl.leep(second[rows], labels[rows])


def keeps_one_fifth(first, second, labels):
    numbers = torch.arange(len(labels))
    alone = torch.tensor([lead_of(first, second, labels, numbers % 5 == k) for k in range(5)])
    spread = (4 / 5 * (alone - alone.mean()).square().sum()).sqrt()
    return lead_of(first, second, labels, numbers) / spread


def fifths_in_a_row(first, second, labels):
    numbers = torch.arange(len(labels))
    fifth = numbers * 5 // len(labels)
    without = torch.tensor([lead_of(first, second, labels, fifth != k) for k in range(5)])
    spread = (4 / 5 * (without - without.mean()).square().sum()).sqrt()
    return lead_of(first, second, labels, numbers) / spread


def a_spread_for_each_head(first, second, labels):
    fifth = torch.arange(len(labels)) % 5
    squares = 0
    for old in (first, second):
        without = torch.tensor([tl.leep(old[fifth != k], labels[fifth != k]) for k in range(5)])
        squares += 4 / 5 * (without - without.mean()).square().sum()
    return (tl.leep(first, labels) - tl.leep(second, labels)) / squares.sqrt()


def plain_standard_deviation(first, second, labels):
    numbers = torch.arange(len(labels))
    without = torch.tensor([lead_of(first, second, labels, numbers % 5 != k) for k in range(5)])
    return lead_of(first, second, labels, numbers) / without.std()


def averages_the_five_leads(first, second, labels):
    numbers = torch.arange(len(labels))
    without = torch.tensor([lead_of(first, second, labels, numbers % 5 != k) for k in range(5)])
    spread = (4 / 5 * (without - without.mean()).square().sum()).sqrt()
    return without.mean() / spread


def log_likelihoods(old, labels):
    joint = torch.stack([old[labels == kind].sum(dim=0) for kind in labels.unique()])
    return ((joint / joint.sum(dim=0))[labels] * old).sum(dim=1).log()


def estimates_the_table_only_once(first, second, labels):
    leads = log_likelihoods(first, labels) - log_likelihoods(second, labels)
    fifth = torch.arange(len(labels)) % 5
    without = torch.stack([leads[fifth != k].mean() for k in range(5)])
    return leads.mean() / (4 / 5 * (without - without.mean()).square().sum()).sqrt()


WRONG = {
    "09.1": [
        one_place_only,
        any_candidate_at_any_place,
        a_coin_for_each_pair,
        forwards_or_backwards,
        counts_the_orders,
        factorial_of_a_fraction,
    ],
    "09.2": [
        positive_entropy,
        given_the_new_label,
        both_at_once,
        log_of_the_mean,
        each_pair_counted_once,
        zero_times_log_of_zero,
    ],
    "09.3": [
        takes_the_weakest_score,
        a_fraction_of_one,
        accuracy_of_the_choice,
        from_chosen_to_best,
        beside_the_second_best_probe,
        difference_of_the_scores,
    ],
    "09.4": [
        keeps_one_fifth,
        fifths_in_a_row,
        a_spread_for_each_head,
        plain_standard_deviation,
        averages_the_five_leads,
        estimates_the_table_only_once,
    ],
}
