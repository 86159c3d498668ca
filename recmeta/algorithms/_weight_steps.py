"""Steps of SLIMBPR on dense item weights: pairs of items, and three optimisers.

Items are numbered by their popularity, the most popular first: histories then meet in the top left
corner of the weights, which stays in the cache, and in the heads of rows.

=======  ====================================================  ==================
symbol   meaning                                               shape
=======  ====================================================  ==================
weights  row j holds what scores item j; if symmetric, only    (n_items, n_items)
         the lower triangle is used
moments  the optimiser's: mean squares of the gradients, and   (0 to 2, n_items,
         for adam means before                                 n_items)
=======  ====================================================  ==================
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._sampling import contains, draw_below
from recmeta.algorithms._sums import column_counts

OPTIMISERS = {"sgd": 0, "adagrad": 1, "adam": 2}  # and how many moments of the gradient each keeps
DECAYS = 0.9, 0.999  # Kingma & Ba 2015, algorithm 1


def by_popularity(X: csr_array) -> NDArray[np.int32]:
    """Items in the order of their number of interactions, the most first."""
    counts = column_counts(X.indices, X.shape[1])
    return np.argsort(-counts, kind="stable").astype(np.int32)


def renumbered(X: csr_array, order: NDArray[np.int32]) -> csr_array:
    """The entries of X with its columns in this order, sorted within rows; each counts as 1."""
    number = np.empty(len(order), dtype=np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    ones = np.ones(X.nnz, dtype=bool)  # not X's own values: sorting would move those
    matrix = csr_array((ones, number[X.indices], X.indptr.astype(np.int32)), shape=X.shape)
    matrix.sort_indices()
    return matrix


@njit(cache=True, nogil=True)
def weight_steps(users, items, indptr, rates, n_done, symmetric, state, moments, weights):  # type: ignore[no-untyped-def]
    """Steps along ``weights``: for each user, one per interaction."""
    n_items, one, rate = len(weights), np.float32(1), rates[0]
    for user in users:
        first, last = indptr[user], indptr[user + 1]
        if last - first == n_items:
            continue
        for _ in range(last - first):
            place = first + draw_below(last - first, state)
            j = np.uint32(draw_below(n_items, state))
            while contains(items, first, last, j):
                j = np.uint32(draw_below(n_items, state))
            i, after = items[place], _first_above(items, first, last, j)
            margin = _sum(weights, i, items, first, place, False)
            margin += _sum(weights, i, items, place + 1, last, symmetric)
            # of j without the weight for i, which takes no part
            margin -= _sum(weights, j, items, first, min(place, after), False)
            margin -= _sum(weights, j, items, min(place + 1, after), after, False)
            margin -= _sum(weights, j, items, after, max(place, after), symmetric)
            margin -= _sum(weights, j, items, max(place + 1, after), last, symmetric)
            slope = one / (one + np.exp(margin))
            n_done += 1  # Adam's correction counts all steps, as PyTorch's SparseAdam does
            past = np.float32(1 - DECAYS[0] ** n_done), np.float32(1 - DECAYS[1] ** n_done)
            up, down = (rate, slope, rates[1], past), (rate, -slope, rates[2], past)
            _move(weights, moments, i, items, first, place, False, up)
            _move(weights, moments, i, items, place + 1, last, symmetric, up)
            _move(weights, moments, j, items, first, min(place, after), False, down)
            _move(weights, moments, j, items, min(place + 1, after), after, False, down)
            _move(weights, moments, j, items, after, max(place, after), symmetric, down)
            _move(weights, moments, j, items, max(place + 1, after), last, symmetric, down)


@njit(cache=True, nogil=True)
def _first_above(items, low, high, item):  # type: ignore[no-untyped-def]
    """Where the sorted items[low:high] begin to be larger than the item, which they don't have."""
    while low < high:
        middle = (low + high) >> 1
        if items[middle] < item:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _sum(weights, target, items, low, high, turned):  # type: ignore[no-untyped-def]
    """Of the target's weights for items[low:high]: along its row, or turned down its column."""
    even, odd = np.float32(0), np.float32(0)
    for place in range(low, high - 1, 2):
        item, other = items[place], items[place + 1]
        even += weights[item, target] if turned else weights[target, item]
        odd += weights[other, target] if turned else weights[target, other]
    if high > low and (high - low) % 2:
        item = items[high - 1]
        even += weights[item, target] if turned else weights[target, item]
    return even + odd


@njit(cache=True, nogil=True)
def _move(weights, moments, target, items, low, high, turned, step):  # type: ignore[no-untyped-def]
    """A step of the same weights."""
    rate, slope, l2, past = step
    for place in range(low, high):
        row, column = (items[place], target) if turned else (target, items[place])
        gradient = slope - l2 * weights[row, column]
        weights[row, column] += rate * _scaled(gradient, (row, column), past, moments)


@njit(cache=True, nogil=True)
def _scaled(gradient, place, past, moments):  # type: ignore[no-untyped-def]
    """The gradient as the optimiser takes it; updates ``moments`` there."""
    tiny, one = np.float32(1e-8), np.float32(1)
    row, column = place
    if len(moments) == 0:
        return gradient
    if len(moments) == 1:
        moments[0, row, column] += gradient * gradient
        return gradient / (np.sqrt(moments[0, row, column]) + tiny)
    first, second = np.float32(DECAYS[0]), np.float32(DECAYS[1])
    mean = first * moments[0, row, column] + (one - first) * gradient
    square = second * moments[1, row, column] + (one - second) * gradient * gradient
    moments[0, row, column], moments[1, row, column] = mean, square
    return mean / past[0] / (np.sqrt(square / past[1]) + tiny)
