"""The largest weights of each row of a dense matrix, most of whose entries are 0.

=======  =======================================================  ==================
symbol   meaning                                                  shape
=======  =======================================================  ==================
weights  if symmetric, only the lower triangle is used, without   (n_items, n_items)
         the diagonal
=======  =======================================================  ==================

Rows with few candidates have them gathered in one pass along the memory: those with few entries
other than 0, and those for which an earlier selection tells what need not be looked at. The other
rows are selected from whole. NaN and -inf, which steps that diverge end in, count as 0, as they do
for ``select_top_k``.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from recmeta.algorithms._base import _blocks, _in_threads
from recmeta.algorithms._topk import NO_SCORE, select_top_k

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
FEW = 4  # candidates for an entry that is kept


def largest_of_rows(
    weights: F32,
    n_kept: int,
    seen: NDArray[np.bool_],
    order: I32,
    symmetric: bool,
    earlier: csr_array | None = None,
) -> csr_array:
    """The n_kept largest that are not 0 of each row, as the columns of a CSR matrix of items.

    ``seen`` and the rows are in ``order``; none for unseen items. ``earlier`` is what was returned
    for like weights: entries far below the least that a row kept there are no candidates, unless
    too few are above.
    """
    n_items = len(weights)
    n_kept = min(n_kept, n_items)
    floors = _floors(earlier, n_items, n_kept)[order]
    counts = np.zeros(n_items, dtype=np.int64)
    _count(weights, symmetric, floors, counts)
    enough = (floors == NO_SCORE) | (counts >= n_kept)
    gathered = seen & enough & (counts <= FEW * n_kept)
    starts = np.concatenate([[0], np.cumsum(np.where(gathered, counts, 0))])
    candidates = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
    _gather(weights, symmetric, floors, gathered, starts, *candidates)
    kept = np.full((n_items, n_kept), -1, np.int32)
    largest = np.empty((n_items, n_kept), np.float32)
    _select_gathered(starts, *candidates, kept, largest)
    others = np.flatnonzero(seen & ~gathered)

    def one_block(block: slice) -> None:
        rows = others[block]
        part = weights[rows]
        if symmetric:  # the upper triangle is the transpose of the lower one, the diagonal 0
            _mirror_into(weights, rows, part)
        chosen, values = np.empty((len(rows), n_kept), np.int32), np.empty((len(rows), n_kept), "f")
        select_top_k(part, chosen, values)
        kept[rows], largest[rows] = chosen, values

    _in_threads(one_block, _blocks(len(others), n_items))
    place = np.empty_like(order)
    place[order] = np.arange(n_items, dtype=order.dtype)
    kept, largest = kept[place], largest[place]
    indptr = np.concatenate([[0], np.cumsum((kept >= 0).sum(axis=1))])
    columns = order[kept[kept >= 0]], indptr
    return csr_array(csc_array((largest[kept >= 0], *columns), shape=weights.shape).tocsr())


def _floors(earlier: csr_array | None, n_items: int, n_kept: int) -> F32:
    """For each column of ``earlier``, a number that most of its largest are likely to be above."""
    floors = np.full(n_items, NO_SCORE, dtype=np.float32)
    if earlier is not None and earlier.nnz:
        columns = earlier.tocsc()
        lengths = np.diff(columns.indptr)
        least = np.minimum.reduceat(columns.data, columns.indptr[:-1][lengths > 0])
        full = lengths == n_kept
        least = least[full[lengths > 0]]
        with np.errstate(invalid="ignore"):  # infinite weights have no floor
            floors[full] = least - np.float32(0.1) * np.abs(least)
    return floors


@njit(cache=True, nogil=True)
def _count(weights, symmetric, floors, counts):  # type: ignore[no-untyped-def]
    """How many entries of each row are not 0 and above its floor."""
    for row in range(len(weights)):
        floor = floors[row]
        for column in range(row if symmetric else len(weights)):
            weight = weights[row, column]
            if weight != 0:
                counts[row] += weight > floor
                if symmetric:
                    counts[column] += weight > floors[column]


@njit(cache=True, nogil=True)
def _gather(weights, symmetric, floors, wanted, starts, items, values):  # type: ignore[no-untyped-def]
    """Those entries of the wanted rows, from their starts on."""
    ends = starts.copy()
    for row in range(len(weights)):
        for column in range(row if symmetric else len(weights)):
            weight = weights[row, column]
            if weight != 0:
                if weight > floors[row] and wanted[row]:
                    items[ends[row]], values[ends[row]] = column, weight
                    ends[row] += 1
                if symmetric and weight > floors[column] and wanted[column]:
                    items[ends[column]], values[ends[column]] = row, weight
                    ends[column] += 1


@njit(cache=True, nogil=True)
def _select_gathered(starts, items, values, kept, largest):  # type: ignore[no-untyped-def]
    """The largest of each row's candidates, which stand in the order of the items."""
    for row in range(len(kept)):
        first, last = starts[row], starts[row + 1]
        if last > first:
            select_top_k(
                values[first:last].reshape(1, -1), kept[row : row + 1], largest[row : row + 1]
            )
            for place in range(kept.shape[1]):
                if kept[row, place] >= 0:
                    kept[row, place] = items[first + kept[row, place]]


@njit(cache=True, nogil=True)
def _mirror_into(weights, rows, part):  # type: ignore[no-untyped-def]
    """The upper triangle of some rows, read from the lower one along the memory."""
    for row in range(len(weights)):
        for place in range(len(rows)):
            if row > rows[place]:
                part[place, row] = weights[row, rows[place]]
