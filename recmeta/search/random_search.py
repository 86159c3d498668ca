"""Random search: candidates drawn from the space."""

from collections.abc import Sequence

import numpy as np

from recmeta.search._base import Proposal, SearchSpace, Strategy, Trial, new_samples, seen


class RandomSearch(Strategy):
    """Draws that were not tried before; what every other strategy must beat.

    References
    ----------
    Bergstra and Bengio (2012), JMLR 13, 281-305; Li and Talwalkar (2019), arXiv:1902.07638.
    """

    def propose(
        self,
        space: SearchSpace,
        trials: Sequence[Trial],
        rng: np.random.Generator,
        *,
        k: int = 1,
        pending: Sequence[Proposal] = (),
    ) -> list[Proposal]:
        return new_samples(space, k, seen(space, [*trials, *pending]), rng)
