"""Random walks of three steps, from an item to a user to an item: for P3alpha and RP3beta."""

import numpy as np
from scipy.sparse import csr_array

from recmeta.algorithms._neighbours import nearest_items, weights_from
from recmeta.algorithms._similarity import Form


def walk_weights(X: csr_array, n_neighbours: int, alpha: float, beta: float) -> csr_array:
    """sum_u (x_ui / n_i)^alpha (x_uj / n_u)^alpha / n_j^beta, the largest of each column j.

    With y_ui = (x_ui / sqrt(n_u))^alpha it is (Y'Y)_ij / (n_i^alpha n_j^beta): half of the
    symmetric Y'Y will do.
    """
    if not (alpha >= 0 and beta >= 0):
        raise ValueError(f"the exponents must be at least 0: got alpha={alpha}, beta={beta}")
    n_items, largest = X.shape[1], float(X.data.max(initial=0)) or 1.0
    part = X.data.astype(np.float64) / largest  # in (0, 1], so that no product is too large
    users = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    of_user = np.bincount(users, part, X.shape[0])
    of_item = np.bincount(X.indices, part, n_items)
    steps = ((part / np.sqrt(of_user)[users]) ** alpha).astype(np.float32)
    Y = csr_array((steps, X.indices, X.indptr), shape=X.shape)
    zeros, ones = np.zeros(n_items, dtype=np.float32), np.ones(n_items, dtype=np.float32)
    scale = (np.maximum(of_item * largest, 1e-30) ** -beta).astype(np.float32)
    form = Form(scale, ones, (of_item**alpha).astype(np.float32), zeros, zeros)
    k = min(n_neighbours, max(n_items - 1, 1))
    return weights_from(*nearest_items(Y, form, k), n_items)
