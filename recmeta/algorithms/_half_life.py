"""How fast popularity fades: the half-life that ranks best what is hidden.

======  =======================================================  ====================
symbol  meaning                                                  shape
======  =======================================================  ====================
X       interactions                                             (n_users, n_items)
times   of its entries, in the same order                        (nnz,)
h       a half-life, as a share of the span of the times
======  =======================================================  ====================

What comes later asks for a short half-life, what is hidden at random from the same time for a long
one, and a log does not say for which it will be asked. So the choice is the h whose NDCG@10 is
nearest to the best on both: the highest sum of the two shares.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._gram import row_blocks
from recmeta.algorithms._rank import DISCOUNTS, HIDDEN, MOST_USERS, K, hidden_entries
from recmeta.algorithms._sums import add_at, entries_where

F64 = NDArray[np.float64]
HALF_LIVES = (3.0, 1.5, 0.8, 0.4, 0.2, 0.1, 0.05, 0.02, 0.01, 0.003)
MIDDLE = 0.4  # where there is nothing to choose by
FAINTEST = 1e-30  # weight of the oldest events: their items come last, by their count
DATED = 2**13  # events at once: their weights take several numbers of 8 bytes each


def faded_popularity(X: csr_array, times: F64, half_life: float) -> F64:
    """The sum over users of x 2^(-age / half_life) for each item; ages from the latest time on."""
    now, popularity = times.max(initial=-np.inf), np.zeros(X.shape[1])
    for part in row_blocks(X.nnz, DATED):
        age = now - times[part]
        halvings = age / half_life if half_life > 0 else age  # no span: all of one time
        weights = X.data[part] * np.maximum(np.exp2(-halvings), FAINTEST)
        add_at(X.indices[part], weights, popularity)
    return popularity


def best_half_life(X: csr_array, times: F64, seed: int) -> float:
    """One of HALF_LIVES, the longest of equals; MIDDLE where nothing can be hidden.

    Time: of 2 * len(HALF_LIVES) popularities, and as often sorting the items of up to 2,000 users.
    """
    if not len(times) or np.ptp(times) == 0:
        return MIDDLE
    shares = np.zeros(len(HALF_LIVES))
    hidden = hidden_entries(X.indptr, np.random.default_rng(seed))
    shares += _shares(X, times, hidden, seed)
    shares += _shares(X, times, times > np.quantile(times, 1 - HIDDEN), seed)
    return HALF_LIVES[int(np.argmax(shares))] if shares.any() else MIDDLE


def _shares(X: csr_array, times: F64, hidden: NDArray[np.bool_], seed: int) -> F64:
    """Of the best NDCG@10, by half-life; 0 where nothing is hidden."""
    if not hidden.any():
        return np.zeros(len(HALF_LIVES))
    left, sought, times = entries_where(X, ~hidden), entries_where(X, hidden), times[~hidden]
    users = np.random.default_rng(seed).permutation(np.flatnonzero(np.diff(sought.indptr)))
    users = users[:MOST_USERS]
    half_lives = np.array(HALF_LIVES) * np.ptp(times)
    gains = np.array([_gain(left, times, sought, users, one) for one in half_lives])
    return np.asarray(gains / max(gains.max(), np.finfo(np.float64).tiny))


def _gain(
    left: csr_array, times: F64, sought: csr_array, users: NDArray[np.int64], half_life: float
) -> float:
    """Mean NDCG@10 of what is sought, the same list for all but for what each has seen."""
    popularity = faded_popularity(left, times, half_life)
    places = np.empty(len(popularity), dtype=np.int64)
    places[np.argsort(-popularity, kind="stable")] = np.arange(len(popularity))
    places[popularity == 0] = len(popularity) + K  # no candidates
    gains = np.zeros(len(users))
    seen = left.indptr, left.indices
    _sum_gains(users, seen, (sought.indptr, sought.indices), places, DISCOUNTS, gains)
    best = np.cumsum(DISCOUNTS)[np.minimum(np.diff(sought.indptr)[users], K) - 1]
    return float((gains / best).mean())


@njit(cache=True, nogil=True)
def _sum_gains(users, seen, sought, places, discounts, gains):  # type: ignore[no-untyped-def]
    """An item's place is its own in the list of all, less the seen items before it."""
    for row, user in enumerate(users):
        before = np.sort(places[seen[1][seen[0][user] : seen[0][user + 1]]])
        for item in sought[1][sought[0][user] : sought[0][user + 1]]:
            place = places[item] - np.searchsorted(before, places[item])
            if place < len(discounts):
                gains[row] += discounts[place]
