"""Non-negative factors: scikit-learn's way to them, and a faster coordinate descent of our own.

``descend`` is the non-negative ridge regression of many sparse rows on the same factors:

======  ====================================================  =====================
symbol  meaning                                               shape
======  ====================================================  =====================
H       factors of the side that is held fixed, >= 0          (n, n_factors)
A       H'H + l2 I                                            (n_factors, n_factors)
w       factors of one row, >= 0                              (n_factors,)
g       its gradient A w - H'x                                (n_factors,)
======  ====================================================  =====================

Each coordinate goes to its minimum in turn, w_t <- max(w_t - g_t / A_tt, 0) (Cichocki & Phan 2009).
The gradient is kept up to date, so that a coordinate which stays, as most zeros do, costs nothing.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import _in_threads, _threadpools
from recmeta.algorithms._gram import row_blocks

F32 = NDArray[np.float32]
SUMS = {"reassoc", "contract", "nsz"}  # in any order


def factorised(
    X: csr_array, n_factors: int, loss: str, solver: str, l2: float, n_sweeps: int, **start: Any
) -> tuple[F32, F32]:
    """User and item factors after so many sweeps of scikit-learn's NMF."""
    # inside the function: scikit-learn's decompositions take long to import
    from sklearn.decomposition import non_negative_factorization

    with _threadpools().limit(limits=1):  # the same bits with any threads
        users, items, _ = non_negative_factorization(
            X, n_components=n_factors, beta_loss=loss, solver=solver, max_iter=n_sweeps, tol=0,
            alpha_W=l2 / X.shape[1], alpha_H=l2 / X.shape[0], **start,
        )  # fmt: skip
    return np.ascontiguousarray(users), np.ascontiguousarray(items.T)


def folded_in(X: csr_array, items: F32, loss: str, solver: str, l2: float, n_sweeps: int) -> F32:
    """The factors of rows of X, from zeros, by coordinates; else from a constant."""
    factors = np.zeros((X.shape[0], items.shape[1]), dtype=np.float32)
    if solver == "cd":
        descend(X, items, l2, n_sweeps, factors)
        return factors
    known = {"init": "custom", "H": items.T, "update_H": False}
    return factorised(X, items.shape[1], loss, solver, l2, n_sweeps, **known)[0]


def descend(X: csr_array, fixed: F32, l2: float, n_sweeps: int, factors: F32) -> None:
    """Improve each row of ``factors``, (n_rows, n_factors), by n_sweeps over its coordinates.

    Minimises 1/2 ||x - w H'||^2 + l2 / 2 ||w||^2 over w >= 0, rows in threads, to the same bits
    with any number of them. Time grows with nnz * n_factors + n_sweeps * n_factors * (the
    coordinates of all rows that move).
    """

    def one_block(block: slice) -> None:
        gradients = factors[block] @ gram
        _descend_rows(
            block.start, block.stop, X.indptr, X.indices, X.data, fixed, gram, n_sweeps, factors,
            gradients,
        )  # fmt: skip

    with _threadpools().limit(limits=1, user_api="blas"):
        gram = np.asarray(fixed.T @ fixed, dtype=np.float32)
        gram[np.diag_indices_from(gram)] += np.float32(l2)
        _in_threads(one_block, row_blocks(X.shape[0]))


@njit(cache=True, nogil=True, fastmath=SUMS)
def _descend_rows(  # type: ignore[no-untyped-def]
    start, stop, indptr, indices, data, fixed, gram, n_sweeps, factors, gradients
):
    """Rows start..stop; ``gradients`` has A w of each, and H'x is still to be taken off."""
    for row in range(start, stop):
        own, gradient = factors[row], gradients[row - start]
        place, last = indptr[row], indptr[row + 1]
        while place + 4 <= last:  # four at a time: the gradient is read and written once for them
            _take_off_four(gradient, data, indices, place, fixed)
            place += 4
        while place < last:
            _add(gradient, -data[place], fixed[indices[place]])
            place += 1
        for _ in range(n_sweeps):
            if not _swept(own, gradient, gram):
                break


@njit(cache=True, nogil=True, fastmath=SUMS)
def _swept(own, gradient, gram):  # type: ignore[no-untyped-def]
    """All coordinates once; whether one moved."""
    moved = False
    for t in range(len(own)):
        if gram[t, t] > 0:
            step = max(own[t] - gradient[t] / gram[t, t], np.float32(0)) - own[t]
            if step != 0:
                own[t] += step
                _add(gradient, step, gram[t])
                moved = True
    return moved


@njit(cache=True, nogil=True, fastmath=SUMS)
def _take_off_four(gradient, data, indices, place, fixed):  # type: ignore[no-untyped-def]
    a, b, c, d = data[place], data[place + 1], data[place + 2], data[place + 3]
    one, two = fixed[indices[place]], fixed[indices[place + 1]]
    three, four = fixed[indices[place + 2]], fixed[indices[place + 3]]
    for t in range(len(gradient)):
        gradient[t] -= a * one[t] + b * two[t] + c * three[t] + d * four[t]


@njit(cache=True, nogil=True, fastmath=SUMS)
def _add(total, weight, row):  # type: ignore[no-untyped-def]
    for t in range(len(total)):
        total[t] += weight * row[t]
