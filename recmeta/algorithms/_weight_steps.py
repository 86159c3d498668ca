"""Steps of SLIMBPR on dense item weights: pairs of items, and three optimisers.

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

from recmeta.algorithms._base import _blocks, _in_threads
from recmeta.algorithms._sampling import contains, draw_below
from recmeta.algorithms._topk import select_top_k

OPTIMISERS = {"sgd": 0, "adagrad": 1, "adam": 2}  # and how many moments of the gradient each keeps
DECAYS = 0.9, 0.999  # Kingma & Ba 2015, algorithm 1


def largest_of_rows(
    weights: NDArray[np.float32], n_kept: int, seen: NDArray[np.bool_], symmetric: bool
) -> csr_array:
    """The n_kept largest of each row, as the columns of a CSR matrix; none for unseen items."""
    n_items = len(weights)
    n_kept = min(n_kept, n_items)
    kept = np.empty((n_items, n_kept), dtype=np.int32)
    values = np.empty((n_items, n_kept), dtype=np.float32)

    def one_block(block: slice) -> None:
        rows = weights[block]
        if symmetric:  # the upper triangle is the transpose of the lower one, the diagonal 0
            rows = rows + weights[:, block].T
        select_top_k(rows, kept[block], values[block])

    _in_threads(one_block, _blocks(n_items, n_items))
    there = (kept >= 0) & seen[:, None]
    targets = np.repeat(np.arange(n_items), there.sum(axis=1))
    return csr_array((values[there], (kept[there], targets)), shape=(n_items, n_items))


@njit(cache=True, nogil=True)
def weight_steps(users, items, indptr, rates, n_done, symmetric, state, moments, weights):  # type: ignore[no-untyped-def]
    """Steps along ``weights``: for each user, one per interaction."""
    n_items, one = len(weights), np.float32(1)
    for user in users:
        first, last = indptr[user], indptr[user + 1]
        if last - first == n_items:
            continue
        history = items[first:last]
        for _ in range(last - first):
            i, j = history[draw_below(last - first, state)], draw_below(n_items, state)
            while contains(items, first, last, j):
                j = draw_below(n_items, state)
            margin = np.float32(0)
            for item in history:
                if item != i:
                    margin += weights[_place(i, item, symmetric)]
                    margin -= weights[_place(j, item, symmetric)]
            slope = one / (one + np.exp(margin))
            n_done += 1  # Adam's correction counts all steps, as PyTorch's SparseAdam does
            past = np.float32(1 - DECAYS[0] ** n_done), np.float32(1 - DECAYS[1] ** n_done)
            for item in history:
                if item != i:
                    place = _place(i, item, symmetric)
                    change = slope - rates[1] * weights[place]
                    weights[place] += rates[0] * _scaled(change, place, past, moments)
                    place = _place(j, item, symmetric)
                    change = -slope - rates[2] * weights[place]
                    weights[place] += rates[0] * _scaled(change, place, past, moments)


@njit(cache=True, nogil=True)
def _place(target, source, symmetric):  # type: ignore[no-untyped-def]
    """Where the weight stands: in the lower triangle if symmetric."""
    return (source, target) if symmetric and source > target else (target, source)


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
