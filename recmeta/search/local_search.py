"""Local search: the neighbours of the best, then those of the next best."""

from collections.abc import Sequence

import numpy as np

from recmeta.search._base import (
    Proposal,
    SearchSpace,
    Strategy,
    Trial,
    best_first,
    new_samples,
    seen,
)


class LocalSearch(Strategy):
    """An untried neighbour of the best trial that has one.

    A neighbour that is better becomes the centre at once. At a local optimum, whose neighbours are
    all known, the search goes on from the next best trial: no restart, and nothing to remember.

    Parameters
    ----------
    n_initial : int
        Random candidates first.

    References
    ----------
    White, Nolen and Savani (2021), Exploring the Loss Landscape in Neural Architecture Search,
    arXiv:2005.02960; Ottelander et al. (2021), arXiv:2004.08996.
    """

    def __init__(self, *, n_initial: int = 10) -> None:
        self.n_initial = n_initial

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
        if len(trials) < self.n_initial:
            return new_samples(space, k, taken, rng)
        found: list[Proposal] = []
        for centre in best_first(trials):
            neighbours = space.neighbours(centre.candidate)
            for place in rng.permutation(len(neighbours)):
                if len(found) == k:
                    return found
                key = space.canonical(neighbours[place])
                if key not in taken:
                    taken.add(key)
                    found.append(Proposal(neighbours[place]))
        return found + new_samples(space, k - len(found), taken, rng)
