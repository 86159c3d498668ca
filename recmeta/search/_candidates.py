"""Candidate optimisers: where a model-based strategy looks for the maximum of its acquisition.

Each takes (space, trials with a value best first, n, keys that are taken, rng) and gives up to n
candidates that are new and differ from each other.
"""

from collections.abc import Hashable, Sequence
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
    found: dict[Hashable, Any] = {}
    parents = [trial.candidate for trial in known[:PARENTS]]
    for _ in range(PATIENCE * n // len(parents) + 1):
        for parent in parents:
            child = space.mutate(parent, rng)
            key = space.canonical(child)
            if key not in taken:
                found.setdefault(key, child)
        if len(found) >= n:
            break
    return list(found.values())[:n]


def neighbours_of_the_best(
    space: SearchSpace,
    known: Sequence[Trial],
    n: int,
    taken: set[Hashable],
    rng: np.random.Generator,
) -> list[Any]:
    """All neighbours of the best trial, then of the next, until there are n."""
    found: dict[Hashable, Any] = {}
    for trial in known:
        for other in space.neighbours(trial.candidate):
            key = space.canonical(other)
            if key not in taken:
                found.setdefault(key, other)
        if len(found) >= n:
            break
    return list(found.values())[:n]


def random_candidates(
    space: SearchSpace,
    known: Sequence[Trial],
    n: int,
    taken: set[Hashable],
    rng: np.random.Generator,
) -> list[Any]:
    """Draws from the space."""
    return [one.candidate for one in new_samples(space, n, set(taken), rng)]
