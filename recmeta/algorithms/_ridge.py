"""The ridge inverse: what EASE, EDLAE, RDLAE and ADMMSLIM start from.

======  =============================================  ==================
symbol  meaning                                        shape
======  =============================================  ==================
X       interactions, sparse                           (n_users, n_items)
G       X'X                                            (n_items, n_items)
L       l2 I + dropout / (1 - dropout) diag(G)         (n_items, n_items)
P       (G + L)^-1, dense and symmetric                (n_items, n_items)
K       (I + X L^-1 X')^-1, dense and symmetric        (n_users, n_users)
======  =============================================  ==================

With more items than users, K is the smaller inverse, and gives P by the Woodbury identity:
P = L^-1 - L^-1 X' K X L^-1, in n_users^3 + n_items * nnz operations where G takes n_items^3.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.linalg.lapack import get_lapack_funcs
from scipy.sparse import csr_array

from recmeta.algorithms._base import Cost, _in_threads
from recmeta.algorithms._gram import gram, mirror, row_blocks
from recmeta.algorithms._sums import add_at

# by way of the users in float64, 16 digits: beyond LARGEST the 1 in I + X L^-1 X' is lost; where no
# more than LEAST is left of the 1 that P = L^-1 (1 - ...) begins with, under 7 digits are right
LARGEST, LEAST = 4e15, 1e-9


class Ridge(NamedTuple):
    """Arrays are float32, or float64 where float32's 7 digits are too few."""

    inverse: NDArray[Any]  # P
    penalty: NDArray[Any]  # (n_items,): the diagonal of L
    of_users: NDArray[np.float32] | None  # K; None where P is the inverse of G + L itself

    def times(self, X: csr_array, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """P @ matrix, (n_items, n_columns); what is in ``matrix`` is lost."""
        if self.of_users is None:
            return np.asarray(self.inverse @ matrix)
        scaled = csr_array(X * (1 / self.penalty))
        mixed = scaled.T @ (self.of_users @ (scaled @ matrix))
        matrix /= self.penalty[:, None]
        matrix -= mixed
        return matrix


def ridge_inverse(X: csr_array, l2: float, dropout: float = 0.0, *, algorithm: str) -> Ridge:
    """P, by the quicker of two ways.

    ``algorithm`` is the name that errors begin with.

    Raises
    ------
    ValueError
        If l2 or dropout is out of range, or G + L is not positive definite for rounding.
    MemoryError
        With the gigabytes that it takes.
    """
    if not l2 > 0:
        raise ValueError(f"l2 must be positive: got {l2}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be at least 0 and below 1: got {dropout}")
    n_users, n_items = X.shape
    shape = n_users, n_items, X.nnz
    try:
        found = None
        if _users_seconds(*shape) < _gram_seconds(*shape):
            found = _inverse_by_users(X, l2, dropout)
        if found is None:
            found = _inverse_of_gram(X, l2, dropout, np.float32)
        if found is None:  # l2 is too small against X'X
            found = _inverse_of_gram(X, l2, dropout, np.float64)
    except MemoryError as error:
        raise MemoryError(
            f"{algorithm} needs {4 * n_items**2 / 1e9:.1f} GB for {n_items} items: "
            "drop rare items, or take a sparse model such as ItemKNN"
        ) from error
    if found is None:
        raise ValueError(f"X'X + {l2} I is not positive definite: take a larger l2")
    return found


def ridge_cost(n_users: int, n_items: int, nnz: int) -> Cost:
    """Of the inverse: cubic in the lesser of n_users and n_items."""
    shape = n_users, n_items, nnz
    of_gram, by_users = _gram_seconds(*shape), _users_seconds(*shape)
    fit_bytes = 4.4 * n_items**2 + 30 * nnz + (12 * n_users**2 if by_users < of_gram else 0)
    return Cost(min(of_gram, by_users) + 8e-9 * n_items**2, fit_bytes)


def _gram_seconds(n_users: int, n_items: int, nnz: int) -> float:
    pairs = 2 * nnz * nnz / max(n_users, 1)
    return 1e-9 * pairs + 1.2e-11 * n_items**3 + 2e-9 * n_items**2


def _users_seconds(n_users: int, n_items: int, nnz: int) -> float:
    return 2.4e-11 * n_users**3 + 1.5e-9 * nnz * (n_items + n_users) + 2e-9 * n_items**2


def _inverse_of_gram(X: csr_array, l2: float, dropout: float, dtype: Any) -> Ridge | None:
    """P in the memory of G; None where the Cholesky factorisation fails."""
    matrix = gram(X).astype(dtype, copy=False)
    penalty = dtype(l2) + dtype(dropout / (1 - dropout)) * matrix.diagonal()
    matrix[np.diag_indices_from(matrix)] += penalty
    return Ridge(matrix, penalty, None) if _invert(matrix) else None


def _inverse_by_users(X: csr_array, l2: float, dropout: float) -> Ridge | None:
    """P by way of K in float64; None where l2 is too small against X'X."""
    by_item = X.tocsc()
    penalty = np.zeros(X.shape[1])
    add_at(X.indices, np.square(X.data, dtype=np.float64), penalty)
    penalty *= dropout / (1 - dropout)
    penalty += l2
    kernel = np.eye(X.shape[0])
    _add_common(by_item.indptr, by_item.indices, by_item.data, penalty, kernel)
    if kernel.diagonal().max() > LARGEST or not _invert(kernel):
        return None
    inverse = np.zeros((X.shape[1],) * 2, dtype=np.float32)
    _in_threads(
        lambda block: _rows_by_users(
            block.start, by_item.indptr, by_item.indices, by_item.data,
            X.indptr, X.indices, X.data, kernel, penalty, inverse[block],
        ),
        row_blocks(X.shape[1]),
    )  # fmt: skip
    if not (inverse.diagonal() * penalty).min() > LEAST:
        return None
    return Ridge(inverse, penalty.astype(np.float32), kernel.astype(np.float32))


def _invert(matrix: NDArray[Any]) -> bool:
    """A symmetric matrix becomes its inverse, in place; False if it is not positive definite."""
    lapack: Any = get_lapack_funcs(("potrf", "potri"), (matrix,))
    factorise, invert = lapack
    # the lower triangle of the transpose (Fortran order, as LAPACK wants) is our upper one
    _, failed = factorise(matrix.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        return False
    _, failed = invert(matrix.T, lower=1, overwrite_c=1)
    if failed or not np.isfinite(matrix.diagonal()).all():
        return False
    mirror(matrix)
    return True


@njit(cache=True, nogil=True)
def _add_common(item_start, users, values, penalty, kernel):  # type: ignore[no-untyped-def]
    """Add the upper triangle of X L^-1 X' to ``kernel``."""
    for item in range(len(penalty)):
        for entry in range(item_start[item], item_start[item + 1]):
            row, value = kernel[users[entry]], values[entry] / penalty[item]
            for other in range(entry, item_start[item + 1]):
                row[users[other]] += value * values[other]


@njit(cache=True, nogil=True)
def _rows_by_users(  # type: ignore[no-untyped-def]
    first, item_start, users, item_values, user_start, items, values, kernel, penalty, rows
):
    """Rows of P from ``first`` on: of X'K, times X, between two L^-1."""
    mixture, row = np.empty(len(kernel)), np.empty(len(penalty))
    for item in range(first, first + len(rows)):
        mixture[:] = 0
        for entry in range(item_start[item], item_start[item + 1]):
            mixture -= item_values[entry] / penalty[item] * kernel[users[entry]]
        row[:] = 0
        for user in range(len(kernel)):
            weight = mixture[user]
            for entry in range(user_start[user], user_start[user + 1]):
                row[items[entry]] += weight * values[entry]
        row[item] += 1
        for other in range(len(penalty)):
            rows[item - first, other] = row[other] / penalty[other]
