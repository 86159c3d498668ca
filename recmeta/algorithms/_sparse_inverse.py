"""A sparse approximate inverse of X'X + l2 I, for catalogues whose dense one fits no memory.

======  ========================================================  ==================
symbol  meaning                                                   shape
======  ========================================================  ==================
A       X'X + l2 I, with the items in order of falling A_ii       (n_items, n_items)
L       its Cholesky factor: A = L L'                             (n_items, n_items)
F       sparse lower triangle, near L^-1, so that A^-1 ~ F'F      (n_items, n_items)
S_i     at most n_neighbours items before i: columns of row i     (n_neighbours,)
c_it    A_it / sqrt(A_ii A_tt): the nearness of two items
======  ========================================================  ==================

Among the F with columns S_i + {i} in row i, the one with the least ||I - F L|| (Frobenius), scaled
to diag(F A F') = 1, has rows that need no L (Kolotilina & Yeremin 1993):

    y = A[S_i, S_i]^-1 A[S_i, i],    d = A_ii - A[i, S_i] y,    F_i,S = -y / sqrt(d),
    F_ii = 1 / sqrt(d).

It is the sparse factor of the least Kullback-Leibler divergence too (Schäfer et al. 2021), exact
once S_i is all items before i; nothing fills in, nothing breaks down (d >= l2), and each row stands
alone. S_i are the nearest items among those that are more popular, the order from coarse to fine
that the second paper advises; where fewer share a user with i, the most popular of the others too.
Only the lower triangle of A is kept, and of each row at most ``n_stored`` of the nearest: an entry
that was left out counts as 0.
"""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import _in_threads
from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._sums import by_column

SUMS = {"reassoc", "contract", "nsz"}  # in any order
LEAST_STORED = 1024  # entries of a row of A, 8 bytes each


def inverse_factor(X: csr_array, l2: float, n_neighbours: int) -> csr_array:
    """F, float32, with rows and columns in the order of X's items: row i holds item i's F_i.

    Parameters
    ----------
    X : csr_array, (n_users, n_items)
        Canonical.
    l2 : float
        Above 0.
    n_neighbours : int
        At most so many entries a row besides the diagonal.
    """
    n_items = X.shape[1]
    diagonal = np.bincount(X.indices, X.data.astype(np.float64) ** 2, n_items)
    order = np.argsort(-diagonal, kind="stable")
    squares = diagonal[order]
    ends = np.cumsum(np.minimum(np.arange(n_items), n_neighbours) + 1, dtype=np.int64)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), ends])
    columns, values = _ordered_factor(_reordered(X, order), squares, l2, n_neighbours, starts)
    used = values != 0  # a row with fewer neighbours leaves the rest of its places empty
    rows = np.repeat(order.astype(np.int32), np.diff(starts))[used]
    entries = values[used], (rows, order.astype(np.int32)[columns[used]])
    return csr_array(entries, shape=(n_items, n_items))


def _ordered_factor(
    X: csr_array, squares: NDArray[Any], l2: float, n_neighbours: int, starts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Columns and values of F's rows, for items in order; a place that is not used has a 0."""
    matrix = _lower_gram(X, squares, max(LEAST_STORED, 8 * n_neighbours))
    columns, values = np.empty(starts[-1], dtype=np.int32), np.zeros(starts[-1], dtype=np.float32)
    roots = np.sqrt(squares + l2)
    _in_threads(
        lambda block: _factor_rows(
            block.start, block.stop, *matrix, squares, roots, l2, n_neighbours, starts, columns,
            values,
        ),
        row_blocks(len(squares)),
    )  # fmt: skip
    return columns, values


def _reordered(X: csr_array, order: NDArray[np.int64]) -> csr_array:
    """The columns of X in that order, sorted within each row."""
    place = np.empty(len(order), dtype=np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    moved = csr_array((X.data.copy(), place[X.indices], X.indptr), shape=X.shape)
    moved.sort_indices()
    return moved


def _lower_gram(X: csr_array, squares: NDArray[Any], n_stored: int) -> tuple[Any, ...]:
    """Rows of X'X left of the diagonal: starts, lengths, columns (ascending) and values."""
    n_items, user_start = X.shape[1], X.indptr.astype(np.int64)
    items = X.indices.astype(np.int32, copy=False)
    places = by_column(user_start, items, n_items)
    users = places.indices
    bounds = np.minimum(_n_before(user_start, items, n_items), np.arange(n_items))
    bounds = np.minimum(bounds, n_stored)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(bounds)])
    lengths = np.zeros(n_items, dtype=np.int64)
    columns, values = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.float32)
    weights = (1 / np.sqrt(np.where(squares > 0, squares, 1))).astype(np.float32)

    def one_block(block: slice) -> None:
        _gram_rows(
            block.start, block.stop, places.indptr.astype(np.int64), users, places.data,
            user_start, items, X.data, weights, starts, lengths, columns, values,
        )  # fmt: skip

    _in_threads(one_block, row_blocks(n_items))
    return starts, lengths, columns, values


@njit(cache=True, nogil=True)
def _n_before(user_start, items, n_items):  # type: ignore[no-untyped-def]
    """Of each item, the entries before its own in the histories that have it."""
    counts = np.zeros(n_items, np.int64)
    for user in range(len(user_start) - 1):
        for place in range(user_start[user], user_start[user + 1]):
            counts[items[place]] += place - user_start[user]
    return counts


