"""Gradient steps on squared errors, of entries of X and of sampled zeros: FunkSVD and AsySVD.

======  =====================================================  ====================
symbol  meaning                                                shape
======  =====================================================  ====================
W, w    factors of users; those of one of them                 (n_users, n_columns)
H, h    factors of items; those of one of them                 (n_items, n_columns)
Y       factors of items as parts of a history                 (n_items, n_factors)
v       a user's sum of the rows of Y in his history           (n_factors,)
rates   learning rate, penalty of the user's side, of the      (4,)
        item's, and the mean of the targets
======  =====================================================  ====================

n_columns is n_factors, and with biases two more: the user's, then the item's side of them.
"""

import numpy as np
from numba import njit
from scipy.sparse import csr_array

from recmeta.algorithms._sampling import contains, draw_below
from recmeta.algorithms._sums import row_squares

START = 0.1  # standard deviation of the initial factors: at 0 neither side would have a gradient
WHOLE = 2**24  # a draw below it, compared with a share of it, decides for a zero


def check_rates(
    learning_rate: float, negative_share: float, user_l2: float, item_l2: float
) -> None:
    """Refuse what no training can use."""
    if not 0 <= negative_share < 1:
        raise ValueError(f"negative_share must lie in [0, 1): got {negative_share}")
    if not (learning_rate > 0 and 0 <= learning_rate * max(user_l2, item_l2) < 1):
        raise ValueError(
            "learning_rate must be positive, and times each l2 lie in [0, 1): "
            f"got {learning_rate}, {user_l2}, {item_l2}"
        )


def of_length_one(X: csr_array) -> csr_array:
    """X with rows of Euclidean length 1, those without entries as they are."""
    squares = row_squares(X)
    scale = (1 / np.sqrt(np.where(squares > 0, squares, 1))).astype(np.float32)
    data = np.repeat(scale, np.diff(X.indptr))
    data *= X.data
    return csr_array((data, X.indices, X.indptr), shape=X.shape)


@njit(cache=True, nogil=True)
def factor_steps(users, indptr, items, data, rates, zeros, biases, state, W, H):  # type: ignore[no-untyped-def]
    """For each user a step on each of his entries, and on zeros between them."""
    n_items = H.shape[0]
    for user in users:
        first, last = indptr[user], indptr[user + 1]
        for entry in range(first, last):
            while last - first < n_items and draw_below(WHOLE, state) < zeros:
                item = draw_below(n_items, state)
                while contains(items, first, last, item):
                    item = draw_below(n_items, state)
                factor_step(np.float32(0), rates, biases, W[user], H[item])
            factor_step(data[entry], rates, biases, W[user], H[items[entry]])


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def factor_step(target, rates, biases, w, h):  # type: ignore[no-untyped-def]
    """Move w and h against the error of one pair."""
    rate, one, size = rates[0], np.float32(1), np.float32(0)
    n_factors = len(w) - 2 if biases else len(w)
    error = target
    if biases:
        error -= h[n_factors] + w[n_factors + 1]
        size += np.float32(2)
    for f in range(n_factors):
        error -= w[f] * h[f]
        size += w[f] * w[f] + h[f] * h[f]
    # Kulis & Bartlett 2010: the minimum of the linearised error near (w, h) in place of a plain
    # step rate * error, which it is for small rates; a value of 1000 makes plain ones diverge
    step = rate * error / (one + rate * size)
    keep_w, keep_h = one - rate * rates[1], one - rate * rates[2]
    for f in range(n_factors):
        w_f = w[f]
        w[f] = keep_w * w_f + step * h[f]
        h[f] = keep_h * h[f] + step * w_f
    if biases:
        h[n_factors] = keep_h * h[n_factors] + step
        w[n_factors + 1] = keep_w * w[n_factors + 1] + (one - keep_w) * rates[3] + step


@njit(cache=True, nogil=True)
def history_steps(users, indptr, items, data, unit, rates, zeros, state, Y, H):  # type: ignore[no-untyped-def]
    """For each user a step on each of his entries, and on zeros between them."""
    n_items, n_factors, one = H.shape[0], Y.shape[1], np.float32(1)
    before, now = np.empty(n_factors, np.float32), np.empty(n_factors, np.float32)
    for user in users:
        first, last = indptr[user], indptr[user + 1]
        now[:] = 0
        for entry in range(first, last):
            for f in range(n_factors):
                now[f] += unit[entry] * Y[items[entry], f]
        before[:], kept = now, one
        for entry in range(first, last):
            while last - first < n_items and draw_below(WHOLE, state) < zeros:
                item = draw_below(n_items, state)
                while contains(items, first, last, item):
                    item = draw_below(n_items, state)
                kept *= _history_step(np.float32(0), rates, now, H[item])
            kept *= _history_step(data[entry], rates, now, H[items[entry]])
        # each step takes every y_j to keep y_j + step x_uj / ||x_u|| h, and so, as these weights
        # have squares that sum to 1, v to keep v + step h: only the sum of the moves is needed
        for f in range(n_factors):
            before[f] = now[f] - kept * before[f]
        for entry in range(first, last):
            for f in range(n_factors):
                y = Y[items[entry], f]
                Y[items[entry], f] = kept * y + unit[entry] * before[f]


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _history_step(target, rates, v, h):  # type: ignore[no-untyped-def]
    """Move v and h against the error of one pair; returns what the penalty keeps of v."""
    rate, one, size, n_factors = rates[0], np.float32(1), np.float32(0), len(v)
    biases, error = len(h) > n_factors, target
    if biases:
        error -= h[n_factors] + rates[3]
        size += one
    for f in range(n_factors):
        error -= v[f] * h[f]
        size += v[f] * v[f] + h[f] * h[f]
    # as in FunkSVD: the minimum of the linearised error near (v, h), which cannot diverge
    step = rate * error / (one + rate * size)
    keep_v, keep_h = one - rate * rates[1], one - rate * rates[2]
    for f in range(n_factors):
        v_f = v[f]
        v[f] = keep_v * v_f + step * h[f]
        h[f] = keep_h * h[f] + step * v_f
    if biases:
        h[n_factors] = keep_h * h[n_factors] + step
    return keep_v
