"""The ridge inverse, from which EASE, EDLAE, RDLAE and ADMMSLIM start, and its linear models.

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
P = L^-1 - L^-1 X' K X L^-1, in n_users^3 + n_items * nnz operations where G takes n_items^3. With
many more, a history is scored by way of K too, and P is never made.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.linalg.lapack import get_lapack_funcs
from scipy.sparse import csc_array, csr_array

from recmeta.algorithms._base import Cost, Recommender, _in_threads
from recmeta.algorithms._checks import check_memory
from recmeta.algorithms._gram import gram, mirror, row_blocks
from recmeta.algorithms._like_columns import Kinds
from recmeta.algorithms._sums import add_at

# by way of the users in float64, 16 digits: beyond LARGEST the 1 in I + X L^-1 X' is lost; where no
# more than LEAST is left of the 1 that P = L^-1 (1 - ...) begins with, under 7 digits are right
LARGEST, LEAST = 4e15, 1e-9
# more items than both: K and X, a sixteenth of the weights, take their place
WIDE, SMALL = 4, 2000  # items for a user; items


class RidgeRecommender(Recommender):
    """Scores x B with B = I - P diag((1 - b) / diag(P)), b the diagonal of B."""

    def _learn(
        self, X: csr_array, l2: float, dropout: float = 0.0, diagonal_limit: float = 0.0
    ) -> None:
        """b_j is what it is without a constraint, 1 - L_jj P_jj, but at most ``diagonal_limit``."""
        _check_penalty(l2, dropout)
        users = _of_users(X, l2, dropout) if _is_wide(*X.shape) else None
        if users is not None and (left := users.left()) is not None:
            own = np.clip(1 - left, 0, diagonal_limit)
            self.__dict__.pop("item_weights_", None)  # of an earlier fit
            self.histories_, self.kernel_ = X.copy(), users.rounded_kernel()
            self.item_scales_ = np.stack([1 / users.penalty, (1 - own) / left])
            return
        for name in ("histories_", "kernel_", "item_scales_"):
            self.__dict__.pop(name, None)
        n_users, n_items = X.shape
        if _is_wide(n_users, n_items):  # cost() did not count on it
            check_memory(type(self), ridge_cost(n_users, n_items, X.nnz).bytes, X.shape)
        weights, penalty, _ = ridge_inverse(X, l2, dropout, algorithm=type(self).__name__)
        diagonal = weights.diagonal().copy()
        own = np.clip(1 - penalty * diagonal, 0, diagonal_limit)
        weights *= (own - 1) / diagonal
        np.fill_diagonal(weights, own)
        self.item_weights_ = weights.astype(np.float32, copy=False)

    def _scores(self, X: csr_array, users: NDArray[np.int64]) -> NDArray[np.float32]:
        if hasattr(self, "item_weights_"):
            return super()._scores(X, users)
        # x B = x (I - S) + x L^-1 H' K H S, with S the second scale
        first, second = self.item_scales_.astype(self.kernel_.dtype, copy=False)
        scaled, histories = (A.astype(self.kernel_.dtype) for A in (X, self.histories_))
        scaled = csr_array(scaled * first)
        mixture = (scaled @ histories.T).toarray() @ self.kernel_
        scores = histories.T @ np.ascontiguousarray(mixture.T)  # (n_items, n_rows)
        scores *= second[:, None]
        rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        scores[X.indices, rows] += X.data * (1 - second)[X.indices]
        return np.ascontiguousarray(scores.T, dtype=np.float32)

    @classmethod
    def cost(cls, n_users: int, n_items: int, nnz: int, **params: Any) -> Cost:
        if not _is_wide(n_users, n_items):
            return ridge_cost(n_users, n_items, nnz)
        return Cost(2.4e-11 * n_users**3 + 3e-9 * nnz * n_users, 16.0 * n_users**2 + 40 * nnz)


class Ridge(NamedTuple):
    """Arrays are float32, or float64 where float32's 7 digits are too few."""

    inverse: NDArray[Any]  # P
    penalty: NDArray[Any]  # (n_items,): the diagonal of L
    of_users: NDArray[np.float32] | None  # K; None where P is the inverse of G + L itself


