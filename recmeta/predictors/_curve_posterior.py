"""The posterior density of a weighted combination of curves, for many walkers at once.

======  ====================================================================  ===========
symbol  meaning                                                               shape
======  ====================================================================  ===========
U       scores of the steps seen                                              (n, t)
theta   parameters of all families one after the other, K weights w, ln s     (n, m, d)
f       sum_k w_k f_k / sum_k w_k                                             (n, m, t)
======  ====================================================================  ===========
"""

import numpy as np

from recmeta.predictors._base import F64
from recmeta.predictors._curve_families import FAMILIES
from recmeta.predictors._curve_fit import fit_family

LOWEST_NOISE, HIGHEST_NOISE = np.log(1e-4), 0.0
# of the width of the prior: how far around least squares the walkers begin, as published; where it
# puts them eighty noise deviations off (1e-2), 41 parameters do not find back in 2,000 steps
BALL = 1e-6


class CurvePosterior:
    """log p(theta | U) up to a constant: call it with theta.

    Parameters
    ----------
    names : tuple of str
        Out of FAMILIES.
    U : float64 array, (n, t)
        Finite.
    at : float
        The horizon: f(at) >= f(1) is demanded.
    """

    def __init__(self, names: tuple[str, ...], U: F64, at: float) -> None:
        self.families = [FAMILIES[name] for name in names]
        self.U, self.at = U, at
        self.x = np.arange(1.0, U.shape[1] + 1)
        n_weights = len(self.families)
        lower = [bound for family in self.families for bound in family.lower]
        upper = [bound for family in self.families for bound in family.upper]
        self.lower = np.array([*lower, *([0.0] * n_weights), LOWEST_NOISE])
        self.upper = np.array([*upper, *([np.inf] * n_weights), HIGHEST_NOISE])
        self.edges = np.cumsum([0, *(len(family.parameters) for family in self.families)])

    def __call__(self, theta: F64) -> F64:
        """Log densities, (n, m); -inf outside the constraints."""
        inside = np.all((theta > self.lower) & (theta < self.upper), axis=2)
        safe = np.where(inside[:, :, None], theta, self._centre())
        # the first step and the horizon ride along: a second pass over the families costs more
        f = self.values(safe, np.append(self.x, self.at))
        inside = inside & (f[:, :, -1] >= f[:, :, 0])
        log_noise, t = safe[:, :, -1], len(self.x)
        squares = ((self.U[:, None, :] - f[:, :, :-1]) ** 2).sum(axis=2)
        weights = safe[:, :, self.edges[-1] : -1]
        log_p = -t * log_noise - 0.5 * squares * np.exp(-2 * log_noise) - weights.sum(axis=2)
        return np.where(inside, log_p, -np.inf)

    def values(self, theta: F64, x: F64) -> F64:
        """The combination at the steps x: (n, m, len(x))."""
        weights = theta[:, :, self.edges[-1] : -1]
        weights = weights / weights.sum(axis=2, keepdims=True)
        total = np.zeros((*theta.shape[:2], len(x)))
        for k, family in enumerate(self.families):
            part = theta[:, :, self.edges[k] : self.edges[k + 1]]
            total += weights[:, :, k, None] * family(x, part)
        return total

    def noise(self, theta: F64) -> F64:
        """s of each sample."""
        return np.asarray(np.exp(theta[..., -1]))

    def start(self, n_walkers: int, rng: np.random.Generator) -> F64:
        """Walkers around least squares, weights by likelihood: (n, n_walkers, d).

        Drawn again, around the constraints' inside, as long as some break them.
        """
        n, t = self.U.shape
        fits = [fit_family(family, self.x, self.U) for family in self.families]
        errors = np.column_stack([fit.squared_errors for fit in fits]) / t + 1e-6
        evidence = -0.5 * t * np.log(errors / errors.min(axis=1, keepdims=True))
        weights = 0.1 + len(fits) * np.exp(evidence)
        noise = 0.5 * np.log(errors.min(axis=1, keepdims=True))
        centre = np.hstack([*(fit.parameters for fit in fits), weights, noise])[:, None, :]
        width = np.where(np.isfinite(self.upper), self.upper, 1.0) - self.lower
        low, high = self.lower + BALL / 10 * width, self.upper - BALL / 10 * width
        walkers = np.empty((n, n_walkers, centre.shape[2]))
        missing = np.ones((n, n_walkers), dtype=bool)
        for attempt in range(200):
            # towards the middle of the prior, where a best fit breaks the constraint
            pull = attempt / 200
            around = (1 - pull) * centre + pull * self._centre()
            jitter = BALL * width * rng.normal(size=(n_walkers, centre.shape[2]))
            fresh = np.clip(around + jitter, low, high)
            # what was cut to a bound is spread again: walkers in one hyperplane never leave it
            fresh += BALL / 100 * width * rng.random((n_walkers, centre.shape[2]))
            walkers[missing] = fresh[missing]
            missing &= ~np.isfinite(self(walkers))
            if not missing.any():
                return walkers
        raise FloatingPointError("no start within the constraints: use other families")

    def _centre(self) -> F64:
        """A point inside all bounds and rising: the first start of each family, equal weights."""
        starts = [value for family in self.families for value in family.starts[0]]
        return np.array([*starts, *([1.0] * len(self.families)), np.log(0.1)])
