"""A search: a strategy proposes, a function evaluates, and the trials are all that is kept."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from recmeta.search._base import SearchSpace, Strategy, Trial


def search(
    space: SearchSpace,
    strategy: Strategy,
    evaluate: Callable[[Any, float], float],
    n_trials: int,
    *,
    k: int = 1,
    trials: Sequence[Trial] = (),
    seed: int = 0,
) -> list[Trial]:
    """Try candidates until there are ``n_trials``.

    Parameters
    ----------
    space : SearchSpace
    strategy : Strategy
    evaluate : callable
        (candidate, fidelity) -> value, larger is better; NaN where it failed.
    n_trials : int
        In all, those given among them.
    k : int
        Candidates of one call of ``propose``.
    trials : sequence of Trial
        Of an earlier search, which is gone on with. A generator is made anew for each call from
        the seed and the number of trials, so that a search that was stopped between batches goes
        on as if it had not been.
    seed : int

    Returns
    -------
    list of Trial
        Fewer than ``n_trials`` if the strategy has nothing new to propose.
    """
    found = list(trials)
    while len(found) < n_trials:
        rng = np.random.default_rng([seed, len(found)])
        proposals = strategy.propose(space, found, rng, k=min(k, n_trials - len(found)))
        if not proposals:
            break
        for one in proposals:
            value = evaluate(one.candidate, one.fidelity)
            found.append(Trial(one.candidate, float(value), one.fidelity))
    return found
