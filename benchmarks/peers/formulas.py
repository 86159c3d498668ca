"""The papers' formulas in numpy and scipy, float32, for what no library has.

The way a good engineer would write them: sparse Gram matrix, LAPACK's Cholesky inverse (a sixth of
np.linalg.inv's time), dense products.
"""

from typing import Any

import numpy as np
from scipy.linalg.lapack import spotrf, spotri
from scipy.sparse import csr_matrix, diags_array

from peers import Peer, Top, in_blocks


def gram_of(X: csr_matrix) -> np.ndarray:
    return np.asarray((X.T @ X).todense(), dtype=np.float32)


def inverse_of(matrix: np.ndarray) -> np.ndarray:
    factor, failed = spotrf(matrix, lower=1, overwrite_a=1)
    inverse, failed_too = spotri(factor, lower=1, overwrite_c=1)
    assert (failed, failed_too) == (0, 0)
    inverse = np.tril(inverse)
    return np.asarray(inverse + np.tril(inverse, -1).T)


def of_weights(X: csr_matrix, weights: Any) -> Top:
    return in_blocks(lambda start, stop: X[start:stop] @ weights)


def rdlae(l2: float, dropout: float, diagonal_limit: float) -> Peer:
    """Moon et al. 2023, eq. 14; EDLAE with a limit of 0."""

    def fit(X: csr_matrix) -> Top:
        G = gram_of(X)
        penalty = np.float32(l2) + np.float32(dropout / (1 - dropout)) * G.diagonal()
        P = inverse_of(G + np.diag(penalty))
        scale = np.maximum(penalty, (1 - diagonal_limit) / P.diagonal())
        weights = np.eye(len(P), dtype=np.float32) - P * scale
        return of_weights(X, weights)

    return Peer("numpy", fit)


def admm_slim(l1: float, l2: float, rho: float, n_iterations: int) -> Peer:
    """Algorithm 1 of Steck et al. 2020, with B >= 0 and a diagonal of 0."""

    def fit(X: csr_matrix) -> Top:
        G = gram_of(X)
        P = inverse_of(G + np.float32(l2 + rho) * np.eye(len(G), dtype=np.float32))
        from_data = P @ G
        C, dual = np.zeros_like(G), np.zeros_like(G)
        for _ in range(n_iterations):
            B = from_data + P @ (np.float32(rho) * (C - dual))
            B -= P * (B.diagonal() / P.diagonal())
            C = np.maximum(B + dual - np.float32(l1 / rho), 0)
            dual += B - C
        return of_weights(X, C)

    return Peer("numpy", fit)


def power(sums: Any, exponent: float) -> Any:
    """A diagonal matrix; 0 where the sum is."""
    values = np.asarray(sums, dtype=np.float64).ravel()
    positive = values > 0
    return diags_array(np.where(positive, np.where(positive, values, 1) ** exponent, 0))


def turbo_cf(user_exponent: float, exponent: float, order: int) -> Peer:
    """Park et al. 2024, eqs. 4 to 8."""

    def fit(X: csr_matrix) -> Top:
        R = power(X.sum(axis=1), -user_exponent) @ X @ power(X.sum(axis=0), user_exponent - 1)
        G = gram_of(csr_matrix(R, dtype=np.float32)) ** np.float32(exponent)
        if order == 2:
            G = 2 * G - G @ G
        elif order == 3:
            G = G + np.float32(0.01) * (-G @ G @ G + 10 * G @ G - 29 * G)
        return of_weights(X, G)

    return Peer("numpy", fit)


def gf_cf(n_factors: int, low_pass: float) -> Peer:
    """Shen et al. 2021, eq. 14, with sparse singular vectors from scipy."""

    def fit(X: csr_matrix) -> Top:
        from scipy.sparse.linalg import svds

        of_items = X.sum(axis=0)
        R = csr_matrix(power(X.sum(axis=1), -0.5) @ X @ power(of_items, -0.5), dtype=np.float32)
        _, _, right = svds(R, k=n_factors, solver="propack", random_state=0)
        before = csr_matrix(power(of_items, -0.5), dtype=np.float32)
        after = np.float32(low_pass) * np.sqrt(np.asarray(of_items, dtype=np.float32).ravel())
        G = R.T @ R

        def score(start: int, stop: int) -> np.ndarray:
            rows = X[start:stop]
            smooth = ((rows @ before) @ right.T) @ right
            return np.asarray((rows @ G).toarray() + smooth * after)

        return in_blocks(score)

    return Peer("scipy", fit)
