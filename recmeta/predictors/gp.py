"""Gaussian process regression on many outputs that share their inputs, in closed form.

======  ==========================================================  ==============
symbol  meaning                                                     shape
======  ==========================================================  ==============
X       inputs, one row a task                                      (n, d)
Y       outputs, one column each, with one kernel for all           (n, m)
w       weight of a row: its noise variance is divided by it        (n,)
K       k(x, x') = exp(-|x - x'|^2 / (2 d scale^2)), plus noise/w   (n, n)
s2_j    variance of output j: y_j' K^-1 y_j / n                     (m,)
======  ==========================================================  ==============
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

F64 = NDArray[np.float64]
SCALES = (0.5, 1.0, 2.0, 4.0)
NOISES = (0.1, 0.3, 1.0, 3.0, 10.0)  # noise variance over signal variance
CLIP = 3.0  # standard deviations: a log unlike all known ones is at the edge, not beyond it


@dataclass(frozen=True)
class GaussianProcess:
    """A posterior over functions; made by ``fit_gp``.

    Inputs are standardised by the weighted mean and deviation of the training rows and clipped;
    outputs have their weighted mean as the prior mean.

    Attributes
    ----------
    scale, noise : float
        Chosen by the marginal likelihood of all outputs together.
    log_likelihood : float
    variances : float64 array, (m,)
        s2_j.
    """

    inputs: F64
    centre: F64
    spread: F64
    prior: F64
    factor: Any
    coefficients: F64
    scale: float
    noise: float
    log_likelihood: float
    variances: F64

    def predict(self, X: F64) -> tuple[F64, F64]:
        """Mean and standard deviation of a new observation, noise included: both (n_rows, m)."""
        mean, spread = self.mean(X), self.spread_of(X)
        return mean, spread[:, None] * np.sqrt(self.variances)

    def mean(self, X: F64) -> F64:
        """Posterior means, (n_rows, m)."""
        cross = _kernel(self._standard(X), self.inputs, self.scale)
        return np.asarray(self.prior + cross @ self.coefficients)

    def spread_of(self, X: F64) -> F64:
        """Standard deviation of a new observation over that of its output, (n_rows,)."""
        cross = _kernel(self._standard(X), self.inputs, self.scale)
        explained = np.einsum("ij,ji->i", cross, cho_solve(self.factor, cross.T))
        return np.asarray(np.sqrt(np.maximum(1 - explained, 0) + self.noise))

    def similarity(self, X: F64) -> F64:
        """The kernel of new rows with the training rows, (n_rows, n)."""
        return _kernel(self._standard(X), self.inputs, self.scale)

    def _standard(self, X: F64) -> F64:
        return np.asarray(np.clip((X - self.centre) / self.spread, -CLIP, CLIP))


def fit_gp(X: F64, Y: F64, weights: F64 | None = None) -> GaussianProcess:
    """Choose the length scale and the noise by marginal likelihood, and condition on the data.

    Parameters
    ----------
    X : float64 array, (n, d)
    Y : float64 array, (n, m)
        Finite.
    weights : float64 array, (n,), or None
        Positive. Rows that repeat each other, such as data sets of one family, count less.

    Notes
    -----
    O(len(SCALES) len(NOISES) (n^3 + n^2 m)).

    References
    ----------
    Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, algorithm 2.1.
    """
    w = np.ones(len(X)) if weights is None else weights / weights.mean()
    centre, spread = _moments(X, w)
    inputs = np.clip((X - centre) / spread, -CLIP, CLIP)
    prior = np.average(Y, axis=0, weights=w)
    fits = (_condition(inputs, Y - prior, w, *pair) for pair in product(SCALES, NOISES))
    best = max(fits, key=lambda fit: fit["log_likelihood"])
    return GaussianProcess(inputs=inputs, centre=centre, spread=spread, prior=prior, **best)


def _condition(inputs: F64, residuals: F64, w: F64, scale: float, noise: float) -> dict[str, Any]:
    matrix = _kernel(inputs, inputs, scale)
    matrix[np.diag_indices_from(matrix)] += noise / w
    factor = cho_factor(matrix, lower=True)
    coefficients = cho_solve(factor, residuals)
    n, m = residuals.shape
    each = np.maximum((residuals * coefficients).sum(axis=0) / n, 1e-12)
    # an output's own variance is an estimate from n rows: halfway to that of all outputs
    variances = 0.5 * each + 0.5 * each.mean()
    log_determinant = 2 * np.log(np.diag(factor[0])).sum()
    likelihood = -0.5 * (n * np.log(each).sum() + m * log_determinant)
    return {
        "factor": factor,
        "coefficients": coefficients,
        "scale": scale,
        "noise": noise,
        "log_likelihood": float(likelihood),
        "variances": variances,
    }


def _moments(X: F64, w: F64) -> tuple[F64, F64]:
    centre = np.average(X, axis=0, weights=w)
    spread = np.sqrt(np.average((X - centre) ** 2, axis=0, weights=w))
    return np.asarray(centre), np.where(spread > 1e-12, spread, 1.0)


def _kernel(A: F64, B: F64, scale: float) -> F64:
    squares = ((A[:, None, :] - B[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(np.exp(-0.5 * squares / (A.shape[1] * scale**2)))
