"""ASHA: successive halving that waits for nobody."""

from collections.abc import Sequence

import numpy as np

from recmeta.search._base import Proposal, SearchSpace, Strategy, Trial, seen
from recmeta.search._rungs import new_at, ranked, rung_fidelities


class ASHA(Strategy):
    """Promote whoever is in the best 1/eta of a rung now; if nobody is, start a new candidate.

    Where the space has no more and nothing runs, the best of each rung goes on, however few it has.

    Parameters
    ----------
    min_fidelity : float
        In (0, 1].
    eta : float
        More than 1.
    inner : Strategy or None
        Proposes the new candidates; None: random ones.

    References
    ----------
    Li et al. (2020), A System for Massively Parallel Hyperparameter Tuning, arXiv:1810.05934.
    """

    def __init__(
        self, *, min_fidelity: float = 1 / 27, eta: float = 3.0, inner: Strategy | None = None
    ) -> None:
        self.min_fidelity = min_fidelity
        self.eta = eta
        self.inner = inner

    def propose(
        self,
        space: SearchSpace,
        trials: Sequence[Trial],
        rng: np.random.Generator,
        *,
        k: int = 1,
        pending: Sequence[Proposal] = (),
    ) -> list[Proposal]:
        found: list[Proposal] = []
        while len(found) < k:
            known = [*pending, *found]
            one = self._promotion(space, trials, known)
            if one is None:
                fidelity = rung_fidelities(self.min_fidelity, self.eta)[0]
                new = new_at(fidelity, space, trials, rng, k - len(found), known, self.inner)
                if new or known:
                    return found + new
                last = self._promotion(space, trials, known, least=1)
                return [last] if last else []
            found.append(one)
        return found

    def _promotion(
        self,
        space: SearchSpace,
        trials: Sequence[Trial],
        known: Sequence[Proposal],
        least: int = 0,
    ) -> Proposal | None:
        """The best that may go on, from the highest rung down: ``least`` of a rung at least."""
        fidelities = rung_fidelities(self.min_fidelity, self.eta)
        for rung in range(len(fidelities) - 2, -1, -1):
            here = [one for one in trials if one.fidelity == fidelities[rung]]
            above = fidelities[rung + 1]
            gone = seen(space, [one for one in trials if one.fidelity == above])
            gone |= seen(space, [one for one in known if one.fidelity == above])
            n_best = max(int(len(here) / self.eta), least)
            for candidate in ranked(here)[:n_best]:
                if space.canonical(candidate) not in gone:
                    return Proposal(candidate, above)
        return None
