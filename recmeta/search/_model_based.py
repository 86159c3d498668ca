"""Search by a predictor: fit it to the trials, and try the candidates that it values most."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from recmeta.predictors._base import Predictor
from recmeta.predictors.random_forest import RandomForest
from recmeta.search._base import (
    Proposal,
    SearchSpace,
    Strategy,
    Trial,
    best_first,
    new_samples,
    seen,
)
from recmeta.search.acquisition import Acquisition, Belief

Optimiser = Callable[
    [SearchSpace, Sequence[Trial], int, set[Hashable], np.random.Generator], list[Any]
]


class ModelBasedStrategy(Strategy):
    """What BANANAS and NPENAS share; a subclass has these parameters in its ``__init__``.

    ``predictor``, ``encoding``, ``acquisition``, ``optimiser``, ``n_candidates``, ``n_initial``.
    """

    predictor: Predictor | None
    encoding: str
    acquisition: Acquisition
    optimiser: Optimiser
    n_candidates: int
    n_initial: int

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
        known = best_first(trials)
        if len(known) < max(self.n_initial, 2):
            return new_samples(space, k, taken, rng)
        candidates = self.optimiser(space, known, self.n_candidates, taken, rng)
        if not candidates:
            return new_samples(space, k, taken, rng)
        worth = self.acquisition(self._belief(space, known, candidates, rng), rng)
        order = np.argsort(-worth, kind="stable")[:k]
        return [Proposal(candidates[place]) for place in order]

    def _belief(
        self,
        space: SearchSpace,
        known: Sequence[Trial],
        candidates: list[Any],
        rng: np.random.Generator,
    ) -> Belief:
        model: Any = RandomForest() if self.predictor is None else clone(self.predictor)
        if "random_state" in model.get_params():
            model.set_params(random_state=int(rng.integers(2**31)))
        values = np.array([trial.value for trial in known])
        model.fit(space.encode([trial.candidate for trial in known], self.encoding), values)
        X = space.encode(candidates, self.encoding)
        mean, std = model.predict(X)
        draw = (lambda rng: model.draw(X, rng)) if hasattr(model, "draw") else None
        return Belief(mean, std, float(values[0]), draw)
