"""The log score of a normal, its natural gradient, and steps along it.

======  =========================================================  =======
symbol  meaning                                                    shape
======  =========================================================  =======
t       targets                                                    (n,)
theta   mean and logarithm of the standard deviation of each row   (2, n)
======  =========================================================  =======
"""

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

LEAST_LOG, MOST_LOG = -6.0, 3.0  # of a standard deviation of t: no tree may claim certainty
LEAST_STEP = 2.0**-8


def start_of(t: F64) -> F64:
    """theta of all rows together, (2,)."""
    return np.array([t.mean(), np.clip(np.log(t.std() + 1e-12), LEAST_LOG, MOST_LOG)])


def log_score(theta: F64, t: F64) -> F64:
    """-ln p(t) up to a constant, (n,); ``theta`` is (2, n)."""
    return np.asarray(theta[1] + 0.5 * (t - theta[0]) ** 2 * np.exp(-2 * theta[1]))


def natural_gradient(theta: F64, t: F64) -> F64:
    """Of the log score by theta, (2, n)."""
    errors = t - theta[0]
    return np.stack([-errors, 0.5 * (1 - errors**2 * np.exp(-2 * theta[1]))])


def longest_step(theta: F64, direction: F64, t: F64) -> float:
    """1, 1/2, 1/4, ...: the first that lowers the score; 0 if none does."""
    now, step = log_score(theta, t).mean(), 1.0
    while step >= LEAST_STEP:
        if log_score(moved(theta, step * direction), t).mean() < now:
            return step
        step /= 2
    return 0.0


def moved(theta: F64, by: F64) -> F64:
    """theta - by, the deviation within its limits."""
    after = theta - by
    after[1] = np.clip(after[1], LEAST_LOG, MOST_LOG)
    return after
