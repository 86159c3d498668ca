"""The Gram matrix X'X: what EASE, SLIM and the neighbours of items learn from.

======  ==================================================  ==================
symbol  meaning                                             shape
======  ==================================================  ==================
X       interactions, sparse                                (n_users, n_items)
G       X'X: weighted co-occurrences, dense and symmetric   (n_items, n_items)
======  ==================================================  ==================
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import _in_threads
from recmeta.algorithms._checks import check_memory
from recmeta.algorithms._sums import by_column

BLOCK = 64  # rows of G a thread takes at once
SPARSE = 0.1  # share of non-zero entries of G below which it is stored sparse


class Tails(NamedTuple):
    """X by item and by user: each entry of an item leads to the rest of its user's history.

    Columns are unsigned: numba then leaves out what it does for negative indices.
    """

    item_start: NDArray[np.int32]  # (n_items + 1,)
    users: NDArray[np.uint32]  # (nnz,), by item
    places: NDArray[np.uint32]  # (nnz,), by item: where the entry stands in X
    user_start: NDArray[np.int32]  # (n_users + 1,)
    items: NDArray[np.uint32]  # (nnz,)
    values: NDArray[np.float32]  # (nnz,); none if each user has one value
    squares: NDArray[np.float32]  # (n_users,): of each user's one value; none if they differ


def tails(X: csr_array) -> Tails:
    """Of a canonical CSR matrix."""
    user_start, items = X.indptr.astype(np.int32), X.indices.astype(np.int32, copy=False)
    alike = is_even(X)
    places = by_column(user_start, items, X.shape[1])
    item_start, users = places.indptr.astype(np.int32), places.indices.astype(np.int32, copy=False)
    none, first = np.empty(0, dtype=np.float32), np.zeros(X.shape[0], dtype=np.float32)
    there = np.diff(user_start) > 0
    first[there] = X.data[user_start[:-1][there]]
    return Tails(
        item_start, users.view(np.uint32), places.data.view(np.uint32), user_start,
        items.view(np.uint32), none if alike else X.data, first * first if alike else none,
    )  # fmt: skip


def is_even(matrix: csr_array) -> bool:
    """Whether each row has one value, as those of a binary matrix."""
    like_the_last = matrix.data[1:] == matrix.data[:-1]
    starts = matrix.indptr[1:-1]
    like_the_last[starts[(starts > 0) & (starts < matrix.nnz)] - 1] = True
    return bool(like_the_last.all())


def gram(X: csr_array) -> NDArray[np.float32]:
    """X'X as a dense float32 array, for a canonical CSR matrix.

    Row i of G gathers the tails (items >= i) of the histories of item i's users, then the upper
    triangle is mirrored: sum over users of (history length)^2 / 2 additions, 4 n_items^2 bytes,
    and the same sums whatever the number of threads.
    """
    n_items, parts = X.shape[1], tails(X)
    matrix = np.zeros((n_items, n_items), dtype=np.float32)
    _in_threads(lambda block: upper_rows(block.start, *parts, matrix[block]), row_blocks(n_items))
    mirror(matrix)
    return matrix


def rows_of_gram(X: csr_array) -> tuple[NDArray[Any], NDArray[np.int32], NDArray[np.float32]]:
    """Row starts, columns and values of X'X; no columns where it is stored dense."""
    n_items, matrix = X.shape[1], sparse_or_dense_gram(X)
    if isinstance(matrix, csr_array):
        return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32), matrix.data
    starts = np.arange(n_items + 1, dtype=np.int64) * n_items
    return starts, np.empty(0, dtype=np.int32), matrix.ravel()


def sparse_or_dense_gram(X: csr_array, algorithm: Any = None) -> csr_array | NDArray[np.float32]:
    """X'X, as CSR where few of its entries can be other than 0.

    Raises MemoryError in the name of the algorithm, if one is given, where it is dense and more
    than this machine has: a few long histories make it so, of which ``cost`` knows nothing.
    """
    if n_pairs(X) < SPARSE * X.shape[1] ** 2:
        return csr_array(X.T.tocsr() @ X)
    if algorithm is not None:
        check_memory(algorithm, 4.4 * X.shape[1] ** 2, X.shape)
    return gram(X)


def n_pairs(X: csr_array) -> float:
    """Sum over the rows of (entries)^2: no fewer than the entries of X'X."""
    return float((np.diff(X.indptr).astype(np.float64) ** 2).sum())


def mirror(matrix: NDArray[np.float32]) -> None:
    """Copy the upper triangle of a square matrix to the lower one, in place."""
    _in_threads(
        lambda block: _mirror_rows(block.start, block.stop, matrix), row_blocks(matrix.shape[0])
    )


def row_blocks(n_rows: int, step: int = BLOCK) -> Iterator[slice]:
    return (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


@njit(cache=True, nogil=True)
def upper_rows(first, item_start, users, places, user_start, items, values, squares, rows):  # type: ignore[no-untyped-def]
    """Add the upper triangle of G, from row ``first`` on, to ``rows`` (n_rows, n_items)."""
    for item in range(first, first + len(rows)):
        row = rows[item - first]
        for entry in range(item_start[item], item_start[item + 1]):
            user, place = users[entry], places[entry]
            if len(squares):  # the usual case: nothing is read for the others but their numbers
                square = squares[user]
                for other in range(place, user_start[user + 1]):
                    row[items[other]] += square
            else:
                value = values[place]
                for other in range(place, user_start[user + 1]):
                    row[items[other]] += value * values[other]


@njit(cache=True, nogil=True)
def _mirror_rows(start, stop, matrix):  # type: ignore[no-untyped-def]
    """Rows start..stop of the upper triangle to the lower one, in tiles that fit the cache."""
    n = matrix.shape[0]
    for left in range(start, n, 64):
        for row in range(start, stop):
            for column in range(max(left, row + 1), min(left + 64, n)):
                matrix[column, row] = matrix[row, column]
