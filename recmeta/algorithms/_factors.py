"""Shared maths of the factor models: ridge solves for many rows, and what IALS chooses by the log.

H are the factors of the side that is held fixed, (n, n_factors).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import _in_threads
from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._sums import column_counts

F32 = NDArray[np.float32]
LEAST = np.float32(1e-18)  # its square is a normal number: arithmetic is ten times slower on others
CLOSE = {"reassoc", "contract", "nsz"}  # sums in any order, but NaN and infinity stay what they are


def balanced(
    X: csr_array,
    weight: float | None,
    l2: float | None,
    weight_scale: float = 1.0,
    l2_scale: float = 1.0,
) -> tuple[float, float]:
    """The weight of a zero and l2 for ``IALS``: what is given, else what goes with X's size.

    Each times its scale; l2 goes by the weight that comes of it. ValueError if a scale is not
    positive and finite.

    The weight is 1.5 times the root of the observed share, times the mean weight of an observation.
    l2 makes the ridge of a mean row and a mean column, in the geometric mean, 0.6 times the largest
    singular value of noise with as many entries a row and a column: more shrinks all to nothing.
    Noise and share are of the users and items with interactions. docs/decisions.md says on what
    logs the factors were chosen.
    """
    scales = weight_scale, l2_scale
    if not all(0 < scale < math.inf for scale in scales):
        raise ValueError(f"unobserved_scale and l2_scale must be positive and finite: got {scales}")
    total = float(X.data.sum(dtype=np.float64))
    if total == 0:  # nothing to learn from
        return (1.0 if weight is None else weight) * weight_scale, (l2 or 0.0) * l2_scale
    n_users = int(np.count_nonzero(np.diff(X.indptr)))
    n_items = int(np.count_nonzero(column_counts(X.indices, X.shape[1])))
    if weight is None:
        weight = 1.5 * total / math.sqrt(X.nnz * n_users * n_items)
    weight *= weight_scale
    if l2 is None:
        noise = float(np.linalg.norm(X.data)) * (n_users**-0.5 + n_items**-0.5)
        of_user, of_item = (
            total / n_users + weight * X.shape[1],
            total / n_items + weight * X.shape[0],
        )
        l2 = 0.6 * noise / math.sqrt(of_user * of_item)
    return weight, l2 * l2_scale


def solve_rows(X: csr_array, fixed: F32, gram: F32, ridge: F32, n_steps: int, factors: F32) -> None:
    """``conjugate_gradients`` on all rows of X, in threads."""
    indptr, indices = X.indptr.astype(np.int32), X.indices.astype(np.int32, copy=False)

    def one_block(block: slice) -> None:
        conjugate_gradients(
            block.start, block.stop, indptr, indices, X.data, fixed, gram, ridge, n_steps, factors
        )

    _in_threads(one_block, row_blocks(X.shape[0]))


@njit(cache=True, nogil=True, fastmath=CLOSE)
def conjugate_gradients(start, stop, indptr, indices, data, H, gram, ridge, n_steps, factors):  # type: ignore[no-untyped-def]
    """Solve (gram + ridge_u I + sum_i x_ui h_i h_i') w_u = sum_i x_ui h_i for u in start..stop.

    At most n_steps from the rows of ``factors``, which are overwritten. A row without entries
    gets zeros, and so does what is below LEAST.
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
        for f in range(H.shape[1]):
            if abs(factors[row, f]) < LEAST:
                factors[row, f] = 0


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
