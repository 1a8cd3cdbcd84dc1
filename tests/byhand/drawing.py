"""Helpers of the property tests: random tensors, and a check that all options were drawn together."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from torch import Tensor


def draw_tensor(draw: Callable, shape: Iterable[int]) -> Tensor:
    """Draw a float64 tensor of normally distributed values."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    return torch.randn(tuple(shape), generator=generator, dtype=torch.float64)


def tally(strategy: st.SearchStrategy, describe: Callable, runs: int = 16, examples: int = 60) -> Counter:
    """Count the words that ``describe`` returns for drawn examples, each word alone and in sorted pairs.

    There are several short runs with different seeds, because within one run hypothesis varies earlier examples.
    """
    seen = Counter()

    def look(example):
        words = sorted(describe(example))
        seen.update(words)
        seen.update(itertools.combinations(words, 2))

    once = settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    for number in range(runs):
        once(seed(number)(given(strategy)(look)))()
    return seen


def assert_drawn_together(
    strategy: st.SearchStrategy, describe: Callable, words: set[str], apart: Iterable = ()
) -> None:
    """Assert that each word, and each pair of words except those in ``apart``, was drawn at least 3 times."""
    seen, apart = tally(strategy, describe), {tuple(sorted(pair)) for pair in apart}
    wanted = [*words, *(pair for pair in itertools.combinations(sorted(words), 2) if pair not in apart)]
    missing = {word: seen[word] for word in wanted if seen[word] < 3}
    assert not missing, f"hardly ever drawn: {missing}"
