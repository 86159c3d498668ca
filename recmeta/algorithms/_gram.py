"""The Gram matrix X'X: what EASE, SLIM and PureSVD learn from.

======  ==================================================  ==================
symbol  meaning                                             shape
======  ==================================================  ==================
X       interactions, sparse                                (n_users, n_items)
G       X'X: weighted co-occurrences, dense and symmetric   (n_items, n_items)
======  ==================================================  ==================
"""

from collections.abc import Iterator

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import _in_threads

BLOCK = 64  # rows of G a thread takes at once


def gram(X: csr_array) -> NDArray[np.float32]:
    """X'X as a dense float32 array, for a canonical CSR matrix.

    Row i of G gathers the tails (items >= i) of the histories of item i's users, then the upper
    triangle is mirrored: sum over users of (history length)^2 / 2 additions, 4 n_items^2 bytes,
    and the same sums whatever the number of threads.
    """
    n_items = X.shape[1]
    user_start, items = X.indptr.astype(np.int32), X.indices.astype(np.int32, copy=False)
    # where each entry stands in X, listed by item
    places = csr_array((np.arange(X.nnz, dtype=np.int32), items, user_start), shape=X.shape).tocsc()
    item_start, users = places.indptr.astype(np.int32), places.indices.astype(np.int32, copy=False)
    matrix = np.zeros((n_items, n_items), dtype=np.float32)

    def one_block(block: slice) -> None:
        _upper_rows(
            block.start, block.stop, item_start, users, places.data, user_start, items, X.data,
            matrix,
        )  # fmt: skip

    _in_threads(one_block, row_blocks(n_items))
    mirror(matrix)
    return matrix


def mirror(matrix: NDArray[np.float32]) -> None:
    """Copy the upper triangle of a square matrix to the lower one, in place."""
    _in_threads(
        lambda block: _mirror_rows(block.start, block.stop, matrix), row_blocks(matrix.shape[0])
    )


def row_blocks(n_rows: int, step: int = BLOCK) -> Iterator[slice]:
    return (slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step))


@njit(cache=True, nogil=True)
def _upper_rows(start, stop, item_start, users, places, user_start, items, values, matrix):  # type: ignore[no-untyped-def]
    """Rows start..stop of the upper triangle."""
    for item in range(start, stop):
        row = matrix[item]
        for entry in range(item_start[item], item_start[item + 1]):
            place = places[entry]
            value = values[place]
            for other in range(place, user_start[users[entry] + 1]):
                row[items[other]] += value * values[other]


@njit(cache=True, nogil=True)
def _mirror_rows(start, stop, matrix):  # type: ignore[no-untyped-def]
    """Rows start..stop of the upper triangle to the lower one, in tiles that fit the cache."""
    n = matrix.shape[0]
    for left in range(start, n, 64):
        for row in range(start, stop):
            for column in range(max(left, row + 1), min(left + 64, n)):
                matrix[column, row] = matrix[row, column]
