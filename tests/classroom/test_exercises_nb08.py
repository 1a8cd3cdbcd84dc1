"""Answers to the exercises of notebook 08 that share no code with the exercises; ``test_exercises.py`` uses them."""

import math
import statistics

import pytest
import torch
from scipy.stats import binom, binomtest

import tlhelpers as tl
from tlhelpers.classroom.exercises import find_exercise


def mcnemar(first, second):
    disagree = [bool(a) for a, b in zip(first, second, strict=True) if bool(a) != bool(b)]
    return binomtest(sum(disagree), len(disagree)).pvalue if disagree else 1.0


def one_standard_error(losses):
    rows = losses.tolist()
    best = min(rows, key=statistics.mean)
    limit = statistics.mean(best) + statistics.stdev(best) / len(best) ** 0.5
    return next(number for number, row in enumerate(rows) if statistics.mean(row) <= limit)


def pass_by_luck():
    return round(100 * binom(10, 0.05).sf(0))  # more than 0 of 10


def along(before, after, features, labels, shares):
    """Compute the losses without torch's functions for networks and losses."""
    losses = []
    for share in shares.tolist():
        first = (1 - share) * before[0] + share * after[0]
        second = (1 - share) * before[1] + share * after[1]
        scores = (features @ first.T).clamp(min=0) @ second.T
        right = scores[range(len(labels)), labels]
        losses.append(float((scores.exp().sum(dim=1).log() - right).mean()))
    return torch.tensor(losses)


SOLUTIONS = {"08.1": mcnemar, "08.2": one_standard_error, "08.3": pass_by_luck, "08.4": along}


def tail(k, n):
    return sum(math.comb(n, i) for i in range(k + 1)) / 2**n


def one_sided(first, second):
    gained, lost = (first & ~second).sum().item(), (second & ~first).sum().item()
    return tail(min(gained, lost), gained + lost)


def of_all_photos(first, second):
    gained, lost = (first & ~second).sum().item(), (second & ~first).sum().item()
    return min(1, 2 * tail(min(gained, lost), len(first)))


def stops_before_k(first, second):
    gained, lost = (first & ~second).sum().item(), (second & ~first).sum().item()
    n, k = gained + lost, min(gained, lost)
    return min(1, 2 * sum(math.comb(n, i) for i in range(k)) / 2**n)


def counts_all_right(first, second):
    a, b = int(first.sum()), int(second.sum())
    return binomtest(a, a + b).pvalue


def counts_all_wrong(first, second):
    a, b = int((~first).sum()), int((~second).sum())
    return binomtest(a, a + b).pvalue if a + b else 1.0


def just_this_count(first, second):
    n, k = (first != second).sum().item(), (first & ~second).sum().item()
    return math.comb(n, k) / 2**n


def rule(losses, *, spread=lambda best: best.std() / len(best) ** 0.5, last=False):
    means = losses.mean(dim=1)
    near = (means <= means.min() + spread(losses[means.argmin()])).nonzero().flatten()
    return near[-1 if last else 0].item()


def ensemble(before, after, features, labels, shares):
    old, new = (torch.relu(features @ first.T) @ second.T for first, second in (before, after))
    cross_entropy = torch.nn.CrossEntropyLoss()
    return torch.stack([cross_entropy((1 - share) * old + share * new, labels) for share in shares])


def mixes_losses(before, after, features, labels, shares):
    old, new = along(before, after, features, labels, torch.tensor([0.0, 1.0]))
    return (1 - shares) * old + shares * new


def turned_round(before, after, features, labels, shares):
    return torch.tensor([along(before, after, features, labels, 1 - shares)[i] for i in range(len(shares))])


def head_only(before, after, features, labels, shares):
    found = []
    for share in shares:
        head = (1 - share) * before[1] + share * after[1]
        found.append(torch.nn.functional.cross_entropy(torch.relu(features @ before[0].T) @ head.T, labels))
    return torch.stack(found)


def linear(before, after, features, labels, shares):
    found = []
    for share in shares:
        first, second = ((1 - share) * b + share * a for b, a in zip(before, after, strict=True))
        found.append(torch.nn.functional.cross_entropy(features @ first.T @ second.T, labels))
    return torch.stack(found)


def adds_too_much(before, after, features, labels, shares):
    found = []
    for share in shares:
        first, second = (b + share * a for b, a in zip(before, after, strict=True))
        found.append(torch.nn.functional.cross_entropy(torch.relu(features @ first.T) @ second.T, labels))
    return torch.stack(found)


