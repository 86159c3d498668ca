"""The leading singular vectors of a sparse matrix.

======  ============================================  ==================
symbol  meaning                                       shape
======  ============================================  ==================
X       interactions, sparse                          (n_users, n_items)
V       leading right singular vectors                (n_items, k)
Q       orthonormal basis of the Krylov space         (n_items, m)
T       Q' X'X Q                                      (m, m)
======  ============================================  ==================
"""

from typing import Any

import numpy as np
from numba import njit
from scipy.linalg import eigh, qr
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _in_threads, _threadpools
from recmeta.algorithms._factors import CLOSE, F32
from recmeta.algorithms._gram import SPARSE, gram, n_pairs, row_blocks
from recmeta.algorithms._sums import column_counts
from recmeta.algorithms._work_space import work_space

TOLERANCE = 3e-3  # of a residual, against the smallest eigenvalue kept
EXHAUSTED = 1e-5  # of T's largest entry, on its diagonal: the rounding of float32 sums over a basis


def top_right_singular_vectors(
    X: csr_array, n_factors: int, rng: np.random.Generator
) -> tuple[F32, F32]:
    """Singular values (k,), descending, and right singular vectors (n_items, k) of X.

    Block Lanczos on X'X with full reorthogonalisation, from random vectors; where one side is so
    short that it is quicker, the eigenvectors of X'X or XX'. Where X has a rank below k the last
    columns are 0. Each vector's entry of the largest size is positive; rows of items without
    interactions are exactly 0.
    """
    n_users, n_items = X.shape
    n_kept = min(n_factors, n_users, n_items)
    # one BLAS thread: the same sums, so the same bits, on every machine
    with _threadpools().limit(limits=1, user_api="blas"):
        if _is_short(X, n_kept):
            eigenvalues, vectors = _by_the_shorter_side(X, n_kept)
        else:
            width = 16 if n_kept <= 128 else 32
            start = rng.standard_normal((n_items, width), dtype=np.float32)
            eigenvalues, vectors = _block_lanczos(X, start, n_kept, rng)
    eigenvalues, vectors = eigenvalues[::-1][:n_kept], vectors[:, ::-1][:, :n_kept]
    kept = eigenvalues > eigenvalues.max(initial=0.0) * 1e-6
    seen = column_counts(X.indices, n_items) > 0
    flip = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(n_kept)])
    vectors = vectors * (flip * kept) * seen[:, None]
    values = np.sqrt(np.where(kept, eigenvalues, 0))
    return values.astype(np.float32), np.ascontiguousarray(vectors, dtype=np.float32)


def _is_short(X: csr_array, n_kept: int) -> bool:
    """Whether an eigendecomposition by the shorter side takes less than Lanczos would.

    Lanczos ends at a basis of some 5 * n_kept + 90 columns, if there are so many.
    """
    size, shorter = 5 * n_kept + 90, min(X.shape)
    of_columns = column_counts(X.indices, X.shape[1]).astype(np.float64)
    pairs = n_pairs(X) if X.shape[1] == shorter else float((of_columns**2).sum())
    by_lanczos = 5e-10 * X.nnz * size + 1.5e-10 * X.shape[1] * size**2
    return shorter <= size or _short_seconds(shorter, pairs) < by_lanczos


def _short_seconds(shorter: int, pairs: float) -> float:
    return 1.3e-10 * shorter**3 + 1e-9 * pairs


def singular_vectors_cost(n_users: int, n_items: int, nnz: int, n_kept: int) -> Cost:
    """Of top_right_singular_vectors."""
    shorter, size = min(n_users, n_items), min(5 * n_kept + 90, n_items)
    by_lanczos = 5e-10 * nnz * size + 1.5e-10 * n_items * size**2
    by_short = _short_seconds(shorter, 2 * nnz * nnz / max(n_users, n_items, 1))
    if shorter <= 5 * n_kept + 90 or by_short < by_lanczos:
        products = 1.5e-9 * (nnz + n_items) * min(n_kept, shorter)
        return Cost(by_short + products, 20.0 * shorter**2 + 16.0 * n_items * min(n_kept, shorter))
    return Cost(by_lanczos, 8.0 * n_items * size)


