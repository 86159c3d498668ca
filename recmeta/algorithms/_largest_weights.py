"""The largest weights of each row of a dense matrix, most of whose entries are 0.

=======  =======================================================  ==================
symbol   meaning                                                  shape
=======  =======================================================  ==================
weights  if symmetric, only the lower triangle is used, without   (n_items, n_items)
         the diagonal
=======  =======================================================  ==================

A row with at most n_kept entries other than 0 keeps them all: they are gathered in one pass along
the memory. The other rows are selected from one by one.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from recmeta.algorithms._base import _blocks, _in_threads
from recmeta.algorithms._topk import select_top_k

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]


def largest_of_rows(
    weights: F32, n_kept: int, seen: NDArray[np.bool_], order: I32, symmetric: bool
) -> csr_array:
    """The n_kept largest that are not 0 of each row, as the columns of a CSR matrix of items.

    ``seen`` and the rows are in ``order``; none for unseen items.
    """
    n_items = len(weights)
    counts = np.zeros(n_items, dtype=np.int64)
    _count(weights, symmetric, counts)
    few = counts <= n_kept
    rows, columns, values = (np.empty(counts[few & seen].sum(), kind) for kind in "iif")
    _gather(weights, symmetric, few & seen, rows, columns, values)
    others = np.flatnonzero(seen & ~few)
    selected = _selected(weights, min(n_kept, n_items), others, symmetric)
    rows = np.concatenate([rows, selected.row])
    columns = np.concatenate([columns, selected.col])
    values = np.concatenate([values, selected.data])
    # duplicates there are none: the conversion only sorts
    return csr_array(coo_array((values, (order[columns], order[rows])), shape=(n_items, n_items)))


def _selected(weights: F32, n_kept: int, rows: I64, symmetric: bool) -> coo_array:
    """The n_kept largest that are not 0 of some rows."""
    kept = np.empty((len(rows), n_kept), dtype=np.int32)
    values = np.empty((len(rows), n_kept), dtype=np.float32)

    def one_block(block: slice) -> None:
        part = weights[rows[block]]
        if symmetric:  # the upper triangle is the transpose of the lower one, the diagonal 0
            part += weights[:, rows[block]].T
        select_top_k(part, kept[block], values[block])

    _in_threads(one_block, _blocks(len(rows), len(weights)))
    there = (kept >= 0) & (values != 0)
    targets = np.repeat(rows.astype(np.int32), there.sum(axis=1))
    return coo_array((values[there], (targets, kept[there])), shape=weights.shape)


@njit(cache=True, nogil=True)
def _count(weights, symmetric, counts):  # type: ignore[no-untyped-def]
    """How many entries of each row are not 0."""
    for row in range(len(weights)):
        for column in range(row if symmetric else len(weights)):
            if weights[row, column] != 0:
                counts[row] += 1
                if symmetric:
                    counts[column] += 1


@njit(cache=True, nogil=True)
def _gather(weights, symmetric, wanted, rows, columns, values):  # type: ignore[no-untyped-def]
    """The entries other than 0 of the wanted rows."""
    n = 0
    for row in range(len(weights)):
        for column in range(row if symmetric else len(weights)):
            weight = weights[row, column]
            if weight != 0:
                if wanted[row]:
                    rows[n], columns[n], values[n] = row, column, weight
                    n += 1
                if symmetric and wanted[column]:
                    rows[n], columns[n], values[n] = column, row, weight
                    n += 1
