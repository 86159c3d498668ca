"""Successive halving: many candidates a little, the best of them more, the best of those fully."""

from collections.abc import Sequence

import numpy as np

from recmeta.search._base import Proposal, SearchSpace, Strategy, Trial
from recmeta.search._rungs import Bracket, bracket_proposals


class SuccessiveHalving(Strategy):
    """Brackets, one after the other: each rung waits for all of its trials.

    ``n_first`` candidates start at ``min_fidelity``; at each rung the best 1/eta go on to eta times
    the fidelity, up to 1. Then the next bracket begins.

    Parameters
    ----------
    n_first : int
        Candidates of the first rung.
    min_fidelity : float
        In (0, 1].
    eta : float
        More than 1.
    inner : Strategy or None
        Proposes the new candidates; None: random ones.

    References
    ----------
    Karnin, Koren and Somekh (2013), ICML; Jamieson and Talwalkar (2016), arXiv:1502.07943.
    """

    def __init__(
        self,
        *,
        n_first: int = 27,
        min_fidelity: float = 1 / 27,
        eta: float = 3.0,
        inner: Strategy | None = None,
    ) -> None:
        self.n_first = n_first
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
        bracket = Bracket.of(self.n_first, self.min_fidelity, self.eta)
        return bracket_proposals(
            [bracket], space, trials, rng, k=k, pending=pending, inner=self.inner
        )
