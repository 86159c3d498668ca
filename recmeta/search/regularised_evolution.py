"""Regularised evolution: the oldest dies, not the worst."""

import math
from collections.abc import Sequence

import numpy as np

from recmeta.search._base import (
    MOST_DRAWS,
    Proposal,
    SearchSpace,
    Strategy,
    Trial,
    new_samples,
    seen,
)


class RegularisedEvolution(Strategy):
    """A child of the winner of a tournament among the youngest trials.

    The population is the last ``n_population`` trials; while there are fewer than ``n_initial``,
    candidates are random. A failed trial takes part and never wins.

    Parameters
    ----------
    n_population : int
        Trials that are alive.
    n_tournament : int
        Drawn from them with replacement; the best has the child.
    n_initial : int
    n_edits : int
        Choices in which a child differs from its parent.

    References
    ----------
    Real et al. (2019), Regularized Evolution for Image Classifier Architecture Search,
    arXiv:1802.01548.
    """

    def __init__(
        self,
        *,
        n_population: int = 30,
        n_tournament: int = 10,
        n_initial: int = 10,
        n_edits: int = 1,
    ) -> None:
        self.n_population = n_population
        self.n_tournament = n_tournament
        self.n_initial = n_initial
        self.n_edits = n_edits

    def propose(
        self,
        space: SearchSpace,
        trials: Sequence[Trial],
        rng: np.random.Generator,
        *,
        k: int = 1,
        pending: Sequence[Proposal] = (),
    ) -> list[Proposal]:
        taken = seen(space, [*trials, *pending])
        alive = list(trials)[-self.n_population :]
        if len(trials) < self.n_initial or all(math.isnan(one.value) for one in alive):
            return new_samples(space, k, taken, rng)
        found: list[Proposal] = []
        for _ in range(k):
            for _ in range(MOST_DRAWS):
                child = space.mutate(self._winner(alive, rng), rng, self.n_edits)
                if space.canonical(child) not in taken:
                    taken.add(space.canonical(child))
                    found.append(Proposal(child))
                    break
            else:  # everything near the population is known
                found += new_samples(space, 1, taken, rng)
        return found

    def _winner(self, alive: list[Trial], rng: np.random.Generator) -> object:
        drawn = [alive[place] for place in rng.integers(len(alive), size=self.n_tournament)]
        return max(
            drawn, key=lambda one: -math.inf if math.isnan(one.value) else one.value
        ).candidate
