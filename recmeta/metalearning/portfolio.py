"""In which order to try configurations: each next one is what helps most if those before fail."""

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


def greedy_order(scenarios: F64, weights: F64, first: int, n: int) -> NDArray[np.int64]:
    """Add the column that raises the weighted mean of the best so far the most.

    Parameters
    ----------
    scenarios : float64 array, (n_scenarios, m)
        What each configuration might reach.
    weights : float64 array, (n_scenarios,)
        Not negative, with a positive sum.
    first : int
        The column to begin with.
    n : int
        How many to order; all, if there are fewer.

    Returns
    -------
    int64 array, (min(n, m),)
        Columns in the order of trying. Where none helps any more the best mean comes next.

    Notes
    -----
    O(n n_scenarios m). The gain is submodular: greedy is within 1 - 1/e of the best set
    (Nemhauser, Wolsey, Fisher, Mathematical Programming 14, 1978).
    """
    w = weights / weights.sum()
    means = w @ scenarios
    order = [first]
    reached = scenarios[:, first]
    for _ in range(min(n, scenarios.shape[1]) - 1):
        gains = w @ np.maximum(scenarios - reached[:, None], 0.0) + 1e-9 * means
        gains[order] = -np.inf
        order.append(int(np.argmax(gains)))
        reached = np.maximum(reached, scenarios[:, order[-1]])
    return np.array(order, dtype=np.int64)
