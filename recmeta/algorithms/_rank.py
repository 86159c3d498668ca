"""How many singular vectors rank best: chosen on items that are hidden from each user.

======  ==================================================  ====================
symbol  meaning                                             shape
======  ==================================================  ====================
X       interactions that are left                          (n_users, n_items)
V       leading right singular vectors of X                 (n_items, LADDER[-1])
======  ==================================================  ====================

Ranks nest: the scores X V_r V_r' of a rank r are those of the one before and a few columns more,
so that one decomposition serves the whole ladder.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.linalg.blas import sgemm
from scipy.sparse import csr_array

from recmeta.algorithms._base import _blocks, _in_threads
from recmeta.algorithms._factors import F32
from recmeta.algorithms._singular_vectors import top_right_singular_vectors
from recmeta.algorithms._sums import entries_where, entry_blocks
from recmeta.algorithms._topk import mask_seen

LADDER = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)  # up to 256 takes twice as long
HIDDEN = 0.2  # of each user's items
MOST_USERS = 2000  # to be ranked for
K = 10
DISCOUNTS = 1 / np.log2(np.arange(2, K + 2))  # of the places of a list


class Lesson(NamedTuple):
    """Users whose hidden items are to be ranked first, and what is known without these."""

    left: csr_array  # X of all users, (n_users, n_items)
    shown: csr_array  # its rows of up to MOST_USERS users, (n_rows, n_items)
    hidden: csr_array  # the same users' hidden items


class Nested(NamedTuple):
    """Scores of rows x by rank r and weight w: linear(x) + w along(x)[:, :r] across[:, :r]'."""

    along: Callable[[csr_array], F32]
    across: F32  # (n_items, n_columns)
    linear: Callable[[csr_array], F32] | None = None  # None: nothing


def ladder_of(n_users: int, n_items: int) -> list[int]:
    """The ranks that are tried: those below the smaller side, and 1 in any case."""
    return [rank for rank in LADDER if rank == 1 or rank < min(n_users, n_items)]


def best_rank(X: csr_array, rng: np.random.Generator) -> int:
    """The rank of the ladder with the highest mean NDCG@10 on what up to 2,000 users do not show.

    The smallest of equals; 1 where nobody has two items. Time: one decomposition at the largest
    rank, and for each rank the places of the hidden items among users * n_items scores.
    """
    lesson = lesson_of(X, rng)
    if lesson is None:
        return 1
    ranks = ladder_of(*X.shape)
    vectors = top_right_singular_vectors(lesson.left, ranks[-1], rng)[1]
    gains = gains_of_ranks(lesson, Nested(lambda x: np.asarray(x @ vectors), vectors), ranks)
    return ranks[int(np.argmax(gains.mean(axis=2)))]


def lesson_of(X: csr_array, rng: np.random.Generator) -> Lesson | None:
    """None where nobody has two items."""
    left, hidden = hide(X, rng)
    users = np.flatnonzero(np.diff(hidden.indptr))
    if not len(users):
        return None
    users = np.sort(rng.permutation(users)[:MOST_USERS])
    return Lesson(left, csr_array(left[users]), csr_array(hidden[users]))


def hide(X: csr_array, rng: np.random.Generator) -> tuple[csr_array, csr_array]:
    """What is left and what is hidden: HIDDEN of each row of two entries or more, at least one."""
    chosen = hidden_entries(X.indptr, rng)
    return entries_where(X, ~chosen), entries_where(X, chosen)


def hidden_entries(indptr: NDArray[Any], rng: np.random.Generator) -> NDArray[np.bool_]:
    """A mask of the entries that ``hide`` hides."""
    lengths = np.diff(indptr)
    n_hidden = np.where(lengths > 1, np.maximum(np.rint(HIDDEN * lengths), 1), 0).astype(np.int64)
    chosen = np.empty(indptr[-1], dtype=bool)
    for block in entry_blocks(indptr):  # numbers for all entries would take more than X
        first, last = indptr[block.start], indptr[block.stop]
        chosen[first:last] = _drawn(lengths[block], n_hidden[block], rng)
    return chosen


def _drawn(
    lengths: NDArray[Any], n_chosen: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """n_chosen of the entries of each row, by a random order within the row."""
    rows, ends = np.repeat(np.arange(len(lengths)), lengths), np.cumsum(lengths)
    order = np.lexsort((rng.random(len(rows)), rows))
    chosen = np.empty(len(rows), dtype=bool)
    chosen[order] = np.arange(len(rows)) < (ends - lengths + n_chosen)[rows]
    return chosen


def gains_of_ranks(
    lesson: Lesson, scores: Nested, ranks: Sequence[int], weights: Sequence[float] = (1.0,)
) -> NDArray[np.float64]:
    """NDCG@K of the new items of each row by each rank and weight; NaN: none is hidden.

    (n_ranks, n_weights, n_rows). Of the list no more is asked than the places of the hidden items.
    """
    n_rows, n_items = lesson.shown.shape
    gains = np.empty((len(ranks), len(weights), n_rows))
    columns = np.asfortranarray(scores.across)

    def one_block(block: slice) -> None:
        part, sought = lesson.shown[block], lesson.hidden[block]
        along = np.asfortranarray(scores.along(part))
        base = np.zeros((part.shape[0], n_items), dtype=np.float32)
        if scores.linear is not None:
            base[:] = scores.linear(part)
        mask_seen(base, part.indptr, part.indices)  # so low that the sums below leave it as it is
        nested = base if scores.linear is None else np.zeros_like(base)
        first = 0
        for number, rank in enumerate(ranks):
            more = slice(first, rank)
            sgemm(1, columns[:, more], along[:, more], 1, nested.T, trans_b=1, overwrite_c=1)
            first = rank
            for place, weight in enumerate(weights):
                summed = nested if scores.linear is None else base + np.float32(weight) * nested
                _sum_gains(
                    summed, sought.indptr, sought.indices, DISCOUNTS, gains[number, place, block]
                )

    _in_threads(one_block, _blocks(n_rows, n_items))
    best = np.concatenate([[np.nan], np.cumsum(DISCOUNTS)])
    return gains / best[np.minimum(np.diff(lesson.hidden.indptr), K)]


@njit(cache=True, nogil=True)
def _sum_gains(scores, indptr, indices, discounts, gains):  # type: ignore[no-untyped-def]
    """The discounts at the places of each row's entries of the CSR pattern, added up.

    A place is the number of candidates with a higher score, or the same and a lower number. The
    best are counted for first: one that is beyond the list ends the row.
    """
    for row in range(len(scores)):
        items, values = indices[indptr[row] : indptr[row + 1]], scores[row]
        gains[row] = 0
        for item in items[np.argsort(-values[items], kind="mergesort")]:
            if values[item] == 0:  # no candidate
                continue
            place = _n_before(values, item)
            if place >= len(discounts):
                break
            gains[row] += discounts[place]


@njit(cache=True, nogil=True)
def _n_before(values, item):  # type: ignore[no-untyped-def]
    """How many of the other items are ranked before this one; a score of 0 is no candidate."""
    value, n_before = values[item], 0
    for other in range(item):
        n_before += values[other] >= value and values[other] != 0
    for other in range(item + 1, len(values)):
        n_before += values[other] > value and values[other] != 0
    return n_before
