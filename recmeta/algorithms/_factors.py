"""Shared maths of the factor models: truncated SVD and ridge solves for many rows.

======  ============================================  ==================
symbol  meaning                                       shape
======  ============================================  ==================
X       interactions, sparse                          (n_users, n_items)
V       leading right singular vectors                (n_items, k)
Q       orthonormal basis of a search space           (n_items, m)
======  ============================================  ==================
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, qr
from scipy.sparse import csr_array

from recmeta.algorithms._base import _threadpools

F32 = NDArray[np.float32]
OVERSAMPLING = 10
DEPTH = 4  # powers of X'X in one search space
MAX_RESTARTS = 20
TOLERANCE = 1e-3  # of the residual, against the smallest eigenvalue kept


def top_right_singular_vectors(
    X: csr_array, n_factors: int, rng: np.random.Generator
) -> tuple[F32, F32]:
    """Singular values (k,), descending, and right singular vectors (n_items, k) of X.

    Restarted randomised block Krylov iteration (Musco & Musco 2015, arXiv:1504.05477) with
    Rayleigh-Ritz on X'X. Where X has a rank below k the last columns are 0. Each vector's entry of
    the largest size is positive; rows of items without interactions are exactly 0.
    """
    n_users, n_items = X.shape
    n_kept = min(n_factors, n_users, n_items)
    seen = np.bincount(X.indices, minlength=n_items) > 0
    width = min(n_kept + OVERSAMPLING, n_items)
    start = rng.standard_normal((n_items, width), dtype=np.float32) * seen[:, None]
    # one BLAS thread: the same sums, so the same bits, on every machine
    with _threadpools().limit(limits=1, user_api="blas"):
        eigenvalues, vectors = _leading_eigenvectors(X, start, n_kept)
    null = eigenvalues <= eigenvalues.max(initial=0.0) * 1e-6
    vectors = vectors * ~null * seen[:, None]
    flip = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(n_kept)])
    values = np.sqrt(np.where(null, 0, eigenvalues))
    return values.astype(np.float32), np.ascontiguousarray(vectors * flip, dtype=np.float32)


def _leading_eigenvectors(X: csr_array, start: F32, n_kept: int) -> tuple[F32, F32]:
    """The n_kept largest eigenvalues of X'X and their vectors."""
    transposed = X.T.tocsr()
    block = start
    for _ in range(MAX_RESTARTS):
        basis, image = _krylov(X, transposed, block)
        projected = basis.T @ image
        values, rotation = eigh((projected + projected.T) / 2)
        order = np.argsort(-values)[: start.shape[1]]
        values, rotation = values[order], np.asarray(rotation[:, order], dtype=np.float32)
        block = basis @ rotation
        residual = image @ rotation[:, :n_kept] - block[:, :n_kept] * values[:n_kept]
        worst = np.sqrt((residual**2).sum(axis=0)).max()
        if worst <= TOLERANCE * max(values[n_kept - 1], 1e-3 * values[0]):
            break
    return values[:n_kept], block[:, :n_kept]


def _krylov(X: csr_array, transposed: csr_array, block: F32) -> tuple[F32, F32]:
    """An orthonormal basis of span(block, A block, ..., A^DEPTH block), A = X'X, and A basis."""
    n_items, width = block.shape
    if n_items <= (DEPTH + 1) * width:
        basis = np.eye(n_items, dtype=np.float32)  # the whole space: Rayleigh-Ritz is exact
    else:
        parts = [_orthonormal(block)]
        for _ in range(DEPTH):
            parts.append(_orthonormal(transposed @ (X @ parts[-1])))
        basis = _orthonormal(np.hstack(parts))
    return basis, transposed @ (X @ basis)


def _orthonormal(block: F32) -> F32:
    return np.asarray(qr(block, mode="economic", check_finite=False, overwrite_a=True)[0])
