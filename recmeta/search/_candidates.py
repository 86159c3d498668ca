"""Candidate optimisers: where a model-based strategy looks for the maximum of its acquisition.

Each takes (space, trials with a value best first, n, keys that are taken, rng) and gives up to n
candidates that are new and differ from each other.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from recmeta.search._base import SearchSpace, Trial, new_samples

PARENTS = 5  # best trials that are mutated
PATIENCE = 5  # mutations a candidate that is wanted, before a parent counts as exhausted


def mutants_of_the_best(
    space: SearchSpace,
    known: Sequence[Trial],
    n: int,
    taken: set[Hashable],
    rng: np.random.Generator,
) -> list[Any]:
    """One-edit mutants of the five best trials in turn, each of the parent itself.

    What is found becomes no parent: candidates stay one edit away from what was tried.
    """
    parents = [trial.candidate for trial in known[:PARENTS]]
    n_rounds = PATIENCE * n // len(parents) + 1
    litters = ((space.mutate(parent, rng) for parent in parents) for _ in range(n_rounds))
    return _first_new(space, litters, n, taken)


def neighbours_of_the_best(
    space: SearchSpace,
    known: Sequence[Trial],
    n: int,
    taken: set[Hashable],
    rng: np.random.Generator,
) -> list[Any]:
    """All neighbours of the best trial, then of the next, until there are n."""
    return _first_new(space, (space.neighbours(one.candidate) for one in known), n, taken)


def random_candidates(
    space: SearchSpace,
    known: Sequence[Trial],
    n: int,
    taken: set[Hashable],
    rng: np.random.Generator,
) -> list[Any]:
    """Draws from the space."""
    return [one.candidate for one in new_samples(space, n, set(taken), rng)]


def _first_new(
    space: SearchSpace, groups: Iterable[Iterable[Any]], n: int, taken: set[Hashable]
) -> list[Any]:
    """The first n that are new and differ, of as many groups as that takes."""
    found: dict[Hashable, Any] = {}
    for group in groups:
        for candidate in group:
            key = space.canonical(candidate)
            if key not in taken:
                found.setdefault(key, candidate)
        if len(found) >= n:
            break
    return list(found.values())[:n]
