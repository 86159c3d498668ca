"""Shared maths of the factor models: singular vectors, and ridge solves for many rows.

======  ============================================  ==================
symbol  meaning                                       shape
======  ============================================  ==================
X       interactions, sparse                          (n_users, n_items)
V       leading right singular vectors                (n_items, k)
Q       orthonormal basis of the Krylov space         (n_items, m)
T       Q' X'X Q                                      (m, m)
H       factors of the side that is held fixed        (n, n_factors)
======  ============================================  ==================
"""

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.linalg import eigh, qr
from scipy.sparse import csr_array

from recmeta.algorithms._base import _in_threads, _threadpools
from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._sums import column_counts
from recmeta.algorithms._work_space import work_space

F32 = NDArray[np.float32]
TOLERANCE = 3e-3  # of a residual, against the smallest eigenvalue kept
EXHAUSTED = 1e-5  # of the largest entry of T: the rounding of float32 sums over a basis
CLOSE = {"reassoc", "contract", "nsz"}  # sums in any order, but NaN and infinity stay what they are


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
        if _is_short(min(n_users, n_items), n_items, n_kept):
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


def _is_short(shorter: int, n_items: int, n_kept: int) -> bool:
    """Whether an eigendecomposition of (shorter, shorter) takes less than Lanczos would.

    Lanczos ends at a basis of some 5 * n_kept + 90 columns; both counts of operations were seen
    to take about the same time (benchmarks/singular_vectors.py).
    """
    return shorter <= max(3 * n_kept, 256) or shorter**3 <= n_items * (5 * n_kept + 90) ** 2


def _by_the_shorter_side(X: csr_array, n_kept: int) -> tuple[Any, Any]:
    """The n_kept largest eigenvalues of X'X, ascending, and vectors; in float64, since the square
    of a small singular value is in the rounding of float32."""
    X = X.astype(np.float64)
    by_items = X.shape[1] <= X.shape[0]
    product = X.T @ X if by_items else X @ X.T
    best = [product.shape[0] - n_kept, product.shape[0] - 1]
    values, vectors = eigh(product.toarray(), subset_by_index=best, overwrite_a=True)
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
        ended = np.abs(np.diag(coupling)) <= EXHAUSTED * np.abs(T[:size, :size]).max()
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


def balanced(X: csr_array, weight: float | None, l2: float | None) -> tuple[float, float]:
    """The weight of a zero and l2 for ``IALS``: what is given, else what goes with X's size.

    The weight is 1.5 times the root of the observed share, times the mean weight of an observation.
    l2 makes the ridge of a mean row and a mean column, in the geometric mean, 0.6 times the largest
    singular value of noise with as many entries a row and a column: more shrinks all to nothing.
    Noise and share are of the users and items with interactions. docs/decisions.md says on what
    logs the factors were chosen.
    """
    total = float(X.data.sum(dtype=np.float64))
    if total == 0:  # nothing to learn from
        return (1.0 if weight is None else weight), (0.0 if l2 is None else l2)
    n_users = int(np.count_nonzero(np.diff(X.indptr)))
    n_items = int(np.count_nonzero(column_counts(X.indices, X.shape[1])))
    if weight is None:
        weight = 1.5 * total / math.sqrt(X.nnz * n_users * n_items)
    if l2 is None:
        noise = float(np.linalg.norm(X.data)) * (n_users**-0.5 + n_items**-0.5)
        of_user, of_item = (
            total / n_users + weight * X.shape[1],
            total / n_items + weight * X.shape[0],
        )
        l2 = 0.6 * noise / math.sqrt(of_user * of_item)
    return weight, l2


@njit(cache=True, nogil=True, fastmath=CLOSE)
def conjugate_gradients(start, stop, indptr, indices, data, H, gram, ridge, n_steps, factors):  # type: ignore[no-untyped-def]
    """Solve (gram + ridge_u I + sum_i x_ui h_i h_i') w_u = sum_i x_ui h_i for u in start..stop.

    At most n_steps from the rows of ``factors``, which are overwritten. A row without entries
    gets zeros.
    """
    longest = 4
    for row in range(start, stop):
        longest = max(longest, indptr[row + 1] - indptr[row] + 3)
    rows, weights = np.empty((longest, H.shape[1]), np.float32), np.empty(longest, np.float32)
    for row in range(start, stop):
        first, n = indptr[row], indptr[row + 1] - indptr[row]
        if n == 0:
            factors[row] = 0
            continue
        for entry in range(n):  # side by side, since each step reads them again
            weights[entry], source = data[first + entry], indices[first + entry]
            for f in range(H.shape[1]):
                rows[entry, f] = H[source, f]
        padded = (n + 3) // 4 * 4
        rows[n:padded], weights[n:padded] = 0, 0
        _descend(rows[:padded], weights, gram, ridge[row], n_steps, factors[row])


@njit(cache=True, nogil=True, fastmath=CLOSE)
def _descend(rows, weights, gram, ridge, n_steps, solution):  # type: ignore[no-untyped-def]
    """The conjugate gradient steps of one row."""
    residual, image = np.zeros_like(solution), np.empty_like(solution)
    _apply(rows, weights, gram, ridge, solution, np.float32(1), residual)
    residual *= np.float32(-1)
    direction = residual.copy()
    norm = _dot(residual, residual)
    goal = norm * np.float32(1e-12)
    for _ in range(n_steps):
        if norm <= goal or norm == 0:
            break
        _apply(rows, weights, gram, ridge, direction, np.float32(0), image)
        curvature = _dot(direction, image)
        if curvature <= 0:  # it is too small for single precision
            break
        length = norm / curvature
        previous, norm = norm, np.float32(0)
        for f in range(len(solution)):
            solution[f] += length * direction[f]
            residual[f] -= length * image[f]
            norm += residual[f] * residual[f]
        ratio = norm / previous
        for f in range(len(solution)):
            direction[f] = residual[f] + ratio * direction[f]


@njit(cache=True, nogil=True, fastmath=CLOSE)
def _apply(rows, weights, gram, ridge, vector, target, image):  # type: ignore[no-untyped-def]
    """image = (gram + ridge I) v + sum_i x_i (h_i v - target) h_i, four rows at once."""
    size = len(vector)
    for f in range(size):
        image[f] = ridge * vector[f]
    whole = size // 4 * 4
    for g in range(0, whole, 4):
        va, vb, vc, vd = vector[g], vector[g + 1], vector[g + 2], vector[g + 3]
        for f in range(size):
            image[f] += va * gram[g, f] + vb * gram[g + 1, f]
            image[f] += vc * gram[g + 2, f] + vd * gram[g + 3, f]
    for g in range(whole, size):
        for f in range(size):
            image[f] += vector[g] * gram[g, f]
    for entry in range(0, len(rows), 4):
        pa, pb, pc, pd = -target, -target, -target, -target
        for f in range(size):
            pa += rows[entry, f] * vector[f]
            pb += rows[entry + 1, f] * vector[f]
            pc += rows[entry + 2, f] * vector[f]
            pd += rows[entry + 3, f] * vector[f]
        pa, pb = pa * weights[entry], pb * weights[entry + 1]
        pc, pd = pc * weights[entry + 2], pd * weights[entry + 3]
        for f in range(size):
            image[f] += pa * rows[entry, f] + pb * rows[entry + 1, f]
            image[f] += pc * rows[entry + 2, f] + pd * rows[entry + 3, f]


@njit(cache=True, nogil=True, fastmath=CLOSE)
def _dot(left, right):  # type: ignore[no-untyped-def]
    total = np.float32(0)
    for f in range(len(left)):
        total += left[f] * right[f]
    return total