@njit(cache=True, nogil=True)
def _gram_rows(  # type: ignore[no-untyped-def]
    start, stop, item_start, users, places, user_start, items, data, weights, starts, lengths,
    columns, values,
):  # fmt: skip
    """Rows start..stop of X'X left of the diagonal, the nearest that there is room for."""
    row = np.zeros(stop, np.float32)
    touched, near = np.empty(stop, np.int32), np.empty(stop, np.float32)
    for item in range(start, stop):
        n = 0
        for entry in range(item_start[item], item_start[item + 1]):
            place = places[entry]
            value = data[place]
            for other_place in range(user_start[users[entry]], place):
                other = items[other_place]
                if row[other] == 0:
                    touched[n] = other
                    n += 1
                row[other] += value * data[other_place]
        found = np.sort(touched[:n])
        for index in range(n):
            near[index] = row[found[index]] * weights[found[index]]
        target = starts[item]
        for index in _nearest(near[:n], starts[item + 1] - target):
            columns[target], values[target] = found[index], row[found[index]]
            target += 1
        lengths[item] = target - starts[item]
        for index in range(n):
            row[found[index]] = 0


@njit(cache=True, nogil=True)
def _nearest(near, k):  # type: ignore[no-untyped-def]
    """Where the k largest stand, ascending; of equal ones the first."""
    n = len(near)
    if n <= k:
        return np.arange(n)
    least = np.partition(near, n - k)[n - k]
    room = k - (near > least).sum()
    kept, size = np.empty(k, np.int64), 0
    for index in range(n):
        if near[index] > least or (near[index] == least and room > 0):
            room -= near[index] == least
            kept[size] = index
            size += 1
    return kept


@njit(cache=True, nogil=True)
def _factor_rows(  # type: ignore[no-untyped-def]
    start, stop, row_start, lengths, gram_columns, gram_values, squares, roots, l2, n_neighbours,
    starts, columns, values,
):  # fmt: skip
    """Rows start..stop of F; a factor's first rows stay where the next item has the same ones."""
    room = min(n_neighbours, stop)
    block, target = np.empty((room, room)), np.empty(room)
    last_near = np.empty(0, gram_columns.dtype)
    for item in range(start, stop):
        first, last = row_start[item], row_start[item] + lengths[item]
        others = gram_columns[first:last]
        chosen = _nearest(gram_values[first:last] / roots[others], n_neighbours)
        near = _filled(others[chosen], min(n_neighbours, item))
        m, known, n_same = len(near), 0, 0
        while n_same < min(m, len(last_near)) and near[n_same] == last_near[n_same]:
            n_same += 1
        last_near = near
        for a in range(m):
            target[a] = 0
            if known < len(chosen) and others[chosen[known]] == near[a]:
                target[a] = gram_values[first + chosen[known]]
                known += 1
            if a < n_same:
                continue
            begin = row_start[near[a]]
            end = begin + lengths[near[a]]
            for b in range(a):
                begin = _first_from(gram_columns, begin, end, near[b])
                there = begin < end and gram_columns[begin] == near[b]
                block[a, b] = gram_values[begin] if there else 0.0
            block[a, a] = squares[near[a]] + l2
        explained = _solve(block[:m, :m], target[:m], l2, n_same)
        # at least l2 but for rounding, and for what was left out of A
        scale = 1 / np.sqrt(max(squares[item] + l2 - explained, l2))
        place = starts[item]
        for a in range(m):
            columns[place + a], values[place + a] = near[a], -target[a] * scale
        columns[place + m], values[place + m] = item, scale
        columns[place + m + 1 : starts[item + 1]] = item


@njit(cache=True, nogil=True)
def _filled(near, k):  # type: ignore[no-untyped-def]
    """``near`` and the first numbers that it lacks, k in all, ascending; none stays none."""
    n_lacking = k - len(near)
    if len(near) == 0 or n_lacking == 0:
        return near
    filled, taken = np.empty(k, near.dtype), 0
    for place in range(k):  # while numbers are lacking, the place is the number
        if taken < len(near) and (n_lacking == 0 or near[taken] == place):
            filled[place] = near[taken]
            taken += 1
        else:
            filled[place] = place
            n_lacking -= 1
    return filled


@njit(cache=True, nogil=True)
def _first_from(columns, begin, end, least):  # type: ignore[no-untyped-def]
    """The first place in begin..end of a column of ``least`` or more, by halving."""
    while begin < end:
        middle = (begin + end) >> 1
        if columns[middle] < least:
            begin = middle + 1
        else:
            end = middle
    return begin


@njit(cache=True, nogil=True, fastmath=SUMS)
def _solve(matrix, vector, least, n_done):  # type: ignore[no-untyped-def]
    """The solution y of matrix y = vector, in ``vector``; gives their inner product.

    Only the lower triangle is read; it becomes the Cholesky factor, its pivots at least ``least``.
    Its first n_done rows are the factor's already.
    """
    n, product = len(vector), 0.0
    for a in range(n_done, n):
        pivot = matrix[a, a]
        for b in range(a):
            total = matrix[a, b]
            for c in range(b):
                total -= matrix[a, c] * matrix[b, c]
            matrix[a, b] = total / matrix[b, b]
            pivot -= matrix[a, b] * matrix[a, b]
        matrix[a, a] = np.sqrt(max(pivot, least))
    for a in range(n):
        total = vector[a]
        for c in range(a):
            total -= matrix[a, c] * vector[c]
        vector[a] = total / matrix[a, a]
        product += vector[a] * vector[a]
    for a in range(n - 1, -1, -1):
        vector[a] /= matrix[a, a]
        for c in range(a):
            vector[c] -= matrix[a, c] * vector[a]
    return product
