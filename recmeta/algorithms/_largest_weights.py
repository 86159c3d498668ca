"""The largest weights of each row of a dense matrix, most of whose entries are 0.

=======  =======================================================  ==================
symbol   meaning                                                  shape
=======  =======================================================  ==================
weights  if symmetric, only the lower triangle is used, without   (n_items, n_items)
         the diagonal
=======  =======================================================  ==================

A row with at most n_kept entries other than 0 keeps them all: they are gathered in one pass along
the memory. The other rows are selected from one by one. NaN and -inf, which steps that diverge end
in, count as 0, as they do for ``select_top_k``.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from recmeta.algorithms._base import _blocks, _in_threads
from recmeta.algorithms._topk import NO_SCORE, select_top_k

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]


def largest_of_rows(
    weights: F32, n_kept: int, seen: NDArray[np.bool_], order: I32, symmetric: bool
) -> csr_array:
    """The n_kept largest that are not 0 of each row, as the columns of a CSR matrix of items.

    ``seen`` and the rows are in ``order``; none for unseen items.
    """
    n_items = len(weights)
    counts = np.zeros(n_items, dtype=np.int64)
    _count(weights, symmetric, counts)
    starts = np.zeros(n_items + 1, dtype=np.int64)
    starts[1 + order] = np.where(seen, np.minimum(counts, n_kept), 0)
    np.cumsum(starts, out=starts)
    items, values = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
    columns = order, starts[order], items, values
    _gather(weights, symmetric, seen & (counts <= n_kept), *columns)
    others = np.flatnonzero(seen & (counts > n_kept))

    def one_block(block: slice) -> None:
        rows = others[block]
        part = weights[rows]
        if symmetric:  # the upper triangle is the transpose of the lower one, the diagonal 0
            _mirror_into(weights, rows, part)
        kept, largest = np.empty((len(rows), n_kept), np.int32), np.empty((len(rows), n_kept), "f")
        select_top_k(part, kept, largest)
        _place(rows, kept, largest, *columns)

    _in_threads(one_block, _blocks(len(others), n_items))
    return csr_array(csc_array((values, items, starts), shape=weights.shape).tocsr())


@njit(cache=True, nogil=True)
def _is_weight(weight):  # type: ignore[no-untyped-def]
    return weight != 0 and weight > NO_SCORE


@njit(cache=True, nogil=True)
def _count(weights, symmetric, counts):  # type: ignore[no-untyped-def]
    """How many entries of each row are not 0."""
    for row in range(len(weights)):
        for column in range(row if symmetric else len(weights)):
            if _is_weight(weights[row, column]):
                counts[row] += 1
                if symmetric:
                    counts[column] += 1


@njit(cache=True, nogil=True)
def _mirror_into(weights, rows, part):  # type: ignore[no-untyped-def]
    """The upper triangle of some rows, read from the lower one along the memory."""
    for row in range(len(weights)):
        for place in range(len(rows)):
            if row > rows[place]:
                part[place, row] = weights[row, rows[place]]


@njit(cache=True, nogil=True)
def _gather(weights, symmetric, wanted, order, starts, items, values):  # type: ignore[no-untyped-def]
    """The entries other than 0 of the wanted rows, from their starts on."""
    ends = starts.copy()
    for row in range(len(weights)):
        for column in range(row if symmetric else len(weights)):
            weight = weights[row, column]
            if _is_weight(weight):
                if wanted[row]:
                    items[ends[row]], values[ends[row]] = order[column], weight
                    ends[row] += 1
                if symmetric and wanted[column]:
                    items[ends[column]], values[ends[column]] = order[row], weight
                    ends[column] += 1


@njit(cache=True, nogil=True)
def _place(rows, kept, largest, order, starts, items, values):  # type: ignore[no-untyped-def]
    """What was selected of some rows, from their starts on."""
    for place in range(len(rows)):
        for number in range(kept.shape[1]):
            entry = starts[rows[place]] + number
            items[entry], values[entry] = order[kept[place, number]], largest[place, number]
