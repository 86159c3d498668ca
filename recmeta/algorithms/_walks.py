"""Random walks of three steps, from an item to a user to an item: for P3alpha and RP3beta."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from recmeta.algorithms._neighbours import nearest_items, weights_from
from recmeta.algorithms._similarity import Form
from recmeta.algorithms._sums import entry_blocks


def walk_weights(X: csr_array, n_neighbours: int, alpha: float, beta: float) -> csr_array:
    """sum_u (x_ui / n_i)^alpha (x_uj / n_u)^alpha / n_j^beta, the largest of each column j.

    With y_ui = (x_ui / sqrt(n_u))^alpha it is (Y'Y)_ij / (n_i^alpha n_j^beta): half of the
    symmetric Y'Y will do.
    """
    if not (alpha >= 0 and beta >= 0):
        raise ValueError(f"the exponents must be at least 0: got alpha={alpha}, beta={beta}")
    n_items, largest = X.shape[1], float(X.data.max(initial=0)) or 1.0
    Y, of_item = _steps(X, largest, alpha)
    zeros, ones = np.zeros(n_items, dtype=np.float32), np.ones(n_items, dtype=np.float32)
    scale = (np.maximum(of_item * largest, 1e-30) ** -beta).astype(np.float32)
    form = Form(scale, ones, (of_item**alpha).astype(np.float32), zeros, zeros)
    k = min(n_neighbours, max(n_items - 1, 1))
    return weights_from(*nearest_items(Y, form, k), n_items)


def _steps(X: csr_array, largest: float, alpha: float) -> tuple[csr_array, NDArray[np.float64]]:
    """Y, and n_i over the largest entry: in (0, 1] no product is too large."""
    of_user, of_item = np.zeros(X.shape[0]), np.zeros(X.shape[1])
    _add_parts(X.indptr, X.indices, X.data, largest, of_user, of_item)
    steps, lengths = np.empty(X.nnz, dtype=np.float32), np.diff(X.indptr)
    for rows in entry_blocks(X.indptr):
        entries = slice(X.indptr[rows.start], X.indptr[rows.stop])
        part = X.data[entries].astype(np.float64) / largest
        steps[entries] = (part / np.repeat(np.sqrt(of_user[rows]), lengths[rows])) ** alpha
    return csr_array((steps, X.indices, X.indptr), shape=X.shape), of_item


@njit(cache=True, nogil=True)
def _add_parts(indptr, indices, data, largest, of_user, of_item):  # type: ignore[no-untyped-def]
    """The sums of rows and of columns of X / largest, in float64 and entry by entry."""
    for user in range(len(of_user)):
        for place in range(indptr[user], indptr[user + 1]):
            part = data[place] / largest
            of_user[user] += part
            of_item[indices[place]] += part
