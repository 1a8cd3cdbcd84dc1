"""What the property tests share: tensors and options drawn at random, and a count of what was drawn."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable

import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from torch import Tensor


def draw_tensor(draw: Callable, shape: Iterable[int]) -> Tensor:
    """Draw a float64 tensor of normally distributed numbers."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    return torch.randn(tuple(shape), generator=generator, dtype=torch.float64)


def tally(strategy: st.SearchStrategy, describe: Callable, runs: int = 16, examples: int = 60) -> Counter:
    """Count the words by which ``describe`` calls drawn examples, each alone and in sorted pairs.

    Several short runs with seeds of their own: within one run hypothesis likes to vary what it drew before.
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
    """Each word, and each pair of words but those in ``apart`` that exclude each other, was drawn at least 3 times."""
    seen, apart = tally(strategy, describe), {tuple(sorted(pair)) for pair in apart}
    wanted = [*words, *(pair for pair in itertools.combinations(sorted(words), 2) if pair not in apart)]
    missing = {word: seen[word] for word in wanted if seen[word] < 3}
    assert not missing, f"hardly ever drawn: {missing}"
