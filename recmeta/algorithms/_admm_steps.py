"""Iterations of ADMMSLIM on a block of columns: all that is not a matrix product, in one pass.

Items with the same users have the same weights, to all and from all, in every iteration, and so
where P is found by way of the users, each kind of item is a row and a column.

========  ====================================================  =====================
symbol    meaning                                               shape
========  ====================================================  =====================
P         (X'X + penalty I)^-1                                  (n_items, n_items)
K         (I + X X' / penalty)^-1, where P is found by it       (n_users, n_users)
inverse   the block's columns of P between items that differ:   (n_kinds, n_columns)
          its diagonal is for two items of the kind
own       P's diagonal                                          (n_columns,)
counts    items of each kind                                    (n_kinds,)
V         B + the scaled dual variable, less C                  (n_kinds, n_columns)
W         rho (C - V), or C in the end; its diagonal times the  (n_kinds, n_columns)
          share of the kind that is not the item itself
like      that diagonal without the share                       (n_columns,)
product   P W, or the part of it that K gives                   (n_kinds, n_columns)
========  ====================================================  =====================

By users P W = W / penalty - X' K X W / penalty^2: ``own_share`` is then 1 / penalty and ``sign``
-1, otherwise 0 and 1.
"""

import numpy as np
from numba import njit

from recmeta.algorithms._tiles import FINITE


@njit(cache=True, nogil=True)
def begin(first, inverse, own, counts, rates, V, W, like):  # type: ignore[no-untyped-def]
    """V and W before the first product: B has EASE's weights, the dual variable is 0.

    ``rates`` are rho, the threshold, and whether weights are positive.
    """
    for row in range(len(inverse)):
        for column in range(len(own)):
            place = row, column
            _split(-inverse[place] / own[column], rates, False, place, V, W)
    for column in range(len(own)):
        row = first + column
        value = -inverse[row, column] / own[column]
        like[column] = _split_like(value, counts[row], rates, False, (row, column), V, W)


@njit(cache=True, nogil=True, fastmath=FINITE)
def advance(first, product, ways, inverse, own, counts, rates, ends, V, W, like):  # type: ignore[no-untyped-def]
    """V and W after an iteration whose product is there; if it is the last, C in place of W.

    ``ways`` are own_share and sign.
    """
    own_share, sign = ways
    shares, before = np.empty(len(own), np.float32), np.empty(len(own), np.float32)
    for column in range(len(own)):
        shares[column] = (1 + sign * product[first + column, column]) / own[column]
        before[column] = V[first + column, column]
    for row in range(len(inverse)):
        for column in range(len(own)):
            place = row, column
            step = own_share * W[place] + sign * product[place] - inverse[place] * shares[column]
            _split(V[place] + step, rates, ends, place, V, W)
    for column in range(len(own)):
        row = first + column
        step = own_share * like[column] + sign * product[row, column]
        value = before[column] + step - inverse[row, column] * shares[column]
        like[column] = _split_like(value, counts[row], rates, ends, (row, column), V, W)


@njit(cache=True, nogil=True)
def _split(value, rates, ends, place, V, W):  # type: ignore[no-untyped-def]
    """What V was goes to C, by the soft threshold, and the rest."""
    rho, threshold, positive = rates
    kept = max(value - threshold, np.float32(0))
    if not positive:
        kept += min(value + threshold, np.float32(0))
    rest = value - kept
    V[place] = rest
    W[place] = kept if ends else rho * (kept - rest)


@njit(cache=True, nogil=True)
def _split_like(value, count, rates, ends, place, V, W):  # type: ignore[no-untyped-def]
    """The same of an item and another of its kind: nothing if there is none. Gives W's value."""
    if count == 1:
        V[place], W[place] = 0, 0
        return np.float32(0)
    _split(value, rates, ends, place, V, W)
    whole = W[place]
    if not ends:
        W[place] = whole * np.float32((count - 1) / count)
    return whole
