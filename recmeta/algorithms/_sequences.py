"""Rows in time order: for every model that knows what came before what.

======  ==========================================================  ==========
symbol  meaning                                                     shape
======  ==========================================================  ==========
starts  where each user's events begin, and the end of the last     (n_rows+1,)
items   the items of all users, each user's from first to last      (nnz,)
r       how many events of the user came after: 0 for the last      (nnz,)
======  ==========================================================  ==========

Events of one time come in the order of the item number. An item that was met often stands where it
was met last, for a matrix has one time for it.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._base import _check_counts, _in_threads
from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._heap import offered, sort_heap
from recmeta.algorithms._sums import add_at, by_column, entry_blocks, rows_by_column

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
SORTED = 2**13  # events at once


class Sequences(NamedTuple):
    """Users' events in time order."""

    starts: I64
    items: I32


def in_time_order(timestamps: csr_array) -> Sequences:
    """The events of each row from first to last; equal times by item number. O(nnz log nnz)."""
    starts, lengths = timestamps.indptr.astype(np.int64), np.diff(timestamps.indptr)
    items = np.empty(timestamps.nnz, dtype=np.int32)
    # so that the order is not of all events at once; sorting makes several numbers of each
    for rows in entry_blocks(starts, SORTED):
        events = slice(starts[rows.start], starts[rows.stop])
        row = np.repeat(np.arange(len(lengths[rows])), lengths[rows])
        order = np.lexsort((timestamps.indices[events], timestamps.data[events], row))
        items[events] = timestamps.indices[events][order]
    return Sequences(starts, items)


def last_items(timestamps: csr_array, n_last: int, discount: float) -> csr_array:
    """discount^r for the last n_last items of each row: as many rows, sorted CSR."""
    starts, items = in_time_order(timestamps)
    r = np.repeat(starts[1:], np.diff(starts)) - 1 - np.arange(len(items))
    kept = r < n_last
    counts = np.minimum(np.diff(starts), n_last)
    ends = np.concatenate([[0], np.cumsum(counts)])
    weights = (discount ** r[kept]).astype(np.float32)
    last = csr_array((weights, items[kept], ends), shape=timestamps.shape)
    last.sort_indices()
    return last


def span(times: F64) -> float:
    """From the first to the last time; 0 for no times."""
    return float(np.ptp(times)) if len(times) else 0.0


def transitions(
    sequences: Sequences, n_items: int, by_distance: F64, backward: float, k: int
) -> tuple[I32, F32, F64]:
    """The k items i with the largest N_ij before each item j.

    N_ij = sum of by_distance[d - 1] over the events of i that come d places before one of j, and of
    backward times that over those that come d places after. One addition for each such pair.

    Parameters
    ----------
    sequences : Sequences
    n_items : int
    by_distance : float64 array, (window,)
    backward : float
    k : int

    Returns
    -------
    sources : int32 array, (n_items, k)
        Of each j, the best first, equal ones by their number; -1 pads.
    amounts : float32 array, (n_items, k)
        N_ij.
    totals : float64 array, (n_items,)
        sum_j N_ij, of all j.
    """
    _check_counts(n_neighbours=k)
    starts, items = sequences
    totals = _totals(starts, items, n_items, by_distance, backward)
    events = by_column(starts, items, n_items)
    sources = np.full((n_items, k), -1, dtype=np.int32)
    amounts = np.zeros((n_items, k), dtype=np.float32)

    def one_block(block: slice) -> None:
        _transitions(
            block.start, block.stop, events.indptr, events.data, events.indices, starts, items,
            by_distance, backward, np.zeros(n_items), np.empty(n_items, dtype=np.int32), sources,
            amounts,
        )  # fmt: skip

    _in_threads(one_block, row_blocks(n_items))
    return sources, amounts, totals