def counts_errors(before, after, features, labels, shares):
    found = []
    for share in shares:
        first, second = (b.lerp(a, share) for b, a in zip(before, after, strict=True))
        found.append(((torch.relu(features @ first.T) @ second.T).argmax(1) != labels).double().mean())
    return torch.stack(found)


# Wrong answers as a learner would write them, and how the hint that belongs to each begins.
TYPICAL = [
    ("08.1", one_sided, "That is one tail"),
    ("08.1", of_all_photos, "Photos that both get right"),
    ("08.1", stops_before_k, "The count that was seen"),
    ("08.1", counts_all_right, "Those are the photos that each gets right"),
    ("08.1", counts_all_wrong, "Those are the errors of each"),
    ("08.1", just_this_count, "That is the probability of just this count"),
    ("08.1", lambda first, second: 1 - mcnemar(first, second), "That is what is left to 1"),
    ("08.2", lambda losses: losses.mean(dim=1).argmin().item(), "That is the best one"),
    ("08.2", lambda losses: rule(losses, spread=torch.std), "That allows a whole standard deviation"),
    ("08.2", lambda losses: rule(losses, spread=lambda best: best.std() / len(best)), "Divided by F"),
    ("08.2", lambda losses: rule(losses, spread=lambda best: best.numpy().std() / len(best) ** 0.5), "That deviation"),
    ("08.2", lambda losses: rule(losses, spread=lambda best: 1.96 * best.std() / len(best) ** 0.5), "That allows 1.96"),
    ("08.2", lambda losses: rule(losses, last=True), "The last that comes near"),
    ("08.2", lambda losses: losses.mean(dim=1).argmax().item(), "A loss shall be low"),
    ("08.3", 50, "Added up"),
    ("08.3", 60, "That is the chance that none passes"),
    ("08.3", 32, "That is the chance that exactly one passes"),
    ("08.3", 5, "That is the chance of one strategy"),
    ("08.3", 43, "One strategy too many"),
    ("08.3", 1 - 0.95**10, "That is a fraction; give"),
    ("08.3", 0.4, "That is a fraction, rounded"),
    ("08.3", 100 * (1 - 0.95**10), "Round it"),
    ("08.4", ensemble, "The scores of two networks were mixed"),
    ("08.4", mixes_losses, "The losses of the two networks were mixed"),
    ("08.4", turned_round, "From the wrong end"),
    ("08.4", head_only, "Only the head went along"),
    ("08.4", linear, "The ReLU is missing"),
    ("08.4", adds_too_much, "The weights before stay whole"),
    ("08.4", counts_errors, "That is the share of wrong answers"),
    ("08.4", lambda *inputs: along(*inputs) * len(inputs[3]), "That is the sum over the photos"),
    ("08.4", lambda *inputs: along(*inputs[:-1], torch.full((4,), 0.5)), "Always half the way"),
]


def test_two_classifiers_that_agree_have_a_p_value_of_one():
    """Two classifiers that are right on the same photos do not differ."""
    right = torch.tensor([True, True, False])
    assert find_exercise("08.1").reference(right, right) == 1.0


def test_some_classifiers_never_disagree():
    """The drawn inputs contain classifiers that differ and classifiers that do not."""
    generator = torch.Generator().manual_seed(0)
    agree = [torch.equal(*find_exercise("08.1").draw(generator)) for _ in range(20)]
    assert {True, False} == set(agree)


def test_a_share_of_one_half_is_the_average_of_the_package():
    """The loss with a share of one half is that after ``tl.average_weights``."""
    before, after, features, labels, _ = find_exercise("08.4").draw(torch.Generator().manual_seed(1))
    networks = []
    for first, second in (before, after):
        layers = torch.nn.Linear(4, 5, bias=False), torch.nn.ReLU(), torch.nn.Linear(5, 3, bias=False)
        network = torch.nn.Sequential(*layers).double()
        network.load_state_dict({"0.weight": first, "2.weight": second})
        networks.append(network)
    tl.average_weights(networks[1], networks[0])
    expected = torch.nn.functional.cross_entropy(networks[1](features), labels).item()
    half = torch.tensor([0.5], dtype=torch.float64)
    assert find_exercise("08.4").reference(before, after, features, labels, half).item() == pytest.approx(expected)


def test_the_simplest_is_often_not_the_best():
    """In some drawn inputs a simpler strategy is within the standard error, in others none is."""
    generator = torch.Generator().manual_seed(1)
    drawn = [find_exercise("08.2").draw(generator)[0] for _ in range(20)]
    simpler = [find_exercise("08.2").reference(losses) < losses.mean(dim=1).argmin() for losses in drawn]
    assert 3 <= sum(simpler) <= 17
