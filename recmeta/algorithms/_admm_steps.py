"""Iterations of ADMMSLIM on a block of columns: all that is not a matrix product, in one pass.

========  ===============================================  ====================
symbol    meaning                                          shape
========  ===============================================  ====================
P         (X'X + penalty I)^-1                             (n_items, n_items)
K         (I + X X' / penalty)^-1, where P is found by it  (n_users, n_users)
inverse   the block's columns of P                         (n_items, n_columns)
V         B + the scaled dual variable, less C             (n_items, n_columns)
W         rho (C - V), or C in the end                     (n_items, n_columns)
product   P W, or the part of it that K gives              (n_items, n_columns)
========  ===============================================  ====================

By users P W = W / penalty - X' K X W / penalty^2: ``own_share`` is then 1 / penalty and ``sign``
-1, otherwise 0 and 1.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._ridge import Ridge

F32 = NDArray[np.float32]
FINITE = {"contract", "nsz", "nnan"}  # as all values are: P is


def product_with(ridge: Ridge, X: csr_array) -> tuple[Callable[[F32], F32], Any, Any]:
    """W -> product, own_share and sign."""
    if ridge.of_users is None:
        inverse = ridge.inverse
        return lambda W: np.asarray(inverse @ W), np.float32(0), np.float32(1)
    share, kernel = np.float32(1 / ridge.penalty[0]), ridge.of_users
    scaled = csr_array(X * share)
    turned = scaled.T.tocsr()
    return lambda W: np.asarray(turned @ (kernel @ (scaled @ W))), share, np.float32(-1)


@njit(cache=True, nogil=True)
def begin(first, inverse, rho, threshold, positive, V, W):  # type: ignore[no-untyped-def]
    """V and W before the first product: B has EASE's weights, the dual variable is 0."""
    own = np.empty(inverse.shape[1], dtype=np.float32)
    for column in range(len(own)):
        own[column] = -1 / inverse[first + column, column]
    for item in range(len(inverse)):
        for column in range(len(own)):
            place = item, column
            _split(inverse[place] * own[column], rho, threshold, positive, False, place, V, W)
    for column in range(len(own)):
        place = first + column, column
        _split(np.float32(0), rho, threshold, positive, False, place, V, W)


@njit(cache=True, nogil=True, fastmath=FINITE)
def advance(  # type: ignore[no-untyped-def]
    first, product, own_share, sign, inverse, rho, threshold, positive, ends, V, W
):
    """V and W after an iteration whose product is there; if it is the last, C in place of W."""
    n_columns = inverse.shape[1]
    diagonal, shares = np.empty(n_columns, np.float32), np.empty(n_columns, np.float32)
    for column in range(n_columns):
        item = first + column
        step = own_share * W[item, column] + sign * product[item, column]
        diagonal[column], shares[column] = V[item, column], (1 + step) / inverse[item, column]
    for item in range(len(inverse)):
        for column in range(n_columns):
            place = item, column
            step = own_share * W[place] + sign * product[place] - inverse[place] * shares[column]
            _split(V[place] + step, rho, threshold, positive, ends, place, V, W)
    for column in range(n_columns):  # B's diagonal is 0
        place = first + column, column
        _split(diagonal[column], rho, threshold, positive, ends, place, V, W)


@njit(cache=True, nogil=True, inline="always")
def _split(value, rho, threshold, positive, ends, place, V, W):  # type: ignore[no-untyped-def]
    """What V was goes to C, by the soft threshold, and the rest."""
    kept = max(value - threshold, np.float32(0))
    if not positive:
        kept += min(value + threshold, np.float32(0))
    rest = value - kept
    V[place] = rest
    W[place] = kept if ends else rho * (kept - rest)
