"""Stationary kernels of a scaled distance, and the marginal likelihood that chooses their scales.

======  ===================================================================  ========
symbol  meaning                                                              shape
======  ===================================================================  ========
Z       inputs                                                               (n, d)
groups  the length scale that each column has: 0 ... G - 1                   (d,)
q       squared distance: sum over columns c of (z_c - z'_c)^2 / l_g(c)^2    (n, n)
K       s2 k(q) + noise I                                                    (n, n)
theta   logarithms of l_0 ... l_(G-1), of s2 and of noise                    (G + 2,)
======  ===================================================================  ========

Priors: l_g is log-normal with location sqrt(2) + ln(d) / 2 and scale sqrt(3), so that functions of
many columns are smooth before there are data (Hvarfner, Hellsten and Nardi 2024, arXiv:2402.02229);
noise is log-normal (-3, 1.5), s2 log-normal (0, 1): y has variance 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.optimize import minimize

from recmeta.predictors._groups import left_out_group, shared

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Kernel = Callable[[F64], tuple[F64, F64]]

SCALE_SPREAD, NOISE_PRIOR, SIGNAL_PRIOR = np.sqrt(3.0), (-3.0, 1.5), (0.0, 1.0)
LEAST_NOISE = 1e-6
BOUND = 12.0  # of a logarithm


def rbf(q: F64) -> tuple[F64, F64]:
    """exp(-q / 2), and its derivative by q."""
    k = np.exp(-0.5 * q)
    return k, -0.5 * k


def matern32(q: F64) -> tuple[F64, F64]:
    """(1 + r) exp(-r) with r = sqrt(3 q), and its derivative by q."""
    r = np.sqrt(3 * q)
    decay = np.exp(-r)
    return (1 + r) * decay, -1.5 * decay


def matern52(q: F64) -> tuple[F64, F64]:
    """(1 + r + r^2 / 3) exp(-r) with r = sqrt(5 q), and its derivative by q."""
    r = np.sqrt(5 * q)
    decay = np.exp(-r)
    return (1 + r + r * r / 3) * decay, -5 / 6 * (1 + r) * decay


KERNELS: dict[str, Kernel] = {"rbf": rbf, "matern32": matern32, "matern52": matern52}


def squared_distances(A: F64, B: F64, lengths: F64) -> F64:
    """q of all pairs of rows, (n_a, n_b); ``lengths`` (d,) is the length scale of each column."""
    a, b = A / lengths, B / lengths
    q = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
    return np.maximum(q, 0.0, out=q)


@dataclass(frozen=True)
class Posterior:
    """A Gaussian process with its hyperparameters, given data."""

    kernel: Kernel
    inputs: F64
    lengths: F64  # of each column, (d,)
    signal: float
    noise: float
    factor: Any
    coefficients: F64  # K^-1 t, (n,)

    def __call__(self, Z: F64) -> tuple[F64, F64]:
        """Mean and variance of an observation for new rows, both (n_rows,)."""
        cross = self.signal * self.kernel(squared_distances(Z, self.inputs, self.lengths))[0]
        half = solve_triangular(self.factor[0], cross.T, lower=True)  # (n, n_rows)
        variance = np.maximum(self.signal - (half * half).sum(axis=0), 0.0) + self.noise
        return cross @ self.coefficients, variance

    def draw(self, Z: F64, rng: np.random.Generator) -> F64:
        """One function of the posterior at new rows, without noise, (n_rows,)."""
        cross = self.signal * self.kernel(squared_distances(Z, self.inputs, self.lengths))[0]
        half = solve_triangular(self.factor[0], cross.T, lower=True)
        covariance = self.signal * self.kernel(squared_distances(Z, Z, self.lengths))[0]
        covariance -= half.T @ half
        values, vectors = np.linalg.eigh(covariance)  # close rows make it singular
        scale = np.sqrt(np.maximum(values, 0.0))
        return cross @ self.coefficients + vectors @ (scale * rng.standard_normal(len(Z)))

    def left_out(self, row_groups: I64) -> tuple[F64, F64]:
        """Error and variance of each training row without its group, both (n,).

        Rasmussen and Williams 2006, eqs. 5.10-5.12.
        """
        inverse = _inverse(self.factor[0])
        precision = np.diag(inverse)
        errors, variances = self.coefficients / precision, 1 / precision
        for rows in shared(row_groups):
            block = inverse[np.ix_(rows, rows)]
            errors[rows], variances[rows] = left_out_group(block, self.coefficients[rows])
        return errors, variances


def most_likely(
    kernel: Kernel, Z: F64, t: F64, groups: I64, starts: int, rng: np.random.Generator
) -> Posterior:
    """The process whose hyperparameters maximise likelihood times prior.

    L-BFGS from the middle of the prior and from ``starts - 1`` draws of it; O(n^3 + n^2 d) a step.
    """
    location = prior_location(groups)
    bounds = [(mu - BOUND, mu + BOUND) for mu in location]
    spread = np.r_[np.full(len(location) - 2, 1.0), 0.5, 1.0]
    best = None
    for number in range(starts):
        start = location + (number > 0) * spread * rng.normal(size=len(location))
        found = minimize(
            loss, start, (kernel, Z, t, groups), jac=True, method="L-BFGS-B", bounds=bounds,
            options={"maxiter": 100, "ftol": 1e-6},
        )  # fmt: skip
        if best is None or found.fun < best.fun:
            best = found
    assert best is not None
    return conditioned(kernel, Z, t, groups, best.x)


def prior_location(groups: I64) -> F64:
    """The middle of the prior of theta."""
    d = max(len(groups), 1)
    n_groups = int(groups.max(initial=-1)) + 1
    return np.r_[np.full(n_groups, np.sqrt(2) + np.log(d) / 2), SIGNAL_PRIOR[0], NOISE_PRIOR[0]]


def conditioned(kernel: Kernel, Z: F64, t: F64, groups: I64, theta: F64) -> Posterior:
    """The posterior at given hyperparameters."""
    lengths, signal, noise = np.exp(theta[groups]), np.exp(theta[-2]), np.exp(theta[-1])
    K = signal * kernel(squared_distances(Z, Z, lengths))[0]
    K[np.diag_indices_from(K)] += noise + LEAST_NOISE
    factor = cho_factor(K, lower=True)
    weights = cho_solve(factor, t)
    return Posterior(kernel, Z, lengths, float(signal), float(noise) + LEAST_NOISE, factor, weights)


def loss(theta: F64, kernel: Kernel, Z: F64, t: F64, groups: I64) -> tuple[float, F64]:
    """Minus the logarithm of likelihood times prior, and its gradient by theta."""
    lengths, signal, noise = np.exp(theta[groups]), np.exp(theta[-2]), np.exp(theta[-1])
    k, slope = kernel(squared_distances(Z, Z, lengths))
    K = signal * k
    K[np.diag_indices_from(K)] += noise + LEAST_NOISE
    factor = cho_factor(K, lower=True)
    weights = cho_solve(factor, t)
    value = 0.5 * t @ weights + np.log(np.diag(factor[0])).sum()
    W = _inverse(factor[0]) - np.outer(weights, weights)  # 2 d loss / d K
    # sum over pairs of M (z - z')^2, a column at a time, without an (n, n, d) array
    M = W * slope
    pairs = 2 * ((Z * Z).T @ M.sum(axis=1) - np.einsum("ij,ij->j", Z, M @ Z))
    by_column = -signal * pairs / lengths**2
    gradient = np.r_[
        np.bincount(groups, by_column, len(theta) - 2),
        0.5 * signal * (W * k).sum(),
        0.5 * noise * np.trace(W),
    ]
    location = prior_location(groups)
    widths = np.r_[np.full(len(theta) - 2, SCALE_SPREAD), SIGNAL_PRIOR[1], NOISE_PRIOR[1]]
    away = (theta - location) / widths
    return float(value + 0.5 * away @ away), gradient + away / widths


def _inverse(lower: F64) -> F64:
    """K^-1 from its lower Cholesky factor."""
    inverse = np.tril(dpotri(lower, lower=1)[0])
    return inverse + np.tril(inverse, -1).T