def _totals(starts: I64, items: I32, n_items: int, by_distance: F64, backward: float) -> F64:
    """sum_j N_ij, (n_items,): what the places ahead of and behind each event of i make."""
    summed, totals = np.concatenate([[0.0], np.cumsum(by_distance)]), np.zeros(n_items)
    for rows in entry_blocks(starts):
        first, lengths = starts[rows], np.diff(starts[rows.start : rows.stop + 1])
        here = slice(starts[rows.start], starts[rows.stop])
        place = np.arange(here.start, here.stop) - np.repeat(first, lengths)
        after = np.repeat(lengths, lengths) - 1 - place
        ahead = summed[np.minimum(after, len(by_distance))]
        behind = summed[np.minimum(place, len(by_distance))]
        add_at(items[here], ahead + backward * behind, totals)
    return totals


def users_of(starts: I64, items: I32, n_items: int) -> tuple[I64, I32]:
    """Where each item's users begin, and they: ascending."""
    return rows_by_column(starts, items, n_items)


@njit(cache=True, nogil=True)
def _transitions(  # type: ignore[no-untyped-def]
    start, stop, event_starts, events, users, starts, items, by_distance, backward, amount,
    touched, sources, amounts,
):  # fmt: skip
    """Items j from start to stop: a dense row of N_ij, then a heap. ``amount`` ends all 0.

    0 in ``amount`` says that an item was not met, so what adds nothing must not be added.
    """
    window = len(by_distance)
    for j in range(start, stop):
        n_touched = 0
        for index in range(event_starts[j], event_starts[j + 1]):
            event, user = events[index], users[index]
            n_before, n_after = event - starts[user], starts[user + 1] - 1 - event
            for distance in range(1, min(window, n_before) + 1):
                i, step = items[event - distance], by_distance[distance - 1]
                if step > 0:
                    if amount[i] == 0:
                        touched[n_touched] = i
                        n_touched += 1
                    amount[i] += step
            if backward > 0:
                for distance in range(1, min(window, n_after) + 1):
                    i, step = items[event + distance], backward * by_distance[distance - 1]
                    if step > 0:
                        if amount[i] == 0:
                            touched[n_touched] = i
                            n_touched += 1
                        amount[i] += step
        size = 0
        for index in range(n_touched):
            i = touched[index]
            value = np.float32(amount[i])
            amount[i] = 0
            size = offered(sources[j], amounts[j], size, value, i)
        sort_heap(sources[j], amounts[j], size)


@njit(cache=True, nogil=True)
def score_by_neighbours(  # type: ignore[no-untyped-def]
    starts, items, owners, discounts, rarity, lengths, known_starts, known_items, item_starts,
    item_users, nearness, backward, k, scores,
):  # fmt: skip
    """Rows of SessionKNN's scores, (n_rows, n_items), which come in as 0.

    starts, items: the histories; owners: their users in known_*, or -1. discounts[r]: weight of the
    item with r after it, as many as are looked at. rarity, lengths: factors of the items and of the
    known users. nearness[d]: weight of an item d places from the match.
    """
    n_known = len(known_starts) - 1
    similarity = np.zeros(n_known)
    touched = np.empty(n_known, dtype=np.int32)
    values, others = np.empty(k, dtype=np.float32), np.empty(k, dtype=np.int32)
    rank = np.full(scores.shape[1], len(items), dtype=np.int64)  # r, where it is looked at
    for row in range(len(starts) - 1):
        end = starts[row + 1]
        n_last = min(len(discounts), end - starts[row])
        n_touched = 0
        for r in range(n_last):
            item = items[end - 1 - r]
            rank[item] = r
            weight = discounts[r] * rarity[item]
            if not weight > 0:
                continue
            for place in range(item_starts[item], item_starts[item + 1]):
                user = item_users[place]
                if similarity[user] == 0:
                    touched[n_touched] = user
                    n_touched += 1
                similarity[user] += weight
        size = 0
        for index in range(n_touched):
            user = touched[index]
            value = np.float32(similarity[user] * lengths[user])
            similarity[user] = 0
            if user != owners[row]:
                size = offered(others, values, size, value, user)
        for index in range(size):
            first, stop = known_starts[others[index]], known_starts[others[index] + 1]
            match = first
            for place in range(first, stop):
                if rank[known_items[place]] < rank[known_items[match]]:
                    match = place
            for place in range(first, stop):
                near = nearness[abs(place - match)]
                if place < match:
                    near *= backward
                scores[row, known_items[place]] += values[index] * near
        for r in range(n_last):
            rank[items[end - 1 - r]] = len(items)