def _by_the_shorter_side(X: csr_array, n_kept: int) -> tuple[Any, Any]:
    """The n_kept largest eigenvalues of X'X, ascending, and vectors; in float64, since the square
    of a small singular value is in the rounding of float32."""
    by_items = X.shape[1] <= X.shape[0]
    if by_items and n_pairs(X) >= SPARSE * X.shape[1] ** 2:
        product = gram(X).astype(np.float64)
    else:
        X = X.astype(np.float64)
        product = (X.T @ X if by_items else X @ X.T).toarray()
    best = [len(product) - n_kept, len(product) - 1]
    values, vectors = eigh(product, subset_by_index=best, overwrite_a=True)
    if not by_items:
        vectors = (X.T @ vectors) / np.sqrt(np.maximum(values, np.finfo(np.float64).tiny))
    return values, vectors


def _block_lanczos(
    X: csr_array, start: F32, n_kept: int, rng: np.random.Generator
) -> tuple[Any, Any]:
    """The n_kept largest Ritz values of X'X, ascending, and vectors, to TOLERANCE."""
    transposed, (n_items, width) = X.T.tocsr(), start.shape
    limit = min(n_items, 8 * n_kept + 40 * width) // width * width
    Q, T = work_space((n_items, limit), "F"), work_space((limit, limit))
    Q[:, :width] = _orthonormal(start)[0]
    size, next_check = width, 2 * n_kept + width
    while True:
        newest, basis = slice(size - width, size), Q[:, :size]
        image = _times(transposed, _times(X, np.ascontiguousarray(Q[:, newest])))
        image, T[:size, newest] = _orthogonalised(image, basis)
        T[newest, :size] = T[:size, newest].T
        block, coupling = _orthonormal(image)
        if size >= next_check or size + width > limit:
            next_check = size + max(2 * width, size // 8)
            best = [max(size - n_kept, 0), size - 1]
            values, rotation = eigh(T[:size, :size], subset_by_index=best)
            residual = np.linalg.norm(coupling @ rotation[newest], axis=0).max()
            goal = TOLERANCE * max(values[0], 1e-3 * values[-1])
            if residual <= goal or size + width > limit:
                return values, basis @ rotation
        # columns that the Krylov space has run out of are rounding noise, which may lie in the
        # basis: the search goes on from random ones, which do not
        ended = np.abs(np.diag(coupling)) <= EXHAUSTED * np.diag(T)[:size].max()
        block[:, ended] = rng.standard_normal((n_items, ended.sum()), dtype=np.float32)
        # once more, which is enough: what the first time left is large where a column is nearly
        # in the basis (Giraud et al. 2005, doi:10.1016/j.camwa.2005.08.009)
        Q[:, size : size + width] = _orthonormal(_orthogonalised(block, basis)[0])[0]
        size += width


def _times(X: csr_array, block: F32) -> F32:
    """X @ block, by rows in a few threads."""
    image = np.zeros((X.shape[0], block.shape[1]), dtype=np.float32)
    indices = X.indices.astype(np.int32, copy=False).view(np.uint32)
    _in_threads(
        lambda rows: _times_rows(rows.start, rows.stop, X.indptr, indices, X.data, block, image),
        row_blocks(X.shape[0], 256),
    )
    return image


def _orthogonalised(block: F32, basis: F32) -> tuple[F32, F32]:
    """The block less its part in the basis, and that part's coefficients."""
    part = basis.T @ block
    return block - basis @ part, part


def _orthonormal(block: F32) -> tuple[F32, F32]:
    basis, triangle = qr(block, mode="economic", check_finite=False)
    return np.asarray(basis), np.asarray(triangle)


@njit(cache=True, nogil=True, fastmath=CLOSE)
def _times_rows(start, stop, indptr, indices, data, block, image):  # type: ignore[no-untyped-def]
    """Rows start..stop of the product, four entries at once."""
    width = block.shape[1]
    for row in range(start, stop):
        out, first, last = image[row], indptr[row], indptr[row + 1]
        whole = first + (last - first) // 4 * 4
        for e in range(first, whole, 4):
            va, vb, vc, vd = data[e], data[e + 1], data[e + 2], data[e + 3]
            a, b = block[indices[e]], block[indices[e + 1]]
            c, d = block[indices[e + 2]], block[indices[e + 3]]
            for f in range(width):
                out[f] += va * a[f] + vb * b[f] + vc * c[f] + vd * d[f]
        for e in range(whole, last):
            value, a = data[e], block[indices[e]]
            for f in range(width):
                out[f] += value * a[f]
