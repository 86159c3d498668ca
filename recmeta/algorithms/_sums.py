"""Counts and sums of rows and columns, without the copies of X's arrays that numpy makes.

np.bincount turns numbers of columns into int64 and weights into float64 first: 16 bytes an entry
beside the 8 that X has. These add the same numbers in the same order: the same bits.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

BLOCK = 2**15  # entries at once


def entry_blocks(indptr: NDArray[Any], size: int | None = None) -> Iterator[slice]:
    """Ranges of rows with about BLOCK entries each, or ``size``: what is made of entries in float64
    is made for these, one after the other."""
    step = size or BLOCK
    inner = np.searchsorted(indptr, np.arange(step, indptr[-1], step))
    cuts = np.unique(np.concatenate([[0], inner, [len(indptr) - 1]])).tolist()
    return (slice(first, last) for first, last in pairwise(cuts))


def entries_where(X: csr_array, some: NDArray[np.bool_]) -> csr_array:
    """The entries of a CSR matrix that the mask (nnz,) picks, in their rows."""
    ends = np.zeros(X.shape[0] + 1, dtype=X.indptr.dtype)
    _count_in_rows(X.indptr, some, ends)
    return csr_array((X.data[some], X.indices[some], ends), shape=X.shape)


def column_counts(indices: NDArray[Any], n_columns: int) -> NDArray[np.int64]:
    """How many entries each column has, (n_columns,), of the column numbers of a CSR matrix."""
    counts, step = np.zeros(n_columns, dtype=np.int64), max(BLOCK, n_columns)
    for start in range(0, len(indices), step):
        counts += np.bincount(indices[start : start + step], minlength=n_columns)
    return counts


def column_sums(indices: NDArray[Any], values: NDArray[Any], n_columns: int) -> NDArray[np.float64]:
    """The sum of the values of each column, (n_columns,), entry by entry in float64."""
    sums = np.zeros(n_columns)
    add_at(indices, values, sums)
    return sums


def row_squares(X: csr_array) -> NDArray[np.float64]:
    """The sum of the squares of each row, (n_rows,): squares in float32, summed in float64."""
    squares = np.zeros(X.shape[0])
    _add_squares(X.indptr, X.data, squares)
    return squares


def by_column(indptr: NDArray[Any], indices: NDArray[Any], n_columns: int) -> csc_array:
    """Where each entry of a CSR matrix stands, listed by column: ``indices`` has its row, ``data``
    its place."""
    dtype, shape = np.int32 if len(indices) < 2**31 else np.int64, (len(indptr) - 1, n_columns)
    places, starts = np.arange(len(indices), dtype=dtype), indptr.astype(dtype, copy=False)
    return csr_array((places, indices, starts), shape=shape).tocsc()


def rows_by_column(
    indptr: NDArray[Any], indices: NDArray[Any], n_columns: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Where the rows of each column begin, (n_columns + 1,), and they, ascending: of a CSR matrix,
    whose values are not looked at."""
    starts = np.concatenate([[0], np.cumsum(column_counts(indices, n_columns))])
    rows = np.empty(len(indices), dtype=np.int32)
    _turn(indptr, indices, starts[:-1].copy(), rows)
    return starts, rows


@njit(cache=True, nogil=True)
def _turn(indptr, indices, next_, rows):  # type: ignore[no-untyped-def]
    for row in range(len(indptr) - 1):
        for place in range(indptr[row], indptr[row + 1]):
            column = indices[place]
            rows[next_[column]] = row
            next_[column] += 1


@njit(cache=True, nogil=True)
def add_at(indices, values, sums):  # type: ignore[no-untyped-def]
    """np.add.at(sums, indices, values)."""
    for place in range(len(indices)):
        sums[indices[place]] += values[place]


@njit(cache=True, nogil=True)
def _add_squares(indptr, data, squares):  # type: ignore[no-untyped-def]
    for row in range(len(squares)):
        for place in range(indptr[row], indptr[row + 1]):
            squares[row] += data[place] * data[place]


@njit(cache=True, nogil=True)
def _count_in_rows(indptr, some, ends):  # type: ignore[no-untyped-def]
    for row in range(len(indptr) - 1):
        ends[row + 1] = ends[row]
        for entry in range(indptr[row], indptr[row + 1]):
            ends[row + 1] += some[entry]