def ridge_inverse(
    X: csr_array, l2: float, dropout: float = 0.0, *, algorithm: str, kinds: Kinds | None = None
) -> Ridge:
    """P, by the quicker of two ways; by way of the users, of one item of each of ``kinds``.

    ``algorithm`` is the name that errors begin with.

    Raises
    ------
    ValueError
        If l2 or dropout is out of range, or G + L is not positive definite for rounding.
    MemoryError
        With the gigabytes that it takes.
    """
    _check_penalty(l2, dropout)
    n_users, n_items = X.shape
    shape = n_users, n_items, X.nnz
    try:
        found = None
        if _users_seconds(*shape) < _gram_seconds(*shape):
            users = _of_users(X, l2, dropout)
            found = users and users.ridge(kinds)
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


def _is_wide(n_users: int, n_items: int) -> bool:
    return n_items > max(WIDE * n_users, SMALL)


def _check_penalty(l2: float, dropout: float) -> None:
    if not l2 > 0:
        raise ValueError(f"l2 must be positive: got {l2}")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be at least 0 and below 1: got {dropout}")


class _Users(NamedTuple):
    """P by way of K."""

    X: csr_array
    by_item: csc_array  # X
    kernel: NDArray[np.float64]  # K
    penalty: NDArray[np.float64]
    largest: float  # entry of I + X L^-1 X'

    def ridge(self, kinds: Kinds | None) -> Ridge | None:
        """P as a matrix, or its part of one item of each kind; None where its digits are lost."""
        if kinds is not None and len(kinds.first) < self.X.shape[1]:
            unlike = csr_array(self.X[:, kinds.first])
            some = self._replace(
                X=unlike, by_item=unlike.tocsc(), penalty=self.penalty[kinds.first]
            )
            return some.ridge(None)
        X, by_item, n_items = self.X, self.by_item, self.X.shape[1]
        inverse = np.zeros((n_items, n_items), dtype=np.float32)
        _in_threads(
            lambda block: _rows_by_users(
                block.start, by_item.indptr, by_item.indices, by_item.data,
                X.indptr, X.indices, X.data, self.kernel, self.penalty, inverse[block],
            ),
            row_blocks(n_items),
        )  # fmt: skip
        if not (inverse.diagonal() * self.penalty).min() > LEAST:
            return None
        return Ridge(inverse, self.penalty.astype(np.float32), self.kernel.astype(np.float32))

    def rounded_kernel(self) -> NDArray[Any]:
        """K as float32, if sums of its products with X L^-1 X' keep five digits."""
        fits = self.largest < 10
        return self.kernel.astype(np.float32) if fits else self.kernel

    def left(self) -> NDArray[np.float64] | None:
        """The diagonal of L P; None where its digits are lost."""
        by_item = self.by_item
        taken = _taken(by_item.indptr, by_item.indices, by_item.data, self.kernel)
        left = np.asarray(1 - taken / self.penalty)
        return left if left.min() > LEAST else None


def _of_users(X: csr_array, l2: float, dropout: float) -> _Users | None:
    """K in float64; None where l2 is too small against X'X."""
    by_item = X.tocsc()
    penalty = np.zeros(X.shape[1])
    add_at(X.indices, np.square(X.data, dtype=np.float64), penalty)
    penalty *= dropout / (1 - dropout)
    penalty += l2
    kernel = np.eye(X.shape[0])
    _add_common(by_item.indptr, by_item.indices, by_item.data, penalty, kernel)
    largest = float(kernel.diagonal().max())
    if largest > LARGEST or not _invert(kernel):
        return None
    return _Users(X, by_item, kernel, penalty, largest)


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
def _taken(item_start, users, values, kernel):  # type: ignore[no-untyped-def]
    """x' K x for each column x of X."""
    sums = np.zeros(len(item_start) - 1)
    for item in range(len(sums)):
        for entry in range(item_start[item], item_start[item + 1]):
            row = kernel[users[entry]]
            value = np.float64(values[entry])  # float32's digits are lost in what is left of 1
            for other in range(item_start[item], item_start[item + 1]):
                sums[item] += value * values[other] * row[users[other]]
    return sums


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
