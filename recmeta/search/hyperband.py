"""Hyperband: successive halving at several trades of many candidates against long training."""

import math
from collections.abc import Sequence

import numpy as np

from recmeta.search._base import Proposal, SearchSpace, Strategy, Trial
from recmeta.search._rungs import Bracket, bracket_proposals


class Hyperband(Strategy):
    """A bracket for each first fidelity 1/eta^s, s = s_max ... 0, and then again.

    With R = 1 / min_fidelity and s_max = floor(log_eta R), bracket s begins with
    ceil((s_max + 1) / (s + 1) eta^s) candidates, so that all cost about the same.

    Parameters
    ----------
    min_fidelity : float
        In (0, 1].
    eta : float
        More than 1.
    inner : Strategy or None
        Proposes the new candidates: a TPE makes it BOHB (Falkner et al. 2018, arXiv:1807.01774).

    References
    ----------
    Li et al. (2018), Hyperband, JMLR 18(185), arXiv:1603.06560.
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
        return bracket_proposals(
            self.brackets(), space, trials, rng, k=k, pending=pending, inner=self.inner
        )

    def brackets(self) -> list[Bracket]:
        """Those of one round."""
        # a hair more, so that 27 counts as 3^3
        most = math.floor(math.log(1 / self.min_fidelity) / math.log(self.eta) + 1e-9)
        return [
            Bracket.of(
                math.ceil((most + 1) / (s + 1) * self.eta**s), self.eta ** float(-s), self.eta
            )
            for s in range(most, -1, -1)
        ]
